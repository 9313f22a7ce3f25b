import { RegistryError } from './registry-error.ts';
import { answerTimeoutMs } from './registry-exchange.ts';
import { isUnknownAuthority } from './registry-trust.ts';

/** Words for an exchange that gave no answer. `host`: the registry, or its token server. */
export function unreachable(registry: string, error: unknown, host = registry): RegistryError {
  if (error instanceof RegistryError) return error;
  const code = codeOf(error);
  if (code === 'TIMEOUT' || code === 'ETIMEDOUT') {
    const message = `the registry ${host} gave no answer within ${answerTimeoutMs / 1000} s`;
    const hint = 'Check the network between here and the registry, then run again.';
    return new RegistryError(registry, 'slow', message, { hint, cause: error });
  }
  if (code === 'TOO_LARGE' || code === 'FORBIDDEN_ADDRESS') {
    const message = `the registry ${host} is not read: ${wordsOf(error)}`;
    return new RegistryError(registry, 'failed', message, { cause: error });
  }
  if (speaksNoTls(error)) {
    return new RegistryError(registry, 'unreachable', `the registry ${host} does not speak TLS`, {
      hint: `If it is meant to be reached over plain HTTP, mark it in the playbook: registries: { ${JSON.stringify(host)}: { insecure: true } }`,
      cause: error,
    });
  }
  const hint = isCertificateTrouble(code)
    ? `Put the certificate of its authority into /etc/docker/certs.d/${host}/ca.crt or among the system's, or name it in NODE_EXTRA_CA_CERTS.`
    : 'Check its name and the network between here and the registry.';
  const message = `the registry ${host} cannot be reached: ${wordsOf(error)}`;
  return new RegistryError(registry, 'unreachable', message, { hint, cause: error });
}

export function speaksNoTls(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'EPROTO' || code.startsWith('ERR_SSL');
}

export function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

function isCertificateTrouble(code: string): boolean {
  return isUnknownAuthority(code) || code.startsWith('CERT_') || code === 'ERR_TLS_CERT_ALTNAME_INVALID';
}

/** Several addresses were tried: what each of them said. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((each: unknown) => wordsOf(each)).join('; ');
  return error instanceof Error ? error.message : String(error);
}
