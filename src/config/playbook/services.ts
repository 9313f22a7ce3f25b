import type { Value } from '../../model/host.ts';
import type { Lookup } from '../../shell/variables.ts';
import { rebaseService } from '../compose/paths.ts';
import type { ComposeFile } from '../compose/read.ts';
import { isMapping, partAt, type Part } from '../document.ts';
import { entriesOf, overlaid, without } from './sections.ts';

/** A service or a config of a play as written, `compose` files and play put together. */
export interface ServicePart {
  readonly part: Part;
  /** Its own paths are relative to this folder. */
  readonly folder: string;
  /** What a variable that it names without a value is. */
  readonly variable: Lookup;
}

/** Where the play itself stands. */
export interface PlaySurroundings {
  /** The folder of the playbook. */
  readonly folder: string;
  readonly environmentVariable: Lookup;
}

/** The services of a play: those of its Compose files, its own laid over them key by key. */
export function servicesOf(
  part: Part,
  compose: ComposeFile | undefined,
  { folder, environmentVariable }: PlaySurroundings,
): Map<string, ServicePart> {
  const services = new Map(composeEntries(compose, 'services'));
  for (const [name, own] of entriesOf(partAt(part, 'services'))) {
    const lower = services.get(name);
    if (lower === undefined) services.set(name, { part: own, folder, variable: environmentVariable });
    else {
      const moved = { ...lower.part, value: rebaseService(lower.part.value, lower.folder, folder) };
      services.set(name, { ...lower, part: overlaid(moved, own), folder });
    }
  }
  return services;
}

export function configsOf(
  part: Part,
  compose: ComposeFile | undefined,
  { folder, environmentVariable }: PlaySurroundings,
): Map<string, ServicePart> {
  const configs = new Map(composeEntries(compose, 'configs'));
  for (const [name, own] of entriesOf(partAt(part, 'configs')))
    configs.set(name, { part: own, folder, variable: environmentVariable });
  return configs;
}

function composeEntries(compose: ComposeFile | undefined, section: 'services' | 'configs'): [string, ServicePart][] {
  if (compose === undefined) return [];
  const { document, folder, variable } = compose;
  return [...entriesOf(partAt(document, section))].map(([name, part]) => [
    name,
    // The name of a config is for swarms.
    { part: section === 'configs' ? without(part, ['name']) : part, folder, variable },
  ]);
}

/** A section of the play laid over that of its Compose files. */
export function lowered(compose: ComposeFile | undefined, section: 'networks' | 'volumes', own: Part): Part {
  return compose === undefined ? own : overlaid(partAt(compose.document, section), own);
}

export interface Networked {
  readonly services: ReadonlyMap<string, ServicePart>;
  readonly networks: Part;
}

/**
 * Services that name no network are in one of their own, `default`, where they find each other by name: Compose's rule.
 * A service that would be alone there stays on docker's bridge, and so does one beside which there is nothing but the
 * play's own health container. `networks: { default: … }` says what the network is, and that there is one in any case.
 */
export function withDefaultNetwork(
  { services, networks }: Networked,
  { playName, health, compose }: { playName: string; health: string | undefined; compose: ComposeFile | undefined },
): Networked {
  const unconnected = [...services].filter(([, { part }]) => isUnconnected(part.value));
  const isCounted = (name: string): boolean =>
    name !== health || (compose !== undefined && partAt(compose.document, 'services', name).value !== null);
  const isNamed =
    partAt(networks, 'default').value !== null ||
    (isMapping(networks.value) && 'default' in networks.value) ||
    [...services.values()].some(({ part }) => namesOf(partAt(part, 'networks').value).includes('default'));
  if (!isNamed && unconnected.filter(([name]) => isCounted(name)).length < 2) return { services, networks };
  const connected = new Map(services);
  for (const [name, service] of unconnected)
    connected.set(name, {
      ...service,
      part: overlaid(service.part, { ...service.part, value: { networks: ['default'] } }),
    });
  return { services: connected, networks: named(networks, defaultNameOf(playName)) };
}

function isUnconnected(service: Value): boolean {
  if (service === null) return true;
  if (!isMapping(service) || isWritten(service['network_mode'])) return false;
  const { networks } = service;
  if (!isWritten(networks)) return true;
  return typeof networks === 'object' && Object.keys(networks).length === 0;
}

function isWritten(value: Value | undefined): value is Exclude<Value, null> {
  return value !== undefined && value !== null && value !== '';
}

function namesOf(networks: Value): readonly Value[] {
  if (Array.isArray(networks)) return networks as readonly Value[];
  return isMapping(networks) ? Object.keys(networks) : [];
}

/** The networks with a name for `default`: docker itself takes no network of that name. */
function named(networks: Part, name: string): Part {
  const written = partAt(networks, 'default');
  const settings = isMapping(written.value) ? written.value : {};
  const isOthers = settings['external'] !== undefined && settings['external'] !== false;
  if ((written.value !== null && !isMapping(written.value)) || isOthers || isWritten(settings['name'])) return networks;
  const { value } = overlaid(written, { ...written, value: { name } });
  return overlaid(networks, { ...networks, value: { default: value } });
}

/** `web-tier_default` for the play `Web tier`. */
function defaultNameOf(playName: string): string {
  const slug = playName.toLowerCase().replace(/[^a-z0-9._-]+/g, '-');
  return `${slug.replace(/^[^a-z0-9]+|-+$/g, '') || 'rollout'}_default`;
}
