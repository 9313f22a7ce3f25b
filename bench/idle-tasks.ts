import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Event } from '../src/events/event.ts';

/** Ten tasks that have nothing to do once they have been done. */
export const idleTasks = parse(
  readFileSync(new URL('peers/idle-tasks.yml', import.meta.url), 'utf8'),
) as readonly object[];

/** A playbook of them alone, everyone at once, as YAML that is JSON. */
export function idlePlaybook(inventory: string): string {
  const play = {
    name: 'idle',
    hosts: 'web',
    load_balancer: { type: 'none' },
    strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0, min_healthy_time: '0s' },
    tasks: idleTasks,
  };
  return JSON.stringify({ name: 'idle', inventory, plays: [play] });
}

/** Of the host that was asked most often: the commands that went to it, with those of the lock. */
export function mostRoundTrips(events: readonly Event[]): number {
  const counts = new Map<string, number>();
  for (const event of events)
    if (event.type === 'command_run') counts.set(event.host, (counts.get(event.host) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}
