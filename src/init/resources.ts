import { Inspected } from '../service/inspected.ts';
import type { FoundHost, WrittenService } from './service.ts';

/** The networks and volumes of services, as a play has them: nothing is said of those that docker would make so itself. */
export function resourcesOf(
  services: readonly WrittenService[],
  hosts: readonly FoundHost[],
): { readonly networks: Record<string, object>; readonly volumes: Record<string, object> } {
  const networks = new Set(services.flatMap(({ value }) => namesIn(value['networks'])));
  const volumes = new Set(services.flatMap(({ value }) => volumesIn(value['volumes'])));
  const found = hosts.map(({ observed }) => observed);
  return {
    networks: entries(networks, (name) =>
      found.every(({ networkDocuments }) => isPlainNetwork(networkDocuments?.get(name))),
    ),
    volumes: entries(volumes, (name) =>
      found.every(({ volumeDocuments }) => isPlainVolume(volumeDocuments?.get(name))),
    ),
  };
}

/** One that docker would not make so is somebody else's to make. */
function entries(names: ReadonlySet<string>, isPlain: (name: string) => boolean): Record<string, object> {
  return Object.fromEntries([...names].sort().map((name) => [name, isPlain(name) ? {} : { external: true }]));
}

function namesIn(networks: unknown): readonly string[] {
  if (Array.isArray(networks)) return networks as readonly string[];
  return typeof networks === 'object' && networks !== null ? Object.keys(networks) : [];
}

function volumesIn(mounts: unknown): readonly string[] {
  if (!Array.isArray(mounts)) return [];
  return (mounts as readonly unknown[]).flatMap((mount) => {
    const source =
      typeof mount === 'string' ? (mount.includes(':') ? mount.split(':')[0] : undefined) : sourceOf(mount as object);
    return source === undefined || source.startsWith('/') ? [] : [source];
  });
}

function sourceOf(mount: object): string | undefined {
  const { type, source } = mount as { readonly type?: unknown; readonly source?: unknown };
  return type === 'volume' && typeof source === 'string' ? source : undefined;
}

function isPlainNetwork(document: Readonly<Record<string, unknown>> | undefined): boolean {
  const network = new Inspected(document);
  if (document === undefined) return true;
  const isOdd = ['Internal', 'Attachable', 'EnableIPv6'].some((path) => network.flag(path));
  return network.text('Driver') === 'bridge' && network.entries('Options').length === 0 && !isOdd;
}

function isPlainVolume(document: Readonly<Record<string, unknown>> | undefined): boolean {
  const volume = new Inspected(document);
  return document === undefined || (volume.text('Driver') === 'local' && volume.entries('Options').length === 0);
}
