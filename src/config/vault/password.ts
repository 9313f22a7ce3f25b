import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeEnd, runProgram } from '../../local/program.ts';
import type { Problems } from '../text/problems.ts';
import { Source } from '../text/source.ts';
import { expandHome } from '../files.ts';
import type { Decrypt } from './vault.ts';

export interface VaultPasswordOptions {
  readonly vaultPasswordFile?: string | undefined;
  readonly askVaultPass?: (() => Promise<string>) | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** For a password file that is a program. */
const programTimeoutMs = 60_000;
export const mostPasswordBytes = 65_536;

/** What decrypts with the password that was given; undefined without one. */
export async function readDecryption(options: VaultPasswordOptions, problems: Problems): Promise<Decrypt | undefined> {
  const password = await readPassword(options, problems);
  if (password === undefined) return undefined;
  // Loaded only now, for node:crypto takes its time.
  const { decryptVault } = await import('./decrypt.ts');
  return (ciphertext) => decryptVault(ciphertext, password);
}

/** From where Ansible would take it: the file named, the terminal, or ANSIBLE_VAULT_PASSWORD_FILE. */
async function readPassword(options: VaultPasswordOptions, problems: Problems): Promise<string | undefined> {
  if (options.vaultPasswordFile !== undefined) return readFrom(options.vaultPasswordFile, options, problems);
  if (options.askVaultPass !== undefined) return options.askVaultPass();
  const named = options.env['ANSIBLE_VAULT_PASSWORD_FILE'];
  return named === undefined || named === '' ? undefined : readFrom(named, options, problems);
}

async function readFrom(file: string, options: VaultPasswordOptions, problems: Problems): Promise<string | undefined> {
  const path = resolve(options.cwd, expandHome(file, options.env));
  try {
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    const text = executable ? await run(path, options) : await readFile(path, 'utf8');
    const password = text.replace(/^\s+|\s+$/g, '');
    if (password === '') throw new Error('it is empty');
    return password;
  } catch (error) {
    const message = `the vault password cannot be read: ${(error as Error).message}`;
    problems.add(new Source(file, '').problem(0, '', message));
    return undefined;
  }
}

async function run(path: string, { env, cwd }: VaultPasswordOptions): Promise<string> {
  // It may ask for the password at the terminal.
  const options = { cwd, env, timeoutMs: programTimeoutMs, mostBytes: mostPasswordBytes, ownGroup: false };
  const { end, stdout } = await runProgram([path], options);
  const how = describeEnd(end, options);
  // The program's output may hold the password: an error tells how it ended and nothing else.
  if (how !== undefined) throw new Error(`the program failed: ${how}`);
  return stdout;
}
