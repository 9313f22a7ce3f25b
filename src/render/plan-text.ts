import type { Difference, NodePlan, Op, Plan, PlayPlan, ServiceChange, VolumeNote } from '../plan/plan.ts';
import { isUnchanged } from '../plan/reconcile.ts';
import { theOthers, type Wave } from '../plan/waves.ts';
import { formatDuration } from '../model/duration.ts';
import { count } from '../model/count.ts';
import { formatHosts } from './host-list.ts';
import type { TaskFinding, TaskPhase } from '../plan/task-findings.ts';
import { sanitize } from './sanitize.ts';

/**
 * The plan as people read it, the same in `rollout plan`, in the log and in the report. Hosts with the same changes
 * share one block, in inventory order; nothing is wrapped, and no colour or width enters. Ends without a line end.
 */
export function formatPlan(plan: Plan, options: PlanTextOptions = { diff: true }): string {
  const plays = plan.plays.map((play) => summarise(play));
  return [...plays.map((play) => formatPlay(play, options)), formatTotal(plays)].join('\n\n');
}

export interface PlanTextOptions {
  /** Every difference in a row of its own, below its change; without, a change is one line with its cause. */
  readonly diff: boolean;
}

interface PlaySummary {
  readonly play: PlayPlan;
  readonly changing: readonly NodePlan[];
  readonly unchanged: readonly NodePlan[];
}

function summarise(play: PlayPlan): PlaySummary {
  return {
    play,
    changing: play.nodes.filter(hasWork),
    unchanged: play.nodes.filter((node) => !hasWork(node)),
  };
}

function hasWork(node: NodePlan): boolean {
  return !isUnchanged(node);
}

function formatPlay(summary: PlaySummary, options: PlanTextOptions): string {
  const { play, changing, unchanged } = summary;
  const blocks = foldNodes(
    play.nodes.filter((node) => hasWork(node) || node.changes.length > 0),
    options,
  );
  const lines = [`Play ${sanitize(play.play)}: ${headline(summary)}`];
  for (const block of blocks) lines.push('', ...formatBlock(block, options));
  const silent = unchanged.filter(({ changes }) => changes.length === 0);
  if (silent.length > 0) lines.push('', `  ${hosts(silent)}: unchanged`);
  const pulls = formatPulls(play.nodes);
  if (pulls.length > 0) lines.push('', ...pulls);
  if (changing.length > 0) lines.push('', ...formatOrder(play, changing));
  if (play.gate !== undefined) lines.push(`  Gate after the canary: ${sanitize(play.gate)}.`);
  for (const warning of play.warnings) lines.push('', `  Warning: ${sanitize(warning)}`);
  return lines.join('\n');
}

function headline({ play, changing, unchanged }: PlaySummary): string {
  const parts = [count(play.nodes.length, 'host')];
  if (changing.length > 0) parts.push(`${changing.length} to update`);
  if (unchanged.length > 0) parts.push(`${unchanged.length} unchanged`);
  return parts.join(', ');
}

/** Nodes that share changes and steps, by first appearance. */
function foldNodes(nodes: readonly NodePlan[], options: PlanTextOptions): (readonly NodePlan[])[] {
  const blocks = new Map<string, NodePlan[]>();
  for (const node of nodes) {
    const key = blockLines(node, options).join('\n');
    const block = blocks.get(key);
    if (block) block.push(node);
    else blocks.set(key, [node]);
  }
  return [...blocks.values()];
}

function formatBlock(nodes: readonly NodePlan[], options: PlanTextOptions): string[] {
  const [first] = nodes;
  if (first === undefined) return [];
  const many = nodes.length > 2 ? ` (${count(nodes.length, 'host')})` : '';
  return [`  ${hosts(nodes)}${many}`, ...blockLines(first, options, nodes).map((line) => `    ${line}`)];
}

/** What the hosts of one block have in common: never a host's name; with `block`, volumes of all its hosts by name. */
function blockLines(node: NodePlan, { diff }: PlanTextOptions, block: readonly NodePlan[] = []): string[] {
  const ops = [...node.before, ...node.during, ...node.after];
  return [
    ...ops.flatMap(formatSetUp),
    ...node.changes.flatMap((change, index) => [
      ...formatChange(diff ? change : { ...change, differences: [] }),
      ...formatVolumes(
        change.volumes ?? [],
        block.map(({ changes }) => changes[index]?.volumes ?? []),
      ),
    ]),
    ...formatTasks(node, ops, diff),
    ...(hasWork(node) ? formatRotation(node) : []),
  ];
}

/** Apart from the changes: hosts that change alike may hold different images. */
function formatPulls(nodes: readonly NodePlan[]): string[] {
  const hostsOf = new Map<string, NodePlan[]>();
  for (const node of nodes) {
    for (const { written, digest } of node.pulls) {
      const image = `${sanitize(written)}${pinned(written, digest)}`;
      const pulling = hostsOf.get(image);
      if (pulling === undefined) hostsOf.set(image, [node]);
      else pulling.push(node);
    }
  }
  return [...hostsOf].map(([image, pulling]) => `  Pull ${image} on ${hosts(pulling)}`);
}

function formatSetUp(op: Op): string[] {
  if (op.kind === 'create_network') return [`+ create network ${op.network.name}`];
  return op.kind === 'create_volume' ? [`+ create volume ${op.volume.name}`] : [];
}

/** What stands before a change. */
export const changeSigns: Readonly<Record<ServiceChange['kind'], string>> = {
  create: '+',
  replace: '~',
  adopt: '~',
  update: '~',
  start: '~',
  heal: '~',
  remove: '-',
  orphan: '!',
};

function formatChange({ kind, service, cause, differences, isJob }: ServiceChange): string[] {
  const rows = differences.map(formatDifference);
  const pathWidth = Math.max(0, ...rows.map(({ path }) => path.length));
  return [
    `${changeSigns[kind]} ${kind} ${service}: ${sanitize(cause)}${isJob === true ? ' (a job: runs once, to its end)' : ''}`,
    ...rows.map(({ path, values }) => `    ${path.padEnd(pathWidth)}  ${values}`),
  ];
}

/** Each host has its own: a few are named, many are counted. */
function formatVolumes(notes: readonly VolumeNote[], ofHosts: readonly (readonly VolumeNote[])[]): string[] {
  return notes.map(({ target, fate }, index) => {
    const names = ofHosts.flatMap((list) => list[index]?.name.slice(0, 12) ?? []);
    const which = names.length > 3 ? 'one on each host' : names.join(', ');
    return `    ${fates[fate].replace('PATH', sanitize(target))}${which === '' ? '' : ` (${which})`}`;
  });
}

const fates: Readonly<Record<VolumeNote['fate'], string>> = {
  kept: 'keeps the anonymous volume at PATH',
  renewed: 'begins with a new volume at PATH; the old one stays on the host',
  left: 'no longer mounts the anonymous volume at PATH; it stays on the host',
};

function formatDifference({ path, from, to, secret }: Difference): { path: string; values: string } {
  const name = sanitize(path);
  if (secret === true) return { path: name, values: 'changed (secret)' };
  if (from === undefined && to === undefined) return { path: name, values: 'changed' };
  if (from === undefined) return { path: name, values: `added: ${quote(to ?? '')}` };
  return { path: name, values: to === undefined ? `removed: ${quote(from)}` : `${quote(from)} → ${quote(to)}` };
}

/** A value as it is, or in quotes where its ends or its line ends would not be seen. */
function quote(value: string): string {
  if (value !== '' && value.trim() === value && !/[\n\r"]/.test(value)) return sanitize(value);
  return sanitize(JSON.stringify(value));
}

function pinned(written: string, digest: string | undefined): string {
  return digest === undefined || written.includes('@') ? '' : ` (${digest.slice(0, 'sha256:'.length + 12)}…)`;
}

const phases: Readonly<Record<TaskPhase, string>> = {
  before: 'once, before any node',
  pre: 'before it leaves',
  main: 'while it is out',
  post: 'after it is back',
  after: 'once, after all nodes',
};

/** What its tasks would do, where that was found out; else their names. */
function formatTasks({ findings }: NodePlan, ops: readonly Op[], diff: boolean): string[] {
  if (findings === undefined)
    return ops.flatMap((op) =>
      op.kind === 'task'
        ? [`  task ${sanitize(op.task.name)} (${phases[op.phase]}${op.task.runOnce ? ', on one host only' : ''})`]
        : [],
    );
  return findings.flatMap(({ name, runOnce, item, phase, outcome, message, diff: lines }) => {
    if (outcome === 'skipped') return [];
    const of = item === undefined ? '' : ` [${sanitize(item)}]`;
    const why = message === undefined ? '' : `: ${sanitize(message)}`;
    return [
      `  task ${sanitize(name)}${of} (${phases[phase]}${runOnce ? ', on one host only' : ''}): ${outcomes[outcome]}${why}`,
      ...(diff ? lines.map((line) => `      ${sanitize(line)}`) : []),
    ];
  });
}

function formatRotation(node: NodePlan): string[] {
  if (!leavesRotation(node)) return ['  stays in rotation'];
  const isForTasks = node.heal.length === 0 && node.changes.every(({ kind }) => kind === 'orphan');
  return [
    ...(isForTasks
      ? [
          '  leaves rotation for its tasks alone, as on every run; with run_tasks: on_change only where a service changes',
        ]
      : []),
    ...node.during.flatMap(formatBorrowed),
  ];
}

function formatBorrowed(op: Op): string[] {
  if (op.kind !== 'drain' || op.note === undefined) return [];
  return [
    `  leaves rotation by container ${sanitize(op.container ?? '')}, which is none of the play's: it is stopped and started`,
  ];
}

const outcomes: Readonly<Record<Exclude<TaskFinding['outcome'], 'skipped'>, string>> = {
  idle: 'nothing to do',
  changes: 'changes',
  unknown: 'runs; what it changes cannot be told before',
  failed: 'would fail as things are now',
};

function leavesRotation({ during }: NodePlan): boolean {
  return during.some(({ kind }) => kind === 'drain');
}

function formatOrder(play: PlayPlan, changing: readonly NodePlan[]): string[] {
  if (!isStaged(play)) return [`  Order: ${formatSimpleOrder(play, changing)}.`];
  const kept = play.minAvailable > 0 ? `, always with ${play.minAvailable} or more others UP` : '';
  return [`  Order${kept}:`, ...play.waves.map((wave, index) => `    ${index + 1}. ${formatWave(wave)}`)];
}

/** With more to it than a canary and the others. */
function isStaged({ waves }: PlayPlan): boolean {
  return waves.some(({ role, name, zone }) => zone !== undefined || (role === 'fan_out' && name !== theOthers));
}

function formatWave({ name, zone, role, hosts: all, finished, maxUnavailable, bakeMs }: Wave): string {
  const where = role === 'canary' && zone !== undefined ? ` of zone ${zone}` : '';
  const who = all.length === 0 ? finished : all;
  const width = all.length > 1 ? `, at most ${maxUnavailable} at a time` : '';
  const bake = bakeMs > 0 ? `, then a bake of ${formatDuration(bakeMs)}` : '';
  const done = all.length === 0 ? ', updated already' : '';
  return `${sanitize(`${name}${where}`)}: ${formatHosts(
    who.map((host) => sanitize(host)),
    12,
  )}${done}${width}${bake}`;
}

function formatSimpleOrder(play: PlayPlan, changing: readonly NodePlan[]): string {
  const first = new Set(play.canaries);
  const canaries = changing.filter(({ host }) => first.has(host));
  const others = changing.filter(({ host }) => !first.has(host));
  const width = `at most ${play.maxUnavailable} at a time`;
  const kept = play.minAvailable > 0 ? `, with ${play.minAvailable} or more others UP` : '';
  if (canaries.length === 0) return `${hosts(others)}, ${width}${kept}`;
  if (others.length === 0) return `${label(canaries)} only${kept}`;
  return `${label(canaries)}, then ${hosts(others)}, ${width}${kept}`;
}

function label(canaries: readonly NodePlan[]): string {
  return `${canaries.length === 1 ? 'canary' : 'canaries'} ${hosts(canaries)}`;
}

function formatTotal(plays: readonly PlaySummary[]): string {
  const nodes = plays.flatMap(({ play }) => play.nodes);
  const updates = plays.flatMap(({ changing }) => changing).length;
  const counts = `Plan: ${count(new Set(nodes.map(({ host }) => host)).size, 'host')}`;
  if (updates === 0) return `${counts}, nothing to do.`;
  const unchanged = nodes.length - updates;
  const sizes = `${counts}, ${updates} to update${unchanged > 0 ? `, ${unchanged} unchanged` : ''}`;
  const busy = plays.filter(({ changing }) => changing.length > 0);
  const [only] = busy;
  if (busy.length !== 1 || only === undefined)
    return `${sizes}, in ${count(busy.length, 'play')}, one after the other.`;
  return `${sizes}; ${formatWaves(only)}.`;
}

function formatWaves({ play, changing }: PlaySummary): string {
  if (isStaged(play)) return `in ${count(play.waves.length, 'step')}, one after the other`;
  const first = new Set(play.canaries);
  const canaries = changing.filter(({ host }) => first.has(host));
  const width = `at most ${play.maxUnavailable} at a time`;
  if (canaries.length === 0) return width;
  return canaries.length === changing.length ? `${label(canaries)} only` : `${label(canaries)}, then ${width}`;
}

function hosts(nodes: readonly NodePlan[]): string {
  return formatHosts(
    nodes.map(({ host }) => sanitize(host)),
    12,
  );
}
