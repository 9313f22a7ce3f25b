import { balancerKinds } from '../../balancer/table.ts';
import type { Host } from '../../model/host.ts';
import type { LoadBalancerSpec } from '../../model/play.ts';
import { Secret } from '../../model/secret.ts';
import { isMapping, partAt, pathText, positionOf, problemIn, type Part } from '../document.ts';
import type { Member } from '../inventory/graph.ts';
import type { Settings } from '../inventory/vars-files.ts';
import type { Problems } from '../text/problems.ts';
import { didYouMean } from '../../model/closest.ts';
import type { DesiredOfPlay } from './desired.ts';
import type { PlaySettings } from './schema.ts';
import { noSuchSecret } from './no-such-secret.ts';
import { overlaid, without } from './sections.ts';
import type { PlayContext } from './play-context.ts';

const defaultServer = '{{ inventory_hostname }}';

/** One name for two hosts: when one of them is out the balancer would speak of the other. */
export function refuseSharedServers(
  server: Part,
  members: readonly Member[],
  desired: DesiredOfPlay,
  problems: Problems,
): void {
  if (server.value === defaultServer) return;
  const hosts = new Map<string, string[]>();
  for (const member of members) {
    const name = desired.serverName(member);
    if (name !== undefined) hosts.set(name, [...(hosts.get(name) ?? []), member.name]);
  }
  for (const [name, shared] of hosts) {
    if (shared.length === 1) continue;
    const list = `${shared.slice(0, 3).join(', ')}${shared.length > 3 ? ` and ${shared.length - 3} more` : ''}`;
    const message = `must differ from host to host; got ${name} for ${list}. The default is ${defaultServer}`;
    problems.add(problemIn(server, [], message));
  }
}

/** One question for all nodes: while one of them is out the answer would be about any of them. */
export function refuseSharedAnswers(part: Part, { type, settings }: LoadBalancerSpec, problems: Problems): void {
  const alike = balancerKinds.get(type)?.asksAlike?.(settings);
  if (alike !== undefined) problems.add(problemIn(part, [alike.key], alike.message));
}

/** `load_balancer.server` is a name of each host's own. */
export function withoutServer(part: Part): Part {
  const balancer = partAt(part, 'load_balancer');
  if (!isMapping(balancer.value)) return part;
  return overlaid(part, { ...part, value: { load_balancer: without(balancer, ['server']).value } });
}

export function serverOf(part: Part): Part {
  const server = partAt(part, 'load_balancer', 'server');
  return server.value === null ? { ...server, value: defaultServer } : server;
}

export function loadBalancerOf(
  part: Part,
  settings: PlaySettings['load_balancer'],
  playVars: Settings,
  context: PlayContext,
): LoadBalancerSpec | undefined {
  if (settings === undefined) return undefined;
  const kind = balancerKinds.get(String(settings.type));
  // type: none
  if (kind === undefined) return undefined;
  const name = 'via' in settings && typeof settings.via === 'string' ? settings.via : undefined;
  const via = name === undefined ? undefined : viaHost(part, name, playVars, context);
  return {
    type: kind.type,
    settings: kind.settle(settings, {
      folder: context.folder,
      credential: (key, written) => credentialOf(partAt(part, key), written, context),
    }),
    ...(via === undefined ? {} : { via }),
    ...('port' in settings && typeof settings.port === 'number' ? { port: settings.port } : {}),
    position: positionOf(part),
  };
}

function viaHost(part: Part, name: string, playVars: Settings, context: PlayContext): Host | undefined {
  const { graph } = context.inventory;
  const member = graph.hosts.get(name);
  if (member !== undefined) return context.hostOf(member, playVars);
  context.problems.add(
    problemIn(part, ['via'], `must name a host of the inventory; got ${name}${didYouMean(name, graph.hosts.keys())}`),
  );
  return undefined;
}

/** A password: a secret by name, or text, which is a secret from here on. */
export function credentialOf(
  part: Part,
  written: string | { readonly secret: string } | undefined,
  { secrets, problems }: Pick<PlayContext, 'secrets' | 'problems'>,
): Secret | undefined {
  if (part.value instanceof Secret) return part.value;
  if (written === undefined) return undefined;
  if (typeof written === 'string') return new Secret(pathText(part.path), written);
  const secret = secrets.get(written.secret);
  if (secret === undefined) problems.add(problemIn(part, ['secret'], noSuchSecret(written.secret, secrets)));
  return secret;
}
