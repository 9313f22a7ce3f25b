/** By name, as `kill -l` numbers them. */
export const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGTERM: 15,
};

/** `KILL`, `SIGKILL` or `9`, as `SIGKILL`. */
export function signalName(written: string): string {
  const byNumber = Object.entries(signalNumbers).find(([, number]) => String(number) === written);
  if (byNumber !== undefined) return byNumber[0];
  return written.startsWith('SIG') ? written : `SIG${written}`;
}
