/** What its standard streams keep open. */
const streams: ReadonlySet<string> = new Set(['TTYWrap', 'PipeWrap']);

/**
 * Ends the process where everything is done and has been written. Left to itself Node first waits for what V8 compiles
 * and collects in the background, for nobody: as long as it takes to start Node.
 */
export function endIfDone(): void {
  const { stdout, stderr } = process;
  if (stdout.writableLength > 0 || stderr.writableLength > 0) return;
  if (process.getActiveResourcesInfo().every((resource) => streams.has(resource))) process.exit();
}
