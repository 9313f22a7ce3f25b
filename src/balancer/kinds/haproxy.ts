import type { LoadBalancerSpec } from '../../model/play.ts';
import { parseHaproxyCsv } from './haproxy-csv.ts';
import { readEach, type HttpGet } from '../read.ts';
import type { LoadBalancer } from '../view.ts';

type HaproxySpec = Extract<LoadBalancerSpec, { type: 'haproxy' }>;

/** Reads HAProxy through its statistics pages: `<stats uri>;csv`, one per balancer. */
export function createHaproxy(
  spec: HaproxySpec,
  options: { get: HttpGet; now: () => number; close: () => void },
): LoadBalancer {
  return {
    read: (signal) =>
      readEach(spec.stats, options.now, async (url) => {
        const text = await options.get(csvUrl(url), {
          ...(spec.username === undefined ? {} : { username: spec.username }),
          ...(spec.password === undefined ? {} : { password: spec.password.reveal() }),
          ...(signal === undefined ? {} : { signal }),
        });
        return parseHaproxyCsv(text, spec.backend);
      }),
    close: options.close,
  };
}

/** `http://lb/stats` → `http://lb/stats;csv`; one that already asks for CSV stays as it is. */
function csvUrl(url: string): string {
  const [page = url, query] = url.split('?', 2);
  const csv = page.endsWith(';csv') ? page : `${page};csv`;
  return query === undefined ? csv : `${csv}?${query}`;
}
