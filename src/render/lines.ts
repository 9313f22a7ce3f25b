import { nothingRan } from '../events/run-state.ts';
import { assertNever } from '../model/assert-never.ts';
import { formatDuration } from '../model/duration.ts';
import type { BakeVerdict, Event, OpText, PoolCount } from '../events/event.ts';
import { count } from '../model/count.ts';
import { formatHosts } from './host-list.ts';
import { sanitize } from './sanitize.ts';
import { taskLines } from './task-lines.ts';

/** How good the news is. */
export type Tone = 'good' | 'bad' | 'warn' | 'info' | 'quiet';

/** How much a reader must want to know: 0 results, 1 milestones of nodes, 2 (`-v`) every op, 3 (`-vv`) its start too, 4 (`-vvv`) every command. */
type Detail = 0 | 1 | 2 | 3 | 4;

/** One line of a log: about a host, or about the run. Safe for terminals. */
export interface Line {
  readonly host?: string;
  readonly tone: Tone;
  readonly detail: Detail;
  readonly text: string;
  /** The end of a line that a terminal shows in one row: its text is cut for it. */
  readonly ending?: string;
}

/** An event in words, for the logs of terminals and pipes alike. Plans, failures in full and the end's table are elsewhere. */
export function describeEvent(event: Event): readonly Line[] {
  const line = (detail: Detail, tone: Tone, text: string): Line[] => [
    { detail, tone, text: sanitize(text), ...('host' in event ? { host: sanitize(event.host ?? '') } : {}) },
  ];
  switch (event.type) {
    case 'run_started': {
      const hosts = new Set(event.plays.flatMap((play) => play.hosts)).size;
      const release = event.composition === undefined ? '' : ` with ${event.composition}`;
      const what = event.command === 'run' ? '' : `${event.command} of `;
      return line(0, 'info', `run ${event.run}: ${what}${event.playbook}${release}, ${count(hosts, 'host')}`);
    }
    case 'host_connected': {
      const { docker_version, cpus, memory_mb } = event.facts;
      const facts = `docker ${docker_version}, ${cpus} cpus, ${memory_mb} MB`;
      return line(2, 'quiet', `connected in ${formatDuration(event.durationMs)} (${facts})`);
    }
    case 'host_unreachable': {
      const hint = event.hint === undefined ? '' : `; try: ${event.hint}`;
      return line(0, 'bad', `unreachable: ${event.message}${hint}`);
    }
    case 'plan_ready':
      return [];
    case 'image_pulled':
      return line(2, 'quiet', `pulled ${event.image} in ${formatDuration(event.durationMs)}`);
    case 'image_pushed': {
      const { image, sentBytes, totalBytes, durationMs } = event;
      return line(
        1,
        'info',
        `sent ${formatMegabytes(sentBytes)} of ${formatMegabytes(totalBytes)} of ${image} in ${formatDuration(durationMs)}`,
      );
    }
    case 'node_started':
      return line(1, 'info', `started${roleText[event.role]}: ${event.cause}`);
    case 'drain_started':
      return line(2, 'info', `draining, ${count(event.sessions, 'session')} open${poolText(event.pool)}`);
    case 'node_drained': {
      const cut = event.sessionsCut > 0;
      const sessions = cut ? `, ${count(event.sessionsCut, 'session')} cut off` : '';
      const text = `drained in ${formatDuration(event.durationMs)}${sessions}${poolText(event.pool)}`;
      return line(1, cut ? 'warn' : 'info', text);
    }
    case 'op_started':
      return line(3, 'quiet', `${event.op.text} …`);
    case 'op_finished':
      return line(2, event.ok ? 'quiet' : 'bad', opText(event));
    case 'task_finished':
      return taskLines(event);
    case 'task_output':
      return event.lines.flatMap((text) => line(1, 'quiet', `${event.task} | ${text}`));
    case 'command_run': {
      const exit = event.exitCode === undefined ? '' : `, exit code ${event.exitCode}`;
      const ending = ` (${formatDuration(event.durationMs)}${exit})`;
      const text = `$ ${(event.script ?? event.commandLine).replace(/\s+/g, ' ')}`;
      return line(4, 'quiet', text).map((command) => ({ ...command, ending }));
    }
    case 'node_verified':
      return line(2, 'info', `verified in ${formatDuration(event.durationMs)}`);
    case 'node_admitted':
      return line(2, 'info', `back in rotation in ${formatDuration(event.durationMs)}${poolText(event.pool)}`);
    case 'bake_started': {
      const hosts = formatHosts(event.hosts, 5);
      const lasts = formatDuration(event.bakeMs);
      return line(
        1,
        'info',
        event.wave === 'soak'
          ? `soak of ${hosts} for ${lasts}`
          : `${event.wave ?? 'canary'} ${hosts} bakes for ${lasts}`,
      );
    }
    case 'bake_prolonged':
      return line(0, 'warn', `${event.wave} bakes on, up to ${formatDuration(event.bakeMs)}: ${event.reason}`);
    case 'bake_finished':
      return line(
        0,
        verdictTone[event.verdict],
        `${judgedNodes(event.wave ?? 'canary', event.hosts)} ${event.verdict}: ${event.reason}`,
      );
    case 'fan_out_judged':
      return line(
        0,
        verdictTone[event.verdict],
        `${judgedNodes('fan-out', event.hosts)} ${event.verdict}: ${event.reason}`,
      );
    case 'node_done':
      return event.result === 'unchanged'
        ? line(1, 'quiet', 'unchanged: at its turn it was as the playbook wants it')
        : line(0, 'good', `updated in ${formatDuration(event.durationMs)}`);
    case 'node_failed':
      return line(0, 'bad', `failed at ${event.failure.op.text}: ${event.failure.message}`);
    case 'node_restored': {
      const message = event.message === undefined ? '' : `: ${event.message}`;
      if (!event.serving) return line(0, 'bad', `${event.again === true ? 'still ' : ''}not put back${message}`);
      const standing = event.ranBefore === false ? nothingRan : 'serving what it ran before';
      return line(0, 'warn', `restored in ${formatDuration(event.durationMs)}, ${standing}${message}`);
    }
    case 'check_result': {
      const { check, hosts, outcome, message, failures, failureLimit, dryRun = false } = event;
      const where = hosts.length === 1 ? ` for ${hosts[0] ?? ''}` : '';
      const often = outcome === 'failed' && failureLimit > 1 ? ` (${failures} of ${failureLimit})` : '';
      const said = { passed: 'passed', failed: 'failed', unanswered: 'cannot be judged' }[outcome];
      const tone = outcome === 'passed' ? 'quiet' : outcome === 'failed' && !dryRun ? 'bad' : 'warn';
      const text = `check ${check}${where} ${said}${often}${dryRun ? ' (dry run)' : ''}: ${message}`;
      return line(outcome === 'passed' ? 2 : 0, tone, text);
    }
    case 'gate_started':
      return line(1, 'info', `gate: ${event.gate}, ${formatDuration(event.timeoutMs)} at most`);
    case 'gate_finished': {
      const { ok, message, gate, output, durationMs } = event;
      const said = `gate ${ok ? 'passed' : 'failed'} in ${formatDuration(durationMs)}: ${gate}${ok ? '' : `: ${message}`}`;
      const tone = ok ? 'good' : 'bad';
      return [
        ...line(0, tone, said),
        ...output.flatMap((text) => line(ok ? 1 : 0, ok ? 'quiet' : 'info', `  | ${text}`)),
      ];
    }
    case 'run_steered':
      return line(0, 'warn', `${event.steering} by ${event.by}: ${event.message}`);
    case 'run_paused':
      return line(0, 'warn', `paused: ${event.reason}; to go on: ${event.next}`);
    case 'run_finished':
    case 'traffic_seen':
    case 'image_progress':
      return [];
    case 'waiting': {
      const limit = event.limitMs > 0 ? ` of ${formatDuration(event.limitMs)}` : '';
      return line(1, 'quiet', `waiting for ${event.message} (${formatDuration(event.elapsedMs)}${limit})`);
    }
    case 'warning':
      return line(0, 'warn', `warning: ${event.message}`);
    default:
      return assertNever(event);
  }
}

const verdictTone: Readonly<Record<BakeVerdict, Tone>> = {
  passed: 'good',
  failed: 'bad',
  inconclusive: 'warn',
  promoted: 'warn',
  skipped: 'warn',
};

/** `canary h1`, `soak of h1, h2`. */
export function judgedNodes(wave: string, hosts: readonly string[]): string {
  return `${wave} ${wave === 'soak' || wave === 'fan-out' ? 'of ' : ''}${formatHosts(hosts, 5)}`;
}

const roleText = { canary: ' as canary', fan_out: '', rollback: ' to roll back' } as const;

function opText(event: { op: OpText; ok: boolean; durationMs: number; exitCode?: number; message?: string }): string {
  const { op, ok, durationMs, exitCode, message } = event;
  const took = formatDuration(durationMs);
  if (ok) return `${op.text} (${op.cause}) in ${took}`;
  const status = exitCode === undefined ? '' : `, exit code ${exitCode}`;
  return `${op.text} (${op.cause}) failed after ${took}${status}${message === undefined ? '' : `: ${message}`}`;
}

function poolText(pool: PoolCount | undefined): string {
  return pool === undefined ? '' : `; ${pool.up} of ${pool.servers} UP`;
}

/** `5.2 MB` */
function formatMegabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
