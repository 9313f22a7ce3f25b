import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';

type Env = Readonly<Record<string, string | undefined>>;

/** What docker's client has for a registry below `certs.d/HOST[:PORT]/`: `*.crt`, and `*.cert` with its `*.key`. */
export interface RegistryCertificates {
  readonly authorities: readonly string[];
  readonly client?: { readonly cert: string; readonly key: string };
}

/** At the controller, for root's docker, a rootless one and Docker Desktop; the first folder that is there. */
export async function readCertificates(host: string, env: Env): Promise<RegistryCertificates> {
  const home = env['HOME'];
  const own =
    home === undefined ? [] : [join(home, '.config/docker/certs.d', host), join(home, '.docker/certs.d', host)];
  for (const folder of [...own, join('/etc/docker/certs.d', host)]) {
    const names = await readdir(folder).catch(() => undefined);
    if (names === undefined) continue;
    const authorities = await Promise.all(
      names.filter((name) => name.endsWith('.crt')).map((name) => readText(join(folder, name))),
    );
    const certName = names.find((name) => name.endsWith('.cert'));
    const cert = certName === undefined ? '' : await readText(join(folder, certName));
    const key = certName === undefined ? '' : await readText(join(folder, certName.replace(/\.cert$/, '.key')));
    return {
      authorities: authorities.filter((text) => text !== ''),
      ...(cert && key ? { client: { cert, key } } : {}),
    };
  }
  return { authorities: [] };
}

const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/ssl/cert.pem',
];

/**
 * Node's own authorities, those of `NODE_EXTRA_CA_CERTS`, and the system's (`SSL_CERT_FILE` overrides its file), which
 * Node does not look at: a company's own authority is mostly there, and docker trusts it.
 */
export async function knownAuthorities(env: Env): Promise<readonly string[]> {
  const files = env['SSL_CERT_FILE'] ? [env['SSL_CERT_FILE']] : systemBundles;
  const texts = await Promise.all([...files, env['NODE_EXTRA_CA_CERTS'] ?? ''].map(readText));
  return [...rootCertificates, ...texts.filter((text) => text !== '')];
}

/** A certificate that is good, but whose authority is not among those that were asked. */
export function isUnknownAuthority(code: string): boolean {
  return unknownAuthority.has(code);
}

const unknownAuthority: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

async function readText(path: string): Promise<string> {
  return path === '' ? '' : await readFile(path, 'utf8').catch(() => '');
}
