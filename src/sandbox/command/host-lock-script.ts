import type { CommandIo } from '../docker-cli/context.ts';
import type { Clock } from '../../model/clock.ts';
import { slept } from '../timing.ts';
import { KeptNotes } from './kept-notes.ts';
import type { HostMachine } from './machine.ts';

/** Runs a program of the host. */
type RunStep = (machine: HostMachine, io: CommandIo, program: string, words: readonly string[]) => Promise<number>;

const lockRetryMs = 1000;
const lockSilenceMs = 30_000;

/** `rollout-lock SECONDS HOLDER GOING-ON MARK FOLDER… -- REPORT…`: holds the host's lock until stdin ends or falls silent. */
export async function lock(
  machine: HostMachine,
  io: CommandIo,
  [about = [], command = []]: readonly (readonly string[])[],
  run: RunStep,
): Promise<number> {
  const { clock } = machine;
  const [seconds = '0', holder = '', goingOn = '', mark = ''] = about;
  const [program, ...words] = command;
  let held = machine.lock.take(holder);
  for (let left = Number(seconds); held === undefined; left -= 1) {
    if (left <= 0) {
      io.stdout(`busy ? ? rollout.lock ${machine.lock.holder ?? ''}\n`);
      return 75;
    }
    await slept(clock, lockRetryMs, io.signal);
    held = machine.lock.take(holder);
  }
  const { broken } = held;
  io.stdout('held\n');
  const report = program === undefined ? undefined : runReport(machine, io, mark, [program, ...words], run);
  // A power failure in it is told below.
  report?.catch(() => undefined);
  const notes = new KeptNotes(machine, () => io.stdout(`${mark} unkept\n`));
  for (let heard = await hearSome(clock, io, broken); heard !== undefined; heard = await hearSome(clock, io, broken)) {
    // Every byte is a sign of life.
    if (/[^.]/.test(notes.take(heard))) held.describe(goingOn);
  }
  held.release();
  io.stdout(`${mark} bye\n`);
  await report;
  return 0;
}

async function runReport(
  machine: HostMachine,
  io: CommandIo,
  mark: string,
  [program = '', ...words]: readonly string[],
  run: RunStep,
): Promise<void> {
  const exitCode = await run(machine, { ...io, stderr: () => {} }, program, words);
  io.stdout(`${mark} ${exitCode}\n`);
}

/** Undefined at the end of stdin, after a long silence, and when its reader is killed. */
async function hearSome(clock: Clock, io: CommandIo, killed: AbortSignal): Promise<string | undefined> {
  const heard = new AbortController();
  const ends = AbortSignal.any([heard.signal, io.signal, killed]);
  const silence = slept(clock, lockSilenceMs, ends).then(() => undefined);
  try {
    return (await Promise.race([io.readSome(), silence]))?.toString();
  } finally {
    heard.abort();
  }
}
