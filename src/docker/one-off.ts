import type { Secret } from '../model/secret.ts';
import type { Canonical, Service } from '../model/service.ts';
import { labels, oneOffPrefix } from './names.ts';

/** What a container of its own does otherwise than the service that it is of. */
export interface OneOffSettings {
  readonly command?: readonly string[] | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly workingDir?: string | undefined;
  /** Above the service's own variables. */
  readonly environment?: Readonly<Record<string, string | Secret>>;
}

/** One at a time of each service on a host, under the host's lock. */
export const oneOffName = ({ containerName }: Service): string => `${oneOffPrefix}${containerName}`;

export const oneOffLabels = (run: string, { name }: Service): Readonly<Record<string, string>> => ({
  [labels.oneOff]: run,
  [labels.service]: name,
});

/**
 * Keys by which others find the service, or which only something that stays has: ports, names and addresses in networks,
 * labels (a balancer may go by them), the restart policy, the healthcheck, a terminal.
 */
const left = ['ports', 'expose', 'labels', 'restart', 'healthcheck', 'mac_address', 'stdin_open', 'tty', 'hostname'];

/** The service as `docker compose run` would run it: its image, variables, networks, volumes, files and limits. */
export function oneOffService(service: Service, settings: OneOffSettings): Service {
  const { command, entrypoint, user, workingDir, environment = {} } = settings;
  const kept = Object.entries(service.spec).filter(
    // As in Compose: another entrypoint does without the service's command.
    ([key]) => !left.includes(key) && !(key === 'command' && entrypoint !== undefined),
  );
  const spec = Object.fromEntries(kept.map(([key, value]) => [key, key === 'networks' ? withoutNames(value) : value]));
  const own: Readonly<Record<string, Canonical | undefined>> = {
    command,
    entrypoint,
    user,
    working_dir: workingDir,
    ...(Object.keys(environment).length === 0
      ? {}
      : { environment: { ...(spec['environment'] as Readonly<Record<string, Canonical>>), ...environment } }),
  };
  const given = Object.entries(own).filter((entry): entry is [string, Canonical] => entry[1] !== undefined);
  return { ...service, spec: { ...spec, ...Object.fromEntries(given) } };
}

function withoutNames(networks: Canonical): Canonical {
  return Object.fromEntries(Object.keys(networks as object).map((name) => [name, {}]));
}
