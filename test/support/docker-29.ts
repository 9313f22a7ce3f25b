import { isDocument, parseDocuments, type Document } from '../../src/docker/present.ts';
import { formatPart, parseParts } from '../../src/shell/parts.ts';

/**
 * What docker 28.5 has answered, as docker 29 answers it: without the fields that its API 1.52 leaves out. After the
 * version history of the Engine API; no docker 29 was asked.
 */
export function asDocker29(recording: string): string {
  const parts = parseParts(recording);
  if (parts === undefined) throw new Error('a recording is whole');
  return [...parts.values()]
    .map((part) => (part.stdout.startsWith('[') ? { ...part, stdout: withoutOld(part.stdout) } : part))
    .map(formatPart)
    .join('');
}

/** Of a network's settings in each container; those of every network stay. */
const networkFields =
  'Bridge HairpinMode LinkLocalIPv6Address LinkLocalIPv6PrefixLen SecondaryIPAddresses SecondaryIPv6Addresses EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen IPAddress IPPrefixLen IPv6Gateway MacAddress'.split(
    ' ',
  );
const emptyOfImages = ['Parent', 'Comment', 'DockerVersion', 'Author'];
const emptyOfImageConfig = 'Cmd Entrypoint Env Labels OnBuild User Volumes WorkingDir'.split(' ');

function withoutOld(inspected: string): string {
  const documents = parseDocuments(inspected).map((document) =>
    'HostConfig' in document ? containerOf29(document) : imageOf29(document),
  );
  return `${JSON.stringify(documents, null, 4)}\n`;
}

function containerOf29(document: Document): Document {
  const settings = without(document['NetworkSettings'], networkFields);
  const config = without(document['Config'], ['MacAddress', ...ifEmpty(document['Config'], ['OnBuild'])]);
  const host = without(document['HostConfig'], ['KernelMemoryTCP']);
  return { ...document, NetworkSettings: settings, Config: config, HostConfig: host };
}

function imageOf29(document: Document): Document {
  const { Config: config } = document;
  return {
    ...without(document, ifEmpty(document, emptyOfImages)),
    Config: without(config, ifEmpty(config, emptyOfImageConfig)),
  };
}

function without(value: unknown, keys: readonly string[]): Document {
  if (!isDocument(value)) throw new Error('a recorded document has this part');
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

function ifEmpty(value: unknown, keys: readonly string[]): readonly string[] {
  if (!isDocument(value)) return [];
  const isEmpty = (field: unknown): boolean =>
    field == null || field === '' || (typeof field === 'object' && Object.keys(field).length === 0);
  return keys.filter((key) => isEmpty(value[key]));
}
