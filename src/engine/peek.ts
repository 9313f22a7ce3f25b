import { surveyCommand } from '../docker/commands.ts';
import { DockerError } from '../docker/errors.ts';
import type { LockFinding } from '../plan/status-model.ts';
import { parseLockPeek, withLockPeek } from '../ssh/lock-peek.ts';
import type { HostSession, Surveyed } from './session.ts';

/** A host's lock and survey, in one answer. */
export interface Surveying {
  readonly lock: LockFinding | undefined;
  readonly survey: Surveyed;
}

/** @throws RemoteError, DockerError */
export async function surveyOf(session: HostSession): Promise<Surveying> {
  const atMs = session.clock.now();
  const { lock, rest } = await peek(session, surveyCommand);
  return { lock, survey: { ...session.docker.readSurvey(rest), atMs } };
}

/** What a command that reads a host has printed. */
interface Peeked {
  readonly lock: LockFinding | undefined;
  readonly rest: string;
  /** What the login had printed before. */
  readonly noise: string;
}

/** Who holds a host's lock, and what a command says of the host, in one round trip. @throws RemoteError, DockerError */
export async function peek(session: HostSession, command: readonly string[]): Promise<Peeked> {
  const argv = withLockPeek(command);
  const { stdout, noise = '' } = await session.docker.run(argv);
  const found = parseLockPeek(stdout);
  if (found === undefined)
    throw DockerError.unreadable(session.host.name, argv, 'the answer of the host does not begin as it should');
  return { ...found, noise };
}
