import { hostname, userInfo } from 'node:os';
import type { Observed } from '../../docker/observed.ts';
import { RunRefused } from '../../engine/context.ts';
import { lookAtAll } from '../../engine/read-hosts.ts';
import type { HostSession } from '../../engine/session.ts';
import { exitCodes } from '../../events/exit-code.ts';
import type { FoundHost } from '../../init/service.ts';
import { groupAlike } from '../../model/alike.ts';
import type { Host } from '../../model/host.ts';
import { createRedactor } from '../../model/redactor.ts';
import type { Secret } from '../../model/secret.ts';
import { createConnector } from '../../ssh/connect.ts';
import { foundOf, troublesOf } from '../composition/hosts.ts';
import type { RunHooks } from '../open.ts';
import type { Surroundings } from '../surroundings.ts';

export interface ReadOptions extends Surroundings, Pick<RunHooks, 'askSecret'> {
  readonly acceptNew: boolean;
  readonly forks: number;
  readonly onNotice: (host: string, message: string) => void;
}

/** All that runs on hosts, whoever made it. @throws RunRefused where one of them cannot be read */
export async function readFoundHosts(
  hosts: readonly Host[],
  secrets: readonly Secret[],
  options: ReadOptions,
): Promise<readonly FoundHost[]> {
  const { env, homeDir, clock, random, acceptNew, forks, onNotice, askSecret } = options;
  const redactor = createRedactor(secrets);
  const connector = createConnector({
    ...{ acceptNew, env, homeDir, clock, random, forks, onNotice },
    ...(askSecret === undefined ? {} : { prompt: askSecret }),
  });
  const holder = { run: 'init', user: userInfo().username, controller: hostname(), since: clock.now() };
  try {
    const looks = await lookAtAll(hosts, { connector, holder, clock, forks }, readHost);
    const troubles = groupAlike(troublesOf(looks)).map((text) => redactor.redact(text));
    if (troubles.length > 0) throw new RunRefused(exitCodes.unreachable, 'nothing was written', troubles);
    return foundOf(looks);
  } finally {
    await connector.close();
  }
}

async function readHost({ host, docker }: HostSession): Promise<FoundHost> {
  const { names } = await docker.survey();
  const nothing = { networks: [], volumes: [], images: [] };
  const found = await docker.observe({ ...nothing, names: [...names] });
  const used = usedBy(found);
  const isAny = used.networks.length + used.volumes.length > 0;
  const resources = isAny ? await docker.observe({ ...nothing, ...used, names: undefined }) : found;
  const address = host.vars['ansible_host'];
  return {
    name: host.name,
    address: typeof address === 'string' && address !== host.name ? address : undefined,
    observed: { ...resources, containers: found.containers, images: found.images },
  };
}

/** Networks and named volumes of containers. */
function usedBy({ containers }: Observed): { readonly networks: string[]; readonly volumes: string[] } {
  const networks = new Set<string>();
  const volumes = new Set<string>();
  for (const { inspect } of containers.values()) {
    const { NetworkSettings: settings, Mounts: mounts } = inspect as {
      readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null };
      readonly Mounts?: readonly { readonly Type?: unknown; readonly Name?: unknown }[] | null;
    };
    for (const name of Object.keys(settings?.Networks ?? {})) networks.add(name);
    for (const { Type: type, Name: name } of mounts ?? [])
      if (type === 'volume' && typeof name === 'string' && !/^[0-9a-f]{64}$/.test(name)) volumes.add(name);
  }
  for (const builtIn of ['bridge', 'host', 'none']) networks.delete(builtIn);
  return { networks: [...networks], volumes: [...volumes] };
}
