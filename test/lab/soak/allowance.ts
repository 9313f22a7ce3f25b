import { setTimeout as sleep } from 'node:timers/promises';
import { parseServers } from '../support/stats-csv.ts';

const sampleIntervalMs = 50;
/** Longer than any check interval and connect timeout of the lab's balancer together. */
const noticeLimitMs = 10_000;

/**
 * Watches one server of the balancer from right before a fault that hits it. `killable` resolves, when the balancer has
 * taken the server out, to the requests that the fault can have killed: those that were open on it when it struck, and
 * those that the balancer still sent to it until it knew. A server that was out already and had none is 0.
 */
export async function watchServer(statsUrl: string, server: string): Promise<{ killable(): Promise<number> }> {
  const before = await readServer(statsUrl, server);
  return {
    killable: async () => {
      const end = Date.now() + noticeLimitMs;
      let now = before;
      while (now.status.startsWith('UP') && Date.now() < end) {
        await sleep(sampleIntervalMs);
        now = await readServer(statsUrl, server);
      }
      return before.open + Math.max(0, now.sent - before.sent);
    },
  };
}

interface ServerReading {
  readonly status: string;
  /** Sessions and queued requests. */
  readonly open: number;
  /** Sessions since the balancer's start. */
  readonly sent: number;
}

async function readServer(statsUrl: string, name: string): Promise<ServerReading> {
  const response = await fetch(`${statsUrl};csv`, { signal: AbortSignal.timeout(2000) });
  const server = parseServers(await response.text(), 'web').find(({ svname }) => svname === name);
  if (server === undefined) throw new Error(`the balancer has no server ${name}`);
  return {
    status: server['status'] ?? '',
    open: Number(server['scur']) + Number(server['qcur']),
    sent: Number(server['stot']),
  };
}
