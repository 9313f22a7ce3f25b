import { exitCodes } from '../events/exit-code.ts';
import { ConfigError } from '../model/problem.ts';
import { amountOf } from '../model/strategy.ts';
import type { LockedError } from '../ssh/lock.ts';
import { RunRefused } from './context.ts';
import type { ImageResolver } from './images.ts';
import type { Tier } from './node.ts';
import { groupAlike, someOf } from '../model/alike.ts';

/** Nothing but another run stands in the way: it ends some time. */
export function isOnlyLocked({ refused, away, locked, config }: Troubles): boolean {
  return locked.length > 0 && refused.length + away.length + config.length === 0;
}

/** What was found on the way, so that one refusal can name every host. */
export interface Troubles {
  readonly refused: string[];
  /** Registries that do not answer: nothing is wrong with the configuration. */
  readonly away: string[];
  readonly locked: LockedError[];
  readonly config: ConfigError[];
  /** What was found instead of each host, by its name. */
  readonly unreachable: Map<string, string>;
}

export function refuse({ refused, away, locked, config }: Troubles): void {
  if (config.length > 0) {
    const problems = new Map(
      config.flatMap((error) => error.problems.map((problem) => [JSON.stringify(problem), problem])),
    );
    throw new ConfigError([...problems.values()]);
  }
  if (refused.length > 0) throw new RunRefused(exitCodes.usage, 'nothing was touched', sorted([...refused, ...away]));
  if (away.length > 0) throw new RunRefused(exitCodes.unreachable, 'nothing was touched', sorted(away));
  if (locked.length > 0) throw lockedOut(locked);
}

/** Each line begins with its host. */
const sorted = (lines: readonly string[]): string[] => [...new Set(lines)].sort(byNumber);

const byNumber = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });

/** Holder by holder: most often one run has them all. */
function lockedOut(locked: readonly LockedError[]): RunRefused {
  // A host in several plays is asked for in each.
  const hostsOf = new Map<string, Set<string>>();
  for (const { holder, host } of locked) hostsOf.set(holder, (hostsOf.get(holder) ?? new Set()).add(host));
  const total = new Set(locked.map(({ host }) => host)).size;
  const details = [...hostsOf].map(
    ([holder, hosts]) =>
      `${someOf([...hosts].toSorted(byNumber))} ${hosts.size === 1 ? 'is' : 'are'} locked by ${holder}.`,
  );
  details.push(...holdingProcesses(locked));
  return new RunRefused(exitCodes.locked, `locked by another run on ${total} host${total === 1 ? '' : 's'}`, details);
}

/** What the kernels of the hosts say, where they say so: a text in a file may be anybody's. One line, however many hosts. */
function holdingProcesses(locked: readonly LockedError[]): readonly string[] {
  const told = [...new Map(locked.map((error) => [error.host, error])).values()]
    .filter(({ process }) => process !== undefined)
    .sort((one, other) => byNumber(one.host, other.host));
  if (told.length <= 1) return told.flatMap(({ hint }) => hint ?? []);
  const killsOf = new Map<string, string[]>();
  for (const { host, process: { user, file, pid } = { user: '?', file: '?', pid: '?' } } of told) {
    const what = `user ${user} holds ${file}`;
    killsOf.set(what, [...(killsOf.get(what) ?? []), `kill ${pid} on ${host}`]);
  }
  return [...killsOf].map(
    ([what, kills]) => `A process of ${what}. If that is no run of rollout, end it there: ${someOf(kills)}`,
  );
}

export function refuseUnreachable({ play, nodes, unreachable }: Tier, reasons: ReadonlyMap<string, string>): void {
  const total = nodes.length + unreachable.length;
  const budget = amountOf(play.strategy.maxFailures, total);
  if (unreachable.length <= budget && (nodes.length > 0 || total === 0)) return;
  throw new RunRefused(
    exitCodes.unreachable,
    `${unreachable.length} of ${total} hosts of play "${play.name}" could not be reached, ${budget} may (max_failures)`,
    groupAlike(unreachable.map((host) => ({ host, text: reasons.get(host) ?? 'no answer' }))),
  );
}

/** An image that is to be sent, and that nothing runs, was meant otherwise. */
export function refuseUnusedPushes({ pushes }: ImageResolver): void {
  const unused = pushes?.unused() ?? [];
  if (unused.length === 0) return;
  const message = `no service of the hosts uses ${unused.join(', ')}; --push names an image as a service does, with its tag`;
  throw new RunRefused(exitCodes.usage, message);
}

export function refuseErrors({ nodes }: Tier): void {
  const errors = groupAlike(nodes.flatMap(({ name, plan }) => plan.errors.map((text) => ({ host: name, text }))));
  if (errors.length > 0) throw new RunRefused(exitCodes.usage, 'the plan cannot be carried out', errors);
}
