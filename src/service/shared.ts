import type { Service, ServiceSpec } from '../model/service.ts';
import { Inspected } from './inspected.ts';

/** Namespaces that a container may have together with another one, by the key that says so. */
const namespaces = {
  network_mode: { what: 'network', path: 'HostConfig.NetworkMode' },
  ipc: { what: 'shared memory', path: 'HostConfig.IpcMode' },
  pid: { what: 'processes', path: 'HostConfig.PidMode' },
} as const;

export const sharingKeys = Object.keys(namespaces) as readonly (keyof typeof namespaces)[];

/** What a service shares with another container. */
export interface Sharing {
  readonly key: keyof typeof namespaces;
  /** `network`, in words. */
  readonly what: string;
  /** The other container's name. */
  readonly container: string;
}

/** Everything that a service shares with other containers. Most share nothing. */
export function sharingOf(spec: ServiceSpec): Sharing[] {
  return sharingKeys.flatMap((key) => {
    const container = sharedName(spec[key], 'container');
    return container === undefined ? [] : [{ key, what: namespaces[key].what, container }];
  });
}

/** `service:NAME` or `container:NAME`, where the name is one that docker could have given. */
export const sharedMode = /^(?:service|container):[A-Za-z0-9][\w.-]*$/;

/** The name in `service:NAME` or `container:NAME`; undefined for every other mode. */
export function sharedName(mode: unknown, kind: 'service' | 'container'): string | undefined {
  return typeof mode === 'string' && mode.startsWith(`${kind}:`) ? mode.slice(kind.length + 1) : undefined;
}

/** The id of the container whose namespace a container was created with: docker turns the name into it, for good. */
export function boundId(inspect: Readonly<Record<string, unknown>>, key: Sharing['key']): string | undefined {
  return sharedName(new Inspected(inspect).text(namespaces[key].path), 'container');
}

/** The service with each mode that `rename` gives another one for. */
export function withModes(service: Service, rename: (mode: string) => string): Service {
  const modes = sharingKeys.flatMap((key) => {
    const mode = service.spec[key];
    return typeof mode === 'string' ? [[key, rename(mode)] as const] : [];
  });
  return modes.length === 0 ? service : { ...service, spec: { ...service.spec, ...Object.fromEntries(modes) } };
}
