/** What the process ends with, whatever ended it: the one table that the tool, the manual and CI jobs go by. */
export const exitCodes = {
  /** Also `unchanged`. */
  done: 0,
  bug: 1,
  usage: 2,
  failed: 3,
  unreachable: 4,
  rolledBack: 5,
  locked: 6,
  paused: 7,
  changes: 10,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** In the manual's words. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'done, or nothing to do',
  bug: 'a bug in rollout',
  usage: 'bad usage or configuration; nothing touched',
  failed: 'failed; some hosts are left changed',
  unreachable: 'too many hosts unreachable or down; nothing touched',
  rolledBack: 'failed and rolled back',
  locked: 'locked by another run',
  paused: 'paused',
  changes: '`plan --detailed-exitcode`, `status --exit-code`: there are changes',
  interrupted: 'interrupted; every started node was finished or put back',
};
