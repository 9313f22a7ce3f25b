import { formatImageRef } from '../model/image.ts';
import type { Canonical, Service, VolumeSpec } from '../model/service.ts';
import { cleanHostPath, type namespaceNames, type Policy } from './policy-schema.ts';

/** One thing that a policy does not allow. */
export interface Violation {
  /** The rule that says so. */
  readonly rule: keyof Policy;
  /** The key of the service, or of the volume. */
  readonly key: string;
  /** What of the key's value it is about: several policies that forbid it say the same. */
  readonly found: string;
  /** What is not allowed, what was found, how to fix it. */
  readonly message: string;
}

/** Everything in a service that a policy does not allow, in the order of the policy's rules. */
export function policyViolations(policy: Policy, service: Service): Violation[] {
  return rules.flatMap((rule) => rule(policy, service));
}

/** A named volume can be a folder of the host, too. */
export function volumeViolations({ host_mounts: rule }: Policy, { options }: VolumeSpec): Violation[] {
  const settings = (options['driver_opts'] ?? {}) as Readonly<Record<string, string>>;
  const { device } = settings;
  if (rule === undefined || device?.startsWith('/') !== true) return [];
  return mountViolations(rule, device, 'driver_opts');
}

type Rule = (policy: Policy, service: Service) => readonly Violation[];

const rules: readonly Rule[] = [
  privileged,
  hostNamespaces,
  hostMounts,
  devices,
  gpus,
  unconfined,
  images,
  tagsWithoutDigest,
  root,
  capabilities,
  portsOnAllInterfaces,
];

function privileged(policy: Policy, { spec }: Service): Violation[] {
  if (policy.privileged !== false || spec['privileged'] !== true) return [];
  const message = 'must not be true; give the container what it needs with cap_add or devices';
  return [{ rule: 'privileged', key: 'privileged', found: 'true', message }];
}

const namespaceKeys: Readonly<Record<(typeof namespaceNames)[number], string>> = {
  network: 'network_mode',
  pid: 'pid',
  ipc: 'ipc',
  uts: 'uts',
  userns: 'userns_mode',
  cgroup: 'cgroup',
};

function hostNamespaces({ host_namespaces: allowed }: Policy, { spec }: Service): Violation[] {
  if (allowed === undefined) return [];
  const own = Object.entries(namespaceKeys).flatMap(([name, key]): Violation[] =>
    spec[key] !== 'host' || allowed.some((each) => each === name)
      ? []
      : [{ rule: 'host_namespaces', key, found: 'host', message: `must not be host: it shares the ${meaning(name)}` }],
  );
  // A play's network may be the host's by another name.
  const joinsHost = Object.hasOwn((spec['networks'] ?? {}) as object, 'host') && !allowed.includes('network');
  const message = `must not have host: it shares the ${meaning('network')}`;
  return joinsHost ? [...own, { rule: 'host_namespaces', key: 'networks', found: 'host', message }] : own;
}

function meaning(namespace: string): string {
  return `host's ${namespace} namespace`;
}

function hostMounts({ host_mounts: rule }: Policy, { spec }: Service): Violation[] {
  if (rule === undefined) return [];
  const mounts = Object.values((spec['volumes'] ?? {}) as Readonly<Record<string, { readonly source?: Canonical }>>);
  return mounts.flatMap(({ source }) =>
    typeof source === 'string' && source.startsWith('/') ? mountViolations(rule, source, 'volumes') : [],
  );
}

function mountViolations(
  { allow, deny = [] }: NonNullable<Policy['host_mounts']>,
  written: string,
  key: 'volumes' | 'driver_opts',
): Violation[] {
  const fail = (message: string): Violation[] => [{ rule: 'host_mounts', key, found: written, message }];
  const path = cleanHostPath(written);
  const found = path === written ? written : `${written}, which is ${path}`;
  const denied = deny.find((prefix) => isWithin(path, prefix) || isWithin(prefix, path));
  if (denied !== undefined) {
    const why = isWithin(path, denied) ? '' : `: ${denied} is in it`;
    return fail(`must not mount ${found}${why}`);
  }
  if (allow === undefined || allow.some((prefix) => isWithin(path, prefix))) return [];
  return fail(`must not mount ${found}; ${allowedText('paths', allow)}`);
}

function devices({ devices: allow }: Policy, { spec }: Service): Violation[] {
  if (allow === undefined) return [];
  const paths = ((spec['devices'] ?? []) as readonly string[]).map((device) => device.split(':')[0] ?? device);
  const found = paths.filter(
    (path) => !path.startsWith('/') || !allow.some((prefix) => isWithin(cleanHostPath(path), prefix)),
  );
  const rules = (spec['device_cgroup_rules'] ?? []) as readonly string[];
  return [
    ...listed('devices', 'devices', found, (list) => `must not have ${list}; ${allowedText('devices', allow)}`),
    // They name devices by numbers, which say nothing of paths.
    ...listed('devices', 'device_cgroup_rules', rules, (list) => `must not have ${list}; name devices under devices`),
  ];
}

function gpus(policy: Policy, { spec }: Service): Violation[] {
  const requests = (spec['gpus'] ?? []) as readonly string[];
  if (policy.gpus !== false) return [];
  return listed('gpus', 'gpus', requests, (list) => `must not have graphics processors; got ${list}`);
}

/** What takes away what docker keeps every container in. */
const unconfining: ReadonlySet<string> = new Set([
  'seccomp=unconfined',
  'apparmor=unconfined',
  'systempaths=unconfined',
  'label=disable',
]);

function unconfined(policy: Policy, { spec }: Service): Violation[] {
  if (policy.unconfined !== false) return [];
  const found = ((spec['security_opt'] ?? []) as readonly string[]).filter((option) => unconfining.has(option));
  return listed(
    'unconfined',
    'security_opt',
    found,
    (list) => `must not have ${list}; give the container a profile of its own, or what it needs with cap_add`,
  );
}

function images({ images: allow }: Policy, { image }: Service): Violation[] {
  const name = `${image.registry}/${image.repository}`;
  if (allow === undefined || allow.some((prefix) => isWithin(name, prefix))) return [];
  const message = `must not come from ${name}; ${allowedText('images are those from', allow, '')}`;
  return [{ rule: 'images', key: 'image', found: name, message }];
}

function tagsWithoutDigest(policy: Policy, { image }: Service): Violation[] {
  if (policy.tags_without_digest !== false || image.digest !== undefined) return [];
  const found = formatImageRef(image);
  const message = `must have a digest; got ${found}. Write NAME:TAG@sha256:…, or take it from a locked composition`;
  return [{ rule: 'tags_without_digest', key: 'image', found, message }];
}

function root(policy: Policy, { spec }: Service): Violation[] {
  const { user } = spec;
  if (policy.root !== false || (user === undefined && policy.allow_image_user === true)) return [];
  const fail = (message: string): Violation[] => [{ rule: 'root', key: 'user', found: '', message }];
  if (user === undefined) return fail('must be set: without it the container runs as whom its image says, often root');
  const name = typeof user === 'string' ? (user.split(':')[0] ?? '') : '';
  // Docker reads the name as a number where it can, and a group alone leaves the user to root.
  return /^(?:root|[+-]?0*)$/.test(name) ? fail(`must not be root; got ${JSON.stringify(user)}`) : [];
}

function capabilities({ capabilities: allow }: Policy, { spec }: Service): Violation[] {
  if (allow === undefined || allow.includes('ALL')) return [];
  const found = ((spec['cap_add'] ?? []) as readonly string[]).filter((name) => !allow.includes(name));
  return listed('capabilities', 'cap_add', found, (list) => `must not add ${list}; ${allowedText('ones', allow)}`);
}

function portsOnAllInterfaces(policy: Policy, { spec }: Service): Violation[] {
  if (policy.ports_on_all_interfaces !== false) return [];
  // `0.0.0.0` and `[::]` are each every address of their kind.
  const found = ((spec['ports'] ?? []) as readonly string[]).filter(
    (port) => !/^(?:(?!0+(?:\.0+){3}:)\d+(?:\.\d+){3}|\[(?![0:]*\])[^\]]+\]):/.test(port),
  );
  const wording = (list: string): string => `must each name an address of the host, as 127.0.0.1:8080:80; got ${list}`;
  return listed('ports_on_all_interfaces', 'ports', found, wording);
}

/** One violation for all that was found; none where nothing was. */
function listed(
  rule: keyof Policy,
  key: string,
  found: readonly string[],
  wording: (list: string) => string,
): Violation[] {
  const list = found.join(', ');
  return found.length === 0 ? [] : [{ rule, key, found: list, message: wording(list) }];
}

/** Whether a path is another one, or below it; `/srv` is not above `/srv2`. */
function isWithin(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}

function allowedText(what: string, allowed: readonly string[], verb = ' are'): string {
  return allowed.length === 0 ? `none is allowed` : `allowed ${what}${verb} ${allowed.join(', ')}`;
}
