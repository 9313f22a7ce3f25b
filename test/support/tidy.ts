/** Has something closed when the work ends, however it ends; what came last is closed first. */
export type AtEnd = (close: () => Promise<void>) => void;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const signalNumbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/**
 * The work of a script that makes labs, fleets and files: leaves none of them, also when a signal ends it, with the
 * exit code that a shell shows for that signal. A second signal leaves at once.
 */
export async function tidy(work: (atEnd: AtEnd) => Promise<void>): Promise<void> {
  const closings: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (let close = closings.pop(); close !== undefined; close = closings.pop()) {
      await close().catch((error: unknown) => {
        process.stderr.write(`not closed: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode ??= 1;
      });
    }
  };
  let stopping: Promise<never> | undefined;
  const stop = (signal: (typeof signals)[number]): void => {
    const exitCode = 128 + signalNumbers[signal];
    if (stopping !== undefined) process.exit(exitCode);
    process.stderr.write(`${signal}: closing what was opened; once more leaves at once\n`);
    stopping = closeAll().then(() => process.exit(exitCode));
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    await work((close) => void closings.push(close));
  } catch (error) {
    // What was closed under the work's feet is no failure of its own.
    if (stopping === undefined) throw error;
  } finally {
    await (stopping ?? closeAll());
    for (const signal of signals) process.off(signal, stop);
  }
}
