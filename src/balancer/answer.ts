import type { ServerState } from './view.ts';

/** What an endpoint or a command may say of a server, for its documentation and its errors. */
export const answerWords = 'up, draining N, down N, drained or maint (N: open sessions)';

/**
 * What an endpoint or a command says of one server. Without a count nothing is known of its sessions: `down` is not
 * drained, `drained` and `down 0` are.
 * @throws Error when the answer is none of the words.
 */
export function parseAnswer(text: string): ServerState {
  const raw = text.trim();
  const [, word = '', count] = /^(up|draining|drained|down|maint)(?:\s+(\d+))?$/i.exec(raw) ?? [];
  const sessions = count === undefined ? undefined : Number(count);
  const base = { raw, sessions, queued: 0, counters: undefined };
  switch (word.toLowerCase()) {
    case 'up':
      return { ...base, status: 'up' };
    case 'maint':
      return { ...base, status: 'maint' };
    case 'draining':
    case 'down':
      return { ...base, status: 'down' };
    case 'drained':
      return { ...base, status: 'down', sessions: sessions ?? 0 };
    default:
      throw new Error(`answered ${JSON.stringify(raw.slice(0, 60))}; must be ${answerWords}`);
  }
}
