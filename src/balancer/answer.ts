import type { ServerState } from './view.ts';

/**
 * What an endpoint or a command says of one server: `up`, `draining N`, `drained`, `down` or `maint`.
 * @throws Error when the answer is none of the words.
 */
export function parseAnswer(text: string): ServerState {
  const raw = text.trim();
  const [, word, count] = /^(up|draining|drained|down|maint)(?:\s+(\d+))?$/i.exec(raw) ?? [];
  const base = { raw, sessions: Number(count ?? 0), queued: 0, counters: undefined };
  switch (word?.toLowerCase()) {
    case 'up':
      return { ...base, status: 'up' };
    case 'maint':
      return { ...base, status: 'maint' };
    case 'draining':
      return { ...base, status: 'down', sessions: Number(count ?? 1) };
    case 'drained':
    case 'down':
      return { ...base, status: 'down' };
    default:
      throw new Error(`answered ${JSON.stringify(raw.slice(0, 60))}; wanted up, draining N, down or maint`);
  }
}
