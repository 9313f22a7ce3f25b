/** What asks a run to stop. */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const interruptedExitCode = 130;

/**
 * Before there is a run, a signal ends the process with the code of an interrupted run, instead of by the signal: while
 * modules are loaded, files are read, hosts are not yet connected. Whoever knows better takes over.
 */
export function dieCleanlyOnSignals(): void {
  for (const signal of stopSignals) process.on(signal, dieCleanly);
}

/** From now on a signal is `listen`'s; what this returns ends that. */
export function takeSignals(listen: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of stopSignals) {
    process.on(signal, listen);
    process.off(signal, dieCleanly);
  }
  return () => {
    for (const signal of stopSignals) process.off(signal, listen);
  };
}

function dieCleanly(): void {
  process.stderr.write('rollout: interrupted; nothing was touched\n');
  // Nothing has begun that would have to end.
  process.exit(interruptedExitCode);
}
