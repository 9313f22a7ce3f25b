import { parseImageRef, type ImageRef } from '../model/image.ts';
import type { PlayParts } from './files.ts';

/** What a first play is told. */
export interface Starter {
  /** Of the app. */
  readonly image: string;
  /** `8080`, or `8080:80`. */
  readonly port: string;
  /** HAProxy's statistics pages; without one there is no load balancer. */
  readonly balancer: readonly string[];
  readonly backend: string;
}

const healthImage = 'nginx:1.27-alpine';
const healthPort = '8081:80';

/** One play: an app and, behind a balancer, the health container that takes its node out of rotation; or a Compose file. */
export function starterPlay(
  group: string,
  { image, port, balancer, backend }: Starter,
  { compose }: { readonly compose: readonly string[] },
): { readonly play: PlayParts; readonly images: ReadonlyMap<string, ImageRef> } {
  const isBalanced = balancer.length > 0;
  const health = {
    name: 'health',
    value: { ports: [healthPort], restart: 'always' },
    notes: [
      "Answers the balancer's check on this port, and nothing else: stopped, it takes its node out of rotation.",
      'In HAProxy: default-server check port 8081 inter 2s fall 2 rise 2',
    ],
  };
  const [hostPort = port, ownPort = hostPort] = port.split(':');
  const app = {
    name: 'app',
    value: {
      ports: [`${hostPort}:${ownPort}`],
      restart: 'always',
      stop_grace_period: '20s',
    },
    notes: [
      "Compose's words: environment, volumes, mem_limit … The image stands in the composition. A probe is asked before a",
      `node is let in again, as: probe: { http: { port: ${hostPort}, path: /ready } }`,
    ],
  };
  const isApp = compose.length === 0;
  const services = [...(isBalanced ? [health] : []), ...(isApp ? [app] : [])];
  return {
    play: {
      name: group === 'all' ? 'everything' : group,
      hosts: group,
      ...(isBalanced
        ? { load_balancer: { type: 'haproxy', stats: [...balancer], backend }, health_container: 'health' }
        : {}),
      ...(isApp ? {} : { compose: compose.length === 1 ? compose[0] : compose }),
      ...(services.length === 0 ? {} : { services }),
    },
    images: new Map(
      [
        ...(isBalanced ? [['health', parseImageRef(healthImage)] as const] : []),
        ...(isApp ? [['app', parseImageRef(image)] as const] : []),
      ].flatMap(([name, ref]) => (ref === undefined ? [] : [[name, ref] as const])),
    ),
  };
}
