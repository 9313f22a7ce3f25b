import { DaemonError, NotFoundError } from '../docker/errors.ts';
import type { DockerContext } from './context.ts';
import { UsageError } from './flags.ts';

/** Runs `each` for every reference, prints what it returns, and goes on after a failure, as docker's commands do. */
export async function forEachReference(
  context: DockerContext,
  references: readonly string[],
  each: (reference: string) => Promise<string | undefined> | string | undefined,
  word: (error: DaemonError) => string = (error) => `Error response from daemon: ${error.message}`,
): Promise<string[]> {
  const failed: string[] = [];
  for (const reference of references) {
    try {
      const printed = await each(reference);
      if (printed !== undefined) context.stdout(`${printed}\n`);
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      context.stderr(`${word(error)}\n`);
      failed.push(reference);
    }
  }
  return failed;
}

/** As some commands word a missing object: without naming the daemon. */
export const byClient = (error: DaemonError): string =>
  error instanceof NotFoundError ? `Error: ${error.message}` : `Error response from daemon: ${error.message}`;

/** @throws UsageError as docker's client where nothing is named */
export function requireArguments(command: string, args: readonly string[], least = 1): void {
  if (args.length >= least) return;
  const count = least === 1 ? '1 argument' : `${least} arguments`;
  throw new UsageError(`"docker ${command}" requires at least ${count}.\nSee 'docker ${command} --help'.`, 1);
}
