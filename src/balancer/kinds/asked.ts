import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { LoadBalancerSpec } from '../../model/play.ts';
import { readEach, type HttpGet } from '../read.ts';
import type { LoadBalancer, ServerState } from '../view.ts';

const run = promisify(execFile);
const commandTimeoutMs = 10_000;

type Spec<Type extends LoadBalancerSpec['type']> = Extract<LoadBalancerSpec, { type: Type }>;

/** A balancer behind an HTTP endpoint: `{server}` in the URL, and `up`, `draining N`, `down` or `maint` as the answer. */
export function createHttpBalancer(
  spec: Spec<'http'>,
  servers: readonly string[],
  options: { get: HttpGet; now: () => number; close: () => void },
): LoadBalancer {
  return {
    read: (signal) =>
      readEach(spec.urls, options.now, async (url) => {
        const states = await Promise.all(
          servers.map(async (server) => {
            const address = url.replaceAll('{server}', encodeURIComponent(server));
            return [server, parseAnswer(await options.get(address, signal === undefined ? {} : { signal }))] as const;
          }),
        );
        return new Map(states);
      }),
    close: options.close,
  };
}

/** A balancer behind a command at the controller: the server's name is its last argument, the answer as of `http`. */
export function createCommandBalancer(
  spec: Spec<'command'>,
  servers: readonly string[],
  options: { now: () => number },
): LoadBalancer {
  const [program = '', ...args] = spec.command;
  return {
    read: (signal) =>
      readEach([program], options.now, async () => {
        const states = await Promise.all(
          servers.map(async (server) => {
            const { stdout } = await run(program, [...args, server], {
              timeout: commandTimeoutMs,
              ...(signal === undefined ? {} : { signal }),
            });
            return [server, parseAnswer(stdout)] as const;
          }),
        );
        return new Map(states);
      }),
    close: () => undefined,
  };
}

/** @throws Error when the answer is none of the words. */
function parseAnswer(text: string): ServerState {
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
