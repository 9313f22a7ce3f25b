const names = new Set(
  (
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP ' +
    'TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'
  ).split(' '),
);
const realTime = /^RT(?:MIN\+(?:[1-9]|1[0-5])|MAX-(?:[1-9]|1[0-4]))$/;

/**
 * What is wrong with a signal as docker reads it: a number of Linux, or a name with or without SIG, in any case.
 * @returns undefined where it is good, or empty: then the image's counts
 */
export function signalFault(signal: string): string | undefined {
  if (/^\d+$/.test(signal)) {
    const number = Number(signal);
    return number >= 1 && number <= 64 ? undefined : 'must be a signal of Linux: 1 to 64';
  }
  const name = signal.toUpperCase().replace(/^SIG/, '');
  if (signal === '' || names.has(name) || realTime.test(name)) return undefined;
  return 'must be a signal of Linux, such as SIGTERM, INT or 15';
}
