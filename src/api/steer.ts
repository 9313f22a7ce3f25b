import { hostname, userInfo } from 'node:os';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { askRun, type Unanswered } from '../store/control/client.ts';
import { controlDir } from '../store/control/place.ts';
import type { Steering } from '../store/control/protocol.ts';
import { findEnds, type RunEnds } from '../store/runs.ts';
import { journalDir } from '../store/journal.ts';
import { systemSurroundings, type Surroundings } from './surroundings.ts';

/**
 * Steers a run that is under way in another process of this user on this machine.
 * @param id the run's, its beginning, or `latest`
 * @returns what the run says it does now
 * @throws RunRefused with why it cannot be steered, RunNotFoundError
 */
export async function steerRun(
  steering: Steering,
  id: string,
  options: Partial<Pick<Surroundings, 'env' | 'cwd'>> = {},
): Promise<string> {
  const { env, cwd } = { ...systemSurroundings(), ...options };
  const journals = journalDir(env, cwd);
  const ends = await findEnds(journals, id === 'latest' ? '' : id);
  refuseOver(ends);
  const reply = await askRun(controlDir(journals), ends.id, { do: steering, by: userInfo().username });
  if ('why' in reply) throw unreached(reply, ends);
  if (!reply.ok) throw new RunRefused(exitCodes.usage, `run ${ends.id} refuses to ${steering}: ${reply.message}`);
  return `run ${ends.id}: ${reply.message}`;
}

function refuseOver({ id, finished }: RunEnds): void {
  if (finished === undefined) return;
  const { outcome, exitCode } = finished;
  const next =
    outcome === 'paused' || outcome === 'interrupted'
      ? [`'rollout resume ${id}' goes on with it, canary promoted`]
      : [];
  throw new RunRefused(exitCodes.usage, `run ${id} is over: ${outcome}, exit code ${exitCode}`, next);
}

function unreached(found: Unanswered, { id, started }: RunEnds): RunRefused {
  switch (found.why) {
    case 'foreign':
      return new RunRefused(
        exitCodes.usage,
        `run ${id} belongs to another user (uid ${found.uid}): steer it as that user`,
      );
    case 'silent':
      return new RunRefused(exitCodes.usage, `run ${id} does not answer: ${found.detail}`);
    case 'absent':
      return started?.controller === undefined || started.controller === hostname()
        ? new RunRefused(exitCodes.usage, `run ${id} is not under way: its process has ended without a word`, [
            `it was killed, or its machine was restarted; 'rollout resume ${id}' goes on with it`,
          ])
        : new RunRefused(
            exitCodes.usage,
            `run ${id} is not on this controller: it was started on ${started.controller}`,
            ['type the command there, as the user who started it'],
          );
  }
}
