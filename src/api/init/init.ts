import { relative, resolve } from 'node:path';
import { newName } from '../../composition/name.ts';
import { inventoryHosts, type InventoryHosts } from '../../config/inventory-hosts.ts';
import { RunRefused } from '../../engine/context.ts';
import { exitCodes } from '../../events/exit-code.ts';
import { parseHostArgument } from '../../init/address.ts';
import {
  compositionText,
  inventoryText,
  playbookText,
  type InventoryHost,
  type Login,
  type PlayParts,
} from '../../init/files.ts';
import { resourcesOf } from '../../init/resources.ts';
import { SecretNames, type FoundSecret } from '../../init/secret-names.ts';
import { servicesOf, servingContainers, type FoundHost } from '../../init/service.ts';
import { starterPlay, type Starter } from '../../init/starter.ts';
import { imagesOf, tiersOf, type Tier } from '../../init/tiers.ts';
import type { ImageRef } from '../../model/image.ts';
import type { Host } from '../../model/host.ts';
import type { Problem } from '../../model/problem.ts';
import { readFoundHosts, type ReadOptions } from './read-hosts.ts';
import { validate, writeNewFiles, type NewFile } from './write.ts';

export interface InitOptions extends ReadOptions {
  /** Of the project. */
  readonly name: string;
  /** What the files are called after: `prod`. */
  readonly stage: string;
  /** `[user@]host[:port]` each. */
  readonly hosts: readonly string[];
  /** The group of the hosts; with an inventory, the pattern of the play. */
  readonly group: string;
  /** Inventories of Ansible's, which stay where they are. */
  readonly fromAnsible: readonly string[];
  /** Compose files, which stay where they are. */
  readonly fromCompose: readonly string[];
  /** `[user@]host[:port]`, or a pattern of the inventory. */
  readonly fromHosts: readonly string[];
  /** What is written where nothing is read. */
  readonly starter: Starter;
  readonly login: Login;
  readonly vaultPasswordFile?: string | undefined;
  readonly askVaultPass?: (() => Promise<string>) | undefined;
}

export interface InitResult {
  readonly files: readonly { readonly path: string; readonly summary: string }[];
  /** What to look at. */
  readonly notes: readonly string[];
  readonly secrets: readonly FoundSecret[];
  readonly playbook: string;
  /** What of it is not valid: a Compose file may hold what rollout does not take over. */
  readonly problems: readonly Problem[];
}

/** What the files are made of. */
interface Parts {
  readonly groups: readonly { readonly name: string; readonly hosts: readonly InventoryHost[] }[];
  readonly plays: readonly PlayParts[];
  readonly images: ReadonlyMap<string, ImageRef>;
  readonly secrets: readonly FoundSecret[];
  readonly notes: readonly string[];
}

/** Writes a starting project: an inventory, a playbook, a composition. @throws RunRefused, ConfigError; then nothing was written */
export async function initProject(options: InitOptions): Promise<InitResult> {
  const { name, stage, cwd, env, login, clock } = options;
  const parts = options.fromHosts.length > 0 ? await partsOfHosts(options) : await partsOfStarter(options);
  const [inventory, playbook, composition] = ['inventories', 'playbooks', 'compositions'].map(
    (folder) => `${folder}/${stage}.yaml`,
  ) as [string, string, string];
  const own = options.fromAnsible.length === 0;
  const hasComposition = parts.images.size > 0;
  const created = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
  const files: (NewFile & { readonly summary: string })[] = [
    ...(own
      ? [
          {
            path: inventory,
            text: inventoryText(parts.groups, { login, path: inventory }),
            summary: hostsText(parts.groups),
          },
        ]
      : []),
    ...(hasComposition
      ? [
          {
            path: composition,
            text: compositionText(
              { name: newName(clock.now(), () => false), created, path: composition },
              parts.images,
            ),
            summary: `the images of ${[...parts.images.keys()].join(', ')}`,
          },
        ]
      : []),
    {
      path: playbook,
      text: playbookText({
        path: playbook,
        name,
        inventory: own ? [`../${inventory}`] : options.fromAnsible.map((source) => fromPlaybooks(source, cwd)),
        ...(hasComposition ? { composition: `../${composition}` } : {}),
        secrets: parts.secrets,
        plays: parts.plays,
      }),
      summary: parts.plays.map((play) => `play ${play.name} for ${play.hosts}`).join(', '),
    },
  ];
  writeNewFiles(files, cwd);
  const { problems } = await validate(playbook, { cwd, env }, options);
  return {
    files: files.map(({ path, summary }) => ({ path, summary })),
    notes: parts.notes,
    secrets: parts.secrets,
    playbook,
    problems,
  };
}

/** The services that run on hosts. */
async function partsOfHosts(options: InitOptions): Promise<Parts> {
  const known = await hostsOf(options, options.fromHosts);
  const found = await readFoundHosts(known.hosts, known.secrets, options);
  const secrets = new SecretNames();
  const tiers = tiersOf(found.map((host) => ({ host, services: servicesOf(host, secrets) })));
  if (tiers.length === 0) throw usage('nothing was written: no container runs on these hosts');
  const { common, own } = imagesOf(tiers);
  const plays = tiers.map((tier): PlayParts => ({
    name: tier.name,
    hosts: patternOf(tier, known),
    ...resources(tier, found),
    services: tier.services,
    images: own.get(tier) ?? new Map<string, ImageRef>(),
  }));
  const inventory = new Map(known.written.map((host) => [host.name, host]));
  return {
    groups: tiers.map(({ name, hosts }) => ({ name, hosts: hosts.flatMap((host) => inventory.get(host) ?? []) })),
    plays,
    images: common,
    secrets: secrets.all,
    notes: [...tiers.flatMap(notesOf), ...found.flatMap(leftOut)],
  };
}

function resources(tier: Tier, found: readonly FoundHost[]): Pick<PlayParts, 'networks' | 'volumes'> {
  const hosts = found.filter(({ name }) => tier.hosts.includes(name));
  const { networks, volumes } = resourcesOf(tier.services, hosts);
  return {
    ...(Object.keys(networks).length === 0 ? {} : { networks }),
    ...(Object.keys(volumes).length === 0 ? {} : { volumes }),
  };
}

function notesOf({ services, hosts: [host = ''] }: Tier): string[] {
  return services.flatMap(({ name, notes }) => notes.map((note) => `${host}: ${name}: ${note}`));
}

function leftOut(host: FoundHost): string[] {
  const serving = new Set(servingContainers(host));
  const others = [...host.observed.containers.values()].filter((container) => !serving.has(container));
  if (others.length === 0) return [];
  return [
    `${host.name}: left out, for they do not run: ${others
      .map(({ name }) => name)
      .sort()
      .join(', ')}`,
  ];
}

/** A play of a Compose file, or one to begin with. */
async function partsOfStarter(options: InitOptions): Promise<Parts> {
  const { group, fromCompose, fromAnsible, starter, cwd } = options;
  const isOwn = fromAnsible.length === 0;
  // Read all the same, so that its mistakes are known before anything is written.
  const { written } = await hostsOf(options, isOwn ? options.hosts : [group]);
  if (isOwn && written.length === 0)
    throw usage('which hosts? nothing was written', [
      'give --host [user@]host[:port] for each, --from-ansible INVENTORY, or --from-host HOST',
    ]);
  const groups = [{ name: group, hosts: written }];
  const { play, images } = starterPlay(group, starter, {
    compose: fromCompose.map((file) => fromPlaybooks(file, cwd)),
  });
  return { groups, plays: [play], images, secrets: [], notes: [] };
}

interface KnownHosts extends InventoryHosts {
  /** As the inventory is to have them, where it is written here. */
  readonly written: readonly InventoryHost[];
}

async function hostsOf(options: InitOptions, asked: readonly string[]): Promise<KnownHosts> {
  const { fromAnsible, login, cwd, env } = options;
  if (fromAnsible.length > 0) {
    const known = await inventoryHosts(fromAnsible, asked.join(','), { ...options, ...login, cwd, env });
    return { ...known, written: known.hosts.map(({ name }) => ({ name })) };
  }
  const odd = asked.filter((text) => parseHostArgument(text) === undefined);
  if (odd.length > 0) throw usage(`nothing was written: a host is [user@]host[:port], got ${odd.join(', ')}`);
  const written = asked.flatMap((text) => parseHostArgument(text) ?? []);
  const names = written.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw usage(`nothing was written: ${twice} is given twice`);
  return { hosts: written.map((host) => toHost(host, login)), secrets: [], groups: new Map(), written };
}

function toHost({ name, port, user }: InventoryHost, login: Login): Host {
  const as = user ?? login.user;
  return {
    name,
    groups: [],
    vars: {},
    connection: {
      kind: 'ssh',
      address: name,
      ...(port === undefined ? {} : { port }),
      ...(as === undefined ? {} : { user: as }),
      ...(login.privateKey === undefined ? {} : { privateKeyFile: login.privateKey }),
      ...(login.become ? { become: { method: 'sudo', user: 'root' } } : {}),
    },
  };
}

/** A group of exactly these hosts, where the inventory has one. */
function patternOf({ name, hosts }: Tier, { groups }: InventoryHosts): string {
  if (groups.size === 0) return name;
  const key = (names: readonly string[]): string => names.toSorted().join();
  const named = [...groups].filter(([, members]) => key(members) === key(hosts)).map(([group]) => group);
  return named.find((group) => group !== 'all' && group !== 'ungrouped') ?? named[0] ?? hosts.join(',');
}

/** A path of the command line, as the playbook has it; a comma list stays one. */
function fromPlaybooks(written: string, cwd: string): string {
  return written.includes(',') ? written : relative(resolve(cwd, 'playbooks'), resolve(cwd, written));
}

function hostsText(groups: Parts['groups']): string {
  return groups.map(({ name, hosts }) => `${name}: ${hosts.map((host) => host.name).join(', ')}`).join('; ');
}

function usage(message: string, details: readonly string[] = []): RunRefused {
  return new RunRefused(exitCodes.usage, message, details);
}
