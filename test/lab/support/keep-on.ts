import { setTimeout as sleep } from 'node:timers/promises';
import { bootHost, isPoweredOn, removeRemains } from './host.ts';
import { hostNames, type LabSettings } from './layout.ts';

const lookEveryMs = 200;

/** What a machine's firmware does when its system has ended with a reboot: see `Lab.keepOn`. */
export function keepOn(
  lab: LabSettings,
  dead: readonly string[],
): { stop(): Promise<Readonly<Record<string, number>>> } {
  const ended = new AbortController();
  const boots = Promise.all(
    hostNames(lab).map(async (host) => {
      let count = 0;
      while (!ended.signal.aborted) {
        if (!dead.includes(host) && !(await isPoweredOn(lab, host))) {
          await removeRemains(lab, host);
          await bootHost(lab, host);
          count += 1;
        }
        await sleep(lookEveryMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
      return [host, count] as const;
    }),
  );
  // Whoever stops it hears of what went wrong.
  boots.catch(() => undefined);
  return {
    stop: async () => {
      ended.abort();
      return Object.fromEntries(await boots);
    },
  };
}
