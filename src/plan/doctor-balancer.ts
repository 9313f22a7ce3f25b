import {
  describeServer,
  serverNames,
  statesOf,
  unreadable,
  withoutTraffic,
  type BalancerView,
} from '../balancer/view.ts';
import type { Finding, Own } from './doctor.ts';
import type { PlayFinding } from './status-model.ts';

/** What the balancers say of a play. `hasGate`: it names a health container. */
export function balancerFindings(found: PlayFinding, hasGate: boolean): readonly Finding[] {
  const { play, view } = found;
  if (view === undefined) return [];
  const trouble = unreadable(view);
  const servers = found.hosts.flatMap((host) =>
    host.kind === 'read' ? [{ host: host.host, server: host.desired.server }] : [],
  );
  const own =
    trouble === undefined
      ? servers.flatMap(({ host, server }) => serverFindings(view, server, hasGate).map((each) => ({ host, ...each })))
      : [
          {
            level: 'error' as const,
            area: 'balancer' as const,
            message: `the balancer cannot be read: ${trouble}`,
            fix: 'Look at load_balancer in the playbook: its address, backend, via and credentials.',
          },
        ];
  return own.map((finding) => ({ play, ...finding }));
}

function serverFindings(view: BalancerView, server: string, hasGate: boolean): readonly Own[] {
  const states = statesOf(view, server);
  if (states.length === 0)
    return [
      {
        level: 'error',
        area: 'balancer',
        message: `the balancer has no server ${server}; it has ${serverNames(view).join(', ') || 'none'}`,
        fix: 'Name a node as it is named there: load_balancer.server, by default {{ inventory_hostname }}.',
      },
    ];
  if (hasGate && states.some(({ status, weight }) => status === 'no_check' && weight !== 0))
    return [
      {
        level: 'error',
        area: 'balancer',
        message: `the balancer does not check ${server}: stopping the health container takes nothing out`,
        fix: 'Give the server line a check that asks the health container, as in: server h1 10.0.0.11:8080 check port 8081',
      },
    ];
  const idle = withoutTraffic(view, server);
  if (idle.length > 0)
    return [{ level: 'warning', area: 'balancer', message: `${server} gets no requests: ${idle.join(', ')}` }];
  const isServing = states.every(({ status }) => status === 'up' || status === 'no_check');
  const absent = view.readings.filter((reading) => !('error' in reading) && !reading.servers.has(server));
  return [
    ...(isServing
      ? []
      : [
          { level: 'warning', area: 'balancer', message: `${server} is ${describeServer(view, server)}` } satisfies Own,
        ]),
    ...absent.map(({ balancer }): Own => ({
      level: 'warning',
      area: 'balancer',
      message: `${server} is not a server at ${balancer}, only at others`,
    })),
  ];
}
