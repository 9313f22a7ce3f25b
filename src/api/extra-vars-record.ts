import { scrypt } from 'node:crypto';
import { exitCodes } from '../events/exit-code.ts';
import { RunRefused } from '../engine/context.ts';
import { quoteArgv } from '../shell/quote.ts';

/** What the journal keeps of `-e`: enough to know the same again, and none of the values. */
export interface ExtraVarsRecord {
  /** Each argument, in order: `@FILE` as it is, otherwise its names with `…` for every value. */
  readonly given: readonly string[];
  /** Of all arguments, salted with the run's id; slow to make, so that guessing a value by it is no bargain. */
  readonly hash: string;
}

/** undefined without `-e`. */
export async function recordExtraVars(extraVars: readonly string[], run: string): Promise<ExtraVarsRecord | undefined> {
  return extraVars.length === 0 ? undefined : { given: givenNames(extraVars), hash: await hashOf(extraVars, run) };
}

/** The command that goes on with a run, its `-e` to be filled in. */
export function resumeCommandOf(run: string, given: readonly string[]): string {
  return quoteArgv(['rollout', 'resume', run, ...given.flatMap((argument) => ['-e', argument])]);
}

/**
 * The `-e` that a resumed run goes on with: those of the run, given again; files need not be.
 * @throws RunRefused with the command to type when they are missing or not the same.
 */
export async function resumedExtraVars(
  run: string,
  record: ExtraVarsRecord | undefined,
  extraVars: readonly string[],
): Promise<readonly string[]> {
  if (record === undefined) {
    if (extraVars.length === 0) return [];
    throw new RunRefused(exitCodes.usage, `run ${run} had no extra variables, and goes on without: leave out -e`);
  }
  if (extraVars.length === 0) {
    if (record.given.every((argument) => argument.startsWith('@'))) return record.given;
    throw new RunRefused(
      exitCodes.usage,
      `run ${run} had extra variables, whose values no journal keeps; give them again`,
      [resumeCommandOf(run, record.given)],
    );
  }
  if ((await hashOf(extraVars, run)) === record.hash) return extraVars;
  throw new RunRefused(
    exitCodes.usage,
    `these are not the extra variables of run ${run}; give the same, in the same order`,
    [resumeCommandOf(run, record.given), 'or run the playbook again, for other values'],
  );
}

/** Each `-e` as it may be shown: files as they are, otherwise names with `…` for every value. */
export function givenNames(extraVars: readonly string[]): readonly string[] {
  return extraVars.map(withoutValues);
}

function withoutValues(argument: string): string {
  if (argument.startsWith('@')) return argument;
  if (/^\s*[{[]/.test(argument)) return '{…}';
  // Names only where there can be nothing else: a quoted value may have spaces and further equals signs.
  const simple = /^(?:[A-Za-z_]\w*=[^\s'"\\]*)(?:\s+[A-Za-z_]\w*=[^\s'"\\]*)*$/.test(argument.trim());
  return simple ? argument.trim().replace(/=[^\s]*/g, '=…') : `${/^[A-Za-z_]\w*(?==)/.exec(argument)?.[0] ?? ''}=…`;
}

/** It takes as long as a Node to start, in a thread of its own. */
function hashOf(extraVars: readonly string[], run: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(JSON.stringify(extraVars), run, 32, (error, key) => {
      if (error === null) resolve(key.toString('hex'));
      else reject(error);
    });
  });
}
