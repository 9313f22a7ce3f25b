import { parseDuration } from '../model/duration.ts';
import { Secret } from '../model/secret.ts';
import type { Canonical, Service } from '../model/service.ts';
import { didYouMean } from '../model/closest.ts';
import { characterProblems } from './characters.ts';
import type { ServiceContext } from './context.ts';
import type { ValueProblem } from '../schema/explain.ts';
import { show } from '../schema/show.ts';
import type { Draft, KeyScope } from './key.ts';
import { containerName, takenEnding, takenEndingText } from './keys/image.ts';
import { portsOfReplica } from './keys/ports.ts';
import { refusedKeys } from './refused.ts';
import { sharedName, sharingKeys } from './shared.ts';
import { serviceKey, serviceKeys } from './table.ts';

interface Parsed {
  readonly services: Service[];
  readonly problems: ValueProblem[];
  /** The service is left out: none of these is switched on. */
  readonly profiles?: readonly string[];
}

/**
 * One service of a play, rendered, to the containers it means: one, or as many as `scale` says. All that is wrong with
 * it is reported at once; there are then no services.
 */
export function parseService(name: string, value: unknown, context: ServiceContext): Parsed {
  const problems: ValueProblem[] = [];
  const report: Report = (path, message, of) =>
    void problems.push({ path, message, ...(of === undefined ? {} : { of }) });
  const { visible, hidden } = hideSecrets(value ?? {});
  if (typeof visible !== 'object' || visible === null || Array.isArray(visible)) {
    report([], `must be a mapping of service keys; got ${show(visible)}`);
    return { services: [], problems };
  }
  checkName(name, report);
  const unfit = characterProblems(Object.entries(value ?? {}));
  problems.push(...unfit);
  const unfitKeys = new Set(unfit.map(({ path: [key] }) => key));
  const written = new Map(Object.entries(visible).filter(([key]) => !unfitKeys.has(key)));
  reportUnknownKeys(written.keys(), report);
  const secrets = new Map([...context.secrets, ...hidden]);
  const draft = enterKeys(name, written, { ...context, secrets }, report);
  // Without a value it is not written, as every key.
  if (draft.image === undefined && (written.get('image') ?? null) === null) useComponent(name, draft, context, report);
  dependOnShared(written, draft);
  finish(draft, report);
  if (problems.length > 0) return { services: [], problems };
  const { profiles } = draft;
  const isOn = ['*', ...profiles].some((profile) => context.profiles?.has(profile) === true);
  if (profiles.length > 0 && !isOn) return { services: [], problems, profiles };
  return { services: replicas(name, draft, report), problems };
}

type Report = (path: ValueProblem['path'], message: string, of?: ValueProblem['of']) => void;

/** Secrets in the value become `{ secret: NAME }`, which schemas can check and errors can show. */
function hideSecrets(value: unknown): { visible: unknown; hidden: ReadonlyMap<string, Secret> } {
  const hidden = new Map<string, Secret>();
  const hide = (item: unknown): unknown => {
    if (item instanceof Secret) {
      const name = `${item.name}\0${hidden.size}`;
      hidden.set(name, item);
      return { secret: name };
    }
    if (Array.isArray(item)) return item.map(hide);
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [key, hide(inner)]));
  };
  return { visible: hide(value), hidden };
}

function checkName(name: string, report: Report): void {
  if (!containerName.test(name)) {
    report(
      [],
      `${JSON.stringify(name)} is not a service's name: two or more letters, digits, dots, dashes or underscores`,
    );
  } else if (takenEnding.test(name)) {
    report([], takenEndingText);
  }
}

function reportUnknownKeys(keys: Iterable<string>, report: Report): void {
  for (const key of keys) {
    if (key.startsWith('x-') || serviceKey.has(key)) continue;
    const refusal = refusedKeys.get(key);
    if (refusal !== undefined) report([key], `is not supported: it ${refusal}`, 'key');
    else report([key], `is not a key of a service${didYouMean(key, serviceKey.keys())}`, 'key');
  }
}

function enterKeys(
  service: string,
  written: ReadonlyMap<string, unknown>,
  context: ServiceContext,
  report: Report,
): Draft {
  const draft: Draft = {
    spec: {},
    image: undefined,
    containerName: undefined,
    pullPolicy: 'always',
    dependsOn: [],
    stopGraceMs: 10_000,
    probe: undefined,
    profiles: [],
    scale: 1,
    renewsVolumes: false,
  };
  for (const key of serviceKeys) {
    const value = written.get(key.name);
    if (value === undefined || value === null) continue;
    const scope: KeyScope = {
      service,
      context,
      spec: draft.spec,
      problem: (path, message, of) => report([key.name, ...path], message, of),
      secret: (name, path) => {
        const secret = context.secrets.get(name);
        if (secret === undefined)
          report(
            [key.name, ...path],
            `there is no secret ${JSON.stringify(name)}; name it under secrets of the playbook`,
          );
        return secret;
      },
    };
    key.enter(value, draft, scope);
  }
  return draft;
}

function useComponent(name: string, draft: Draft, context: ServiceContext, report: Report): void {
  draft.image = context.component(name);
  if (draft.image !== undefined) return;
  report(
    ['image'],
    `is missing, and the composition has no component ${JSON.stringify(name)}. Write image, or add the component`,
  );
}

/** A service whose network, memory or processes are shared comes first. */
function dependOnShared(written: ReadonlyMap<string, unknown>, draft: Draft): void {
  for (const key of sharingKeys) {
    const service = sharedName(written.get(key), 'service');
    if (service === undefined || draft.dependsOn.some((dependency) => dependency.service === service)) continue;
    draft.dependsOn.push({ service, condition: 'service_started' });
  }
}

/** What several keys decide together. */
function finish(draft: Draft, report: Report): void {
  const { spec } = draft;
  const mode = spec['network_mode'];
  if (typeof mode === 'string') {
    if (spec['networks'] !== undefined) report(['network_mode'], 'cannot stand beside networks; keep one of the two');
    if (spec['ports'] !== undefined) {
      report(['ports'], `cannot be published with network_mode ${mode}: the container has no network of its own`);
    }
  }
  const grace = spec['stop_grace_period'];
  if (typeof grace === 'string') draft.stopGraceMs = parseDuration(grace) ?? 10_000;
  if (Array.isArray(spec['entrypoint']) && spec['entrypoint'].length === 0 && spec['command'] === undefined)
    report(['entrypoint'], "takes away the image's own command too, and nothing would run; write command as well");
  joinEntrypoint(spec);
}

/** Docker's command line takes one word as entrypoint: the others stand before the command, which runs the same. */
function joinEntrypoint(spec: Record<string, Canonical>): void {
  const [first, ...rest] = (spec['entrypoint'] ?? []) as readonly string[];
  if (first === undefined || rest.length === 0) return;
  spec['entrypoint'] = [first];
  spec['command'] = [...rest, ...((spec['command'] ?? []) as readonly string[])];
}

function replicas(name: string, draft: Draft, report: Report): Service[] {
  const { image, scale, spec } = draft;
  if (image === undefined) return [];
  const service: Service = {
    name,
    containerName: draft.containerName ?? name,
    image,
    pullPolicy: draft.pullPolicy,
    spec,
    dependsOn: draft.dependsOn,
    stopGraceMs: draft.stopGraceMs,
    ...(draft.probe === undefined ? {} : { probe: draft.probe }),
    ...(draft.renewsVolumes ? { renewsVolumes: true } : {}),
  };
  if (scale === 1) return [service];
  if (draft.containerName !== undefined) {
    report(['container_name'], `cannot name ${scale} containers; leave it out, or set scale to 1`);
    return [];
  }
  return Array.from({ length: scale }, (_, replica) => replicaOf(service, replica, scale, report)).flat();
}

function replicaOf(service: Service, replica: number, total: number, report: Report): Service[] {
  const name = `${service.name}-${replica + 1}`;
  const base = { ...service, name, containerName: name, replicaOf: service.name };
  const ports = service.spec['ports'] as readonly string[] | undefined;
  if (ports === undefined) return [base];
  const share = portsOfReplica(ports, replica, total);
  if (share !== undefined) return [{ ...base, spec: { ...service.spec, ports: share } }];
  if (replica === 0) {
    report(
      ['ports'],
      `cannot be shared by ${total} replicas; got ${ports.join(', ')}. Write a range of ${total} ports on the host, as 8080-${8079 + total}:8080`,
    );
  }
  return [];
}
