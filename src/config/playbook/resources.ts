import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import type { NetworkSpec, VolumeSpec } from '../../model/service.ts';
import { parseNetwork, parseVolume } from '../../service/resources.ts';
import { partAt, problemIn, type Part } from '../document.ts';
import { parsePart } from '../shape.ts';
import type { DesiredContext, HostParts } from './host-parts.ts';
import { noSuchSecret } from './no-such-secret.ts';
import { volumeProblems, type PlacedPolicy } from './policies.ts';
import { configSchema } from './schema.ts';
import { entriesOf } from './sections.ts';
import type { ServicePart } from './services.ts';
import type { PlacedResource } from './unique.ts';

/** What services refer to beside images: networks, volumes and configs. */
export interface Resources {
  readonly networks: readonly NetworkSpec[];
  readonly volumes: readonly VolumeSpec[];
  readonly networkSpecs: ReadonlyMap<string, NetworkSpec>;
  readonly networkNames: ReadonlyMap<string, string>;
  readonly volumeSpecs: ReadonlyMap<string, VolumeSpec>;
  readonly volumeNames: ReadonlyMap<string, string>;
  readonly configs: ReadonlyMap<string, string | Secret>;
  readonly problems: readonly Problem[];
}

type ConfigContext = Pick<DesiredContext, 'readFile' | 'secrets'>;

/** The resources as one host has them. Where something is wrong it is noted, and the rest is built all the same. */
export function buildResources(
  rendered: Part,
  parts: Pick<HostParts, 'networks' | 'volumes' | 'configs'>,
  context: ConfigContext,
): Resources {
  const problems: Problem[] = [];
  const networks = parseEach(partAt(rendered, 'networks'), parts.networks, parseNetwork, problems);
  const volumes = parseEach(partAt(rendered, 'volumes'), parts.volumes, parseVolume, problems);
  const configs = new Map<string, string | Secret>();
  for (const [name, written] of parts.configs) {
    const { value } = partAt(rendered, 'configs', name);
    const content = configContent({ ...written, part: { ...written.part, value } }, context, problems);
    if (content !== undefined) configs.set(name, content);
  }
  return {
    networks: [...networks.values()],
    volumes: [...volumes.values()],
    networkSpecs: networks,
    networkNames: new Map([...networks].map(([key, { name }]) => [key, name])),
    volumeSpecs: volumes,
    volumeNames: new Map([...volumes].map(([key, { name }]) => [key, name])),
    configs,
    problems,
  };
}

function configContent(
  { part, folder, variable }: ServicePart,
  { readFile, secrets }: ConfigContext,
  problems: Problem[],
): string | Secret | undefined {
  const content = partAt(part, 'content').value;
  if (content instanceof Secret) return content;
  const settings = parsePart(configSchema, part, { add: (problem) => problems.push(problem) });
  if (settings === undefined) return undefined;
  if ('file' in settings) {
    const text = readFile(folder, settings.file);
    if (text === undefined) problems.push(problemIn(part, ['file'], `${settings.file} cannot be read`));
    return text;
  }
  if ('environment' in settings) {
    const text = variable(settings.environment);
    if (text === undefined)
      problems.push(problemIn(part, ['environment'], `the variable ${settings.environment} is not set`));
    return text;
  }
  if (typeof settings.content === 'string') return settings.content;
  const secret = secrets.get(settings.content.secret);
  if (secret === undefined) problems.push(problemIn(part, ['content'], noSuchSecret(settings.content.secret, secrets)));
  return secret;
}

/** The resources, and where they are written. */
export function placedResources(
  resources: Resources | undefined,
  { networks, volumes }: Pick<HostParts, 'networks' | 'volumes'>,
): readonly PlacedResource[] {
  return [
    ...[...(resources?.networkSpecs ?? [])].map(([key, spec]): PlacedResource => ({
      kind: 'network',
      spec,
      part: partAt(networks, key),
    })),
    ...[...(resources?.volumeSpecs ?? [])].map(([key, spec]): PlacedResource => ({
      kind: 'volume',
      spec,
      part: partAt(volumes, key),
    })),
  ];
}

/** What the policies say against the volumes. */
export function forbiddenVolumes(
  resources: Resources | undefined,
  volumes: Part,
  policies: readonly PlacedPolicy[],
): readonly Problem[] {
  return [...(resources?.volumeSpecs ?? [])].flatMap(([key, spec]) =>
    volumeProblems(policies, partAt(volumes, key), spec),
  );
}

type ParseResource = (
  key: string,
  value: unknown,
) => { spec?: NetworkSpec; problems: { path: readonly (string | number)[]; message: string }[] };

function parseEach(rendered: Part, written: Part, parse: ParseResource, problems: Problem[]): Map<string, NetworkSpec> {
  const specs = new Map<string, NetworkSpec>();
  for (const [key, { value }] of entriesOf(rendered)) {
    const result = parse(key, value);
    if (result.spec !== undefined) specs.set(key, result.spec);
    for (const { path, message } of result.problems) problems.push(problemIn(written, [key, ...path], message));
  }
  return specs;
}
