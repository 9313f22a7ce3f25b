import { readFile } from 'node:fs/promises';
import { describeEnd, lastWords, runProgram } from '../../local/program.ts';
import { Secret } from '../../model/secret.ts';
import { explainReadError, resolvePath } from '../files.ts';
import { isVaultText } from '../vault/vault.ts';
import type { SecretSource } from './schema.ts';

export interface SecretsContext {
  /** The folder of the playbook: files are relative to it, commands run in it. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Of a file that ansible-vault encrypted. @throws an error that says why not */
  readonly decrypt: (text: string) => string;
  report(name: string, key: string, message: string): void;
}

const commandTimeoutMs = 60_000;
/** Of a secret: a file of certificates has some ten thousand. */
export const mostCommandBytes = 4 << 20;

/** Fetches every secret, all at once. One that cannot be read is reported and left out. */
export async function readSecrets(
  sources: Readonly<Record<string, SecretSource>>,
  context: SecretsContext,
): Promise<Map<string, Secret>> {
  const read = await Promise.all(
    Object.entries(sources).map(async ([name, source]): Promise<[string, Secret][]> => {
      try {
        const value = await fetchValue(source, context);
        if (value === '') throw new Error('is empty');
        return [[name, new Secret(name, value)]];
      } catch (error) {
        context.report(name, Object.keys(source)[0] ?? '', (error as Error).message);
        return [];
      }
    }),
  );
  return new Map(read.flat());
}

/** Stand-ins of the same names, for checks that must not run commands or need the real values. */
export function placeholderSecrets(sources: Readonly<Record<string, SecretSource>>): Map<string, Secret> {
  return new Map(Object.keys(sources).map((name) => [name, new Secret(name, placeholderOf(name))]));
}

export function placeholderOf(name: string): string {
  return `placeholder of ${name}`;
}

async function fetchValue(source: SecretSource, { folder, env, decrypt }: SecretsContext): Promise<string> {
  if ('env' in source) {
    const value = env[source.env];
    if (value === undefined) throw new Error(`the environment variable ${source.env} is not set`);
    return value;
  }
  if ('file' in source) {
    const path = resolvePath(folder, source.file, env);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw new Error(`${path} cannot be read: ${explainReadError(error)}`);
    });
    return (isVaultText(text) ? decrypted(path, text, decrypt) : text).replace(/\r?\n$/, '');
  }
  return (await runCommand(source.command, folder, env)).replace(/\r?\n$/, '');
}

function decrypted(path: string, text: string, decrypt: SecretsContext['decrypt']): string {
  try {
    return decrypt(text);
  } catch (error) {
    throw new Error(`${path} is encrypted with ansible-vault: ${(error as Error).message}`, { cause: error });
  }
}

async function runCommand(argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  // It may ask for a password at the terminal.
  const options = { cwd, env, timeoutMs: commandTimeoutMs, mostBytes: mostCommandBytes, ownGroup: false };
  const result = await runProgram(argv, options);
  const { end, stdout } = result;
  const how =
    end.kind === 'unstarted' && end.error.code === 'ENOENT' ? 'there is no such command' : describeEnd(end, options);
  if (how === undefined) return stdout;
  // What it printed may hold the secret; what it complained of does not.
  const said = lastWords(result);
  throw new Error(`${argv[0] ?? ''} failed: ${how}${said === '' ? '' : `; it said: ${said}`}`);
}
