import type { Fleet } from './fleet.ts';

/** Everything about a host's containers that a run may change: name, image, start. One line each, sorted. */
export async function containersOn(fleet: Fleet, host: string): Promise<readonly string[]> {
  const ids = lines(await fleet.docker(host, ['ps', '--all', '--quiet', '--no-trunc']));
  if (ids.length === 0) return [];
  const documents = JSON.parse(await fleet.docker(host, ['container', 'inspect', ...ids])) as readonly {
    readonly Id: string;
    readonly Name: string;
    readonly Config: { readonly Image: string };
    readonly State: { readonly Status: string; readonly StartedAt: string };
    readonly HostConfig: { readonly RestartPolicy: { readonly Name: string } };
  }[];
  return documents
    .map(({ Id, Name, Config, State, HostConfig }) =>
      [Name.slice(1), State.Status, HostConfig.RestartPolicy.Name, Config.Image, State.StartedAt, Id.slice(0, 12)].join(
        ' ',
      ),
    )
    .sort();
}

/** As {@link containersOn}, for every host of the fleet. */
export async function snapshot(fleet: Fleet): Promise<Readonly<Record<string, readonly string[]>>> {
  return Object.fromEntries(
    await Promise.all(fleet.hosts.map(async (host) => [host, await containersOn(fleet, host)] as const)),
  );
}

/** `name status` of each container. */
export async function statesOn(fleet: Fleet, host: string): Promise<readonly string[]> {
  return (await containersOn(fleet, host)).map((line) => line.split(' ').slice(0, 2).join(' '));
}

/** Takes every container off every host. */
export async function emptyFleet(fleet: Fleet): Promise<void> {
  await Promise.all(
    fleet.hosts.map(async (host) => {
      const ids = lines(await fleet.docker(host, ['ps', '--all', '--quiet']));
      if (ids.length > 0) await fleet.docker(host, ['rm', '--force', '--volumes', ...ids]);
    }),
  );
}

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');
