import { textWriter, type OutputStream } from '../render/output.ts';
import { systemWorld, type World } from './world.ts';

/** What a command sees of its process that reads files and prints text. */
export interface TextWorld extends Pick<World, 'env' | 'cwd'> {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/** Where such a command reads, and how it prints: results to `print`, what is said about them to `note`. */
export interface TextIo {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly print: (text: string) => void;
  readonly note: (text: string) => void;
}

export function textIo(world: TextWorld | undefined): TextIo {
  const { env, cwd, stdout, stderr } = world ?? systemWorld();
  return { env, cwd, print: textWriter(stdout), note: textWriter(stderr) };
}

/** Asks at the terminal. */
export async function askVaultPassword(): Promise<string> {
  const { askHidden } = await import('./prompt.ts');
  return askHidden('Vault password: ', systemWorld());
}
