import { Document, isMap, isPair, isScalar, visit, type Pair } from 'yaml';
import { formatImageRef, type ImageRef } from '../model/image.ts';
import type { FoundSecret } from './secret-names.ts';
import type { WrittenService } from './service.ts';

/** A host as an inventory has it. */
export interface InventoryHost {
  readonly name: string;
  readonly address?: string;
  readonly port?: number;
  readonly user?: string;
}

/** How all hosts are connected to. */
export interface Login {
  readonly user?: string;
  readonly privateKey?: string;
  readonly become: boolean;
}

/** The text of an inventory: a group for each list of hosts. */
export function inventoryText(
  groups: readonly { readonly name: string; readonly hosts: readonly InventoryHost[] }[],
  { login, path }: { readonly login: Login; readonly path: string },
): string {
  const vars = {
    ...(login.user === undefined ? {} : { ansible_user: login.user }),
    ...(login.privateKey === undefined ? {} : { ansible_ssh_private_key_file: login.privateKey }),
    ...(login.become ? { ansible_become: true } : {}),
  };
  const written: Record<string, object> = Object.fromEntries(
    groups.map(({ name, hosts }) => [name, { hosts: Object.fromEntries(hosts.map(hostEntry)) }]),
  );
  if (Object.keys(vars).length > 0) written['all'] = { ...written['all'], vars };
  const document = new Document(written);
  flowBelow(document, 'hosts');
  document.commentBefore = lines(
    "The hosts, by group: an inventory of Ansible's. A host has its own variables behind its name, a group under vars.",
    `Look at what was understood: rollout inventory -i ${path} --graph`,
  );
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function hostEntry({ name, address, port, user }: InventoryHost): [string, object | null] {
  const vars = {
    ...(address === undefined || address === name ? {} : { ansible_host: address }),
    ...(port === undefined ? {} : { ansible_port: port }),
    ...(user === undefined ? {} : { ansible_user: user }),
  };
  return [name, Object.keys(vars).length === 0 ? null : vars];
}

/** One line a host. */
function flowBelow(document: Document, key: string): void {
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || pair.key.value !== key || !isMap(pair.value)) return;
      for (const { value } of pair.value.items) if (isMap(value)) value.flow = true;
    },
  });
}

/** The text of a composition. */
export function compositionText(
  { name, created, path }: { readonly name: string; readonly created: string; readonly path: string },
  images: ReadonlyMap<string, ImageRef>,
): string {
  const components = Object.fromEntries([...images].map(([component, image]) => [component, formatImageRef(image)]));
  const document = new Document({ name, created, components });
  document.commentBefore = lines(
    'A release: the image of every service that names none itself. The next one is a copy of this file with other',
    `images: rollout composition new --from ${path} ${[...images.keys()].at(-1) ?? 'app'}=:NEXT_TAG`,
  );
  return document.toString({ lineWidth: 0 });
}

/** A play to be written. */
export interface PlayParts {
  readonly name: string;
  readonly hosts: string;
  readonly load_balancer?: object;
  readonly health_container?: string;
  readonly compose?: string | readonly string[] | undefined;
  readonly networks?: Readonly<Record<string, object>>;
  readonly volumes?: Readonly<Record<string, object>>;
  readonly services?: readonly Pick<WrittenService, 'name' | 'value' | 'notes'>[];
  /** Images that the composition does not say, by service. */
  readonly images?: ReadonlyMap<string, ImageRef>;
}

export interface PlaybookParts {
  /** Where it is written, for what to type. */
  readonly path: string;
  readonly name: string;
  readonly inventory: readonly string[];
  readonly composition?: string;
  readonly secrets: readonly FoundSecret[];
  readonly plays: readonly PlayParts[];
}

/** The text of a playbook, with what a newcomer asks as comments. */
export function playbookText({ path, name, inventory, composition, secrets, plays }: PlaybookParts): string {
  const document = new Document({
    name,
    inventory: inventory.length === 1 ? inventory[0] : inventory,
    ...(composition === undefined ? {} : { composition }),
    ...(secrets.length === 0
      ? {}
      : { secrets: Object.fromEntries(secrets.map((secret) => [secret.name, { env: secret.variable }])) }),
    plays: plays.map(playOf),
  });
  document.commentBefore = lines(
    'What runs on which hosts, and how an update goes over them. Every key: docs/playbook.md of rollout.',
    `Check it: rollout validate ${path}. See what a run would do: rollout plan ${path}`,
  );
  comment(document, ['secrets'], secretLines(secrets));
  plays.forEach((play, index) => commentPlay(document, play, index));
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function playOf({ images, services, ...play }: PlayParts): object {
  if (services === undefined) return play;
  const written = services.map(({ name, value }) => {
    const image = images?.get(name);
    return [name, image === undefined ? value : { image: formatImageRef(image), ...value }] as const;
  });
  return { ...play, services: Object.fromEntries(written) };
}

function commentPlay(document: Document, { load_balancer: balancer, services = [] }: PlayParts, index: number): void {
  const play = ['plays', index] as const;
  if (balancer === undefined) comment(document, [...play, 'hosts'], [], balancerLines);
  else comment(document, [...play, 'load_balancer'], serverLines);
  for (const { name, notes } of services) comment(document, [...play, 'services', name], notes);
}

const balancerLines = [
  'With a load balancer in front of these hosts a node is drained before it is touched. Then no request is lost:',
  'load_balancer:',
  '  type: haproxy',
  '  stats: [http://10.0.0.2:8404/stats]',
  '  backend: web',
  'health_container: health   # the service that answers the check of the balancer',
];

const serverLines = [
  "Its servers are found by the hosts' names in the inventory. Where theirs are others, say how they are called below",
  'backend, as: server: "web-{{ inventory_hostname }}"',
];

function secretLines(secrets: readonly FoundSecret[]): string[] {
  const [first] = secrets;
  if (first === undefined) return [];
  const print = `docker inspect ${first.container} --format '{{range .Config.Env}}{{println .}}{{end}}'`;
  return [
    'These values stood in plain in containers, and are not written here. Each comes from a variable of whoever runs',
    'rollout; { file: PATH } and { command: [WORDS] } are other sources. What runs now, on the host:',
    `${first.host}$ ${print} | sed -n 's/^${first.of}=//p'`,
  ];
}

const lines = (...texts: readonly string[]): string => texts.map((text) => ` ${text}`).join('\n');

/** Above a key, or below its line. */
function comment(
  document: Document,
  path: readonly (string | number)[],
  above: readonly string[],
  below: readonly string[] = [],
): void {
  const pair = pairAt(document, path);
  if (pair === undefined || !isScalar(pair.key)) return;
  if (above.length > 0) pair.key.commentBefore = lines(...above);
  if (below.length === 0) return;
  const parent = document.getIn(path.slice(0, -1), true);
  const next = isMap(parent) ? parent.items[parent.items.indexOf(pair) + 1] : undefined;
  if (next !== undefined && isScalar(next.key)) next.key.commentBefore = lines(...below);
}

function pairAt(document: Document, path: readonly (string | number)[]): Pair | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const found = isMap(parent)
    ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === path.at(-1))
    : undefined;
  return isPair(found) ? found : undefined;
}
