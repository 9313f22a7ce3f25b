import { containerDocument } from '../docker/document.ts';
import { imageDocument } from '../docker/image-document.ts';
import { networkDocument } from '../docker/networks.ts';
import { NotFoundError } from '../docker/errors.ts';
import type { Json, JsonObject } from '../docker/spec.ts';
import { volumeDocument } from '../docker/volumes.ts';
import { timestamp } from '../timing.ts';
import type { DockerCommand, DockerContext } from './context.ts';
import { parseFlags } from './flags.ts';
import { renderTemplate } from './template.ts';
import { requireArguments } from './references.ts';

type Kind = 'container' | 'image' | 'network' | 'volume';

/** The documents of those that exist, then a line for each that does not. */
function inspect(command: string, kinds: readonly Kind[]): DockerCommand {
  return (context, argv) => {
    const flags = parseFlags(command, argv, { booleans: ['size:s'], values: ['format:f', 'type'] });
    requireArguments(command, flags.args);
    const found: JsonObject[] = [];
    const missing: string[] = [];
    for (const reference of flags.args) {
      const document = kinds.map((kind) => documentOf(context, kind, reference)).find((one) => one !== undefined);
      if (document === undefined) missing.push(reference);
      else found.push(document);
    }
    const template = flags.get('format');
    if (template === undefined) context.stdout(`${JSON.stringify(found, null, 4)}\n`);
    else for (const document of found) printTemplate(context, template, document);
    const [kind] = kinds;
    for (const reference of missing) {
      context.stderr(
        `Error: ${kinds.length > 1 || kind === undefined ? `No such object: ${reference}` : new NotFoundError(kind, reference).message}\n`,
      );
    }
    return Promise.resolve(missing.length === 0 ? 0 : 1);
  };
}

function printTemplate(context: DockerContext, template: string, document: JsonObject): void {
  try {
    context.stdout(`${renderTemplate(template, document)}\n`);
  } catch (error) {
    // The client has begun its line when the template fails.
    context.stdout('\n');
    throw error;
  }
}

function documentOf({ engine }: DockerContext, kind: Kind, reference: string): JsonObject | undefined {
  switch (kind) {
    case 'container': {
      const container = engine.findContainer(reference);
      return container && containerDocument(container, engine.networks);
    }
    case 'image': {
      const image = engine.images.find(reference);
      return image && imageDocument(image);
    }
    case 'network': {
      const network = engine.networks.find(reference);
      return network && networkDocument(network, timestamp(network.createdAtMs), membersOf(engine, network.name));
    }
    case 'volume': {
      const volume = engine.volumes.find(reference);
      return volume && volumeDocument(volume, new Date(volume.createdAtMs).toISOString().replace(/\.\d+/, ''));
    }
  }
}

function membersOf(engine: DockerContext['engine'], network: string): JsonObject {
  const members: [string, Json][] = [];
  for (const container of engine.containers) {
    const endpoint = container.networks.get(network);
    if (endpoint === undefined || container.status !== 'running') continue;
    members.push([container.id, { Name: container.name, EndpointID: endpoint.endpointId }]);
  }
  return Object.fromEntries(members);
}

export const inspectCommands = {
  inspect: inspect('inspect', ['container', 'image', 'network', 'volume']),
  'container inspect': inspect('container inspect', ['container']),
  'image inspect': inspect('image inspect', ['image']),
  'network inspect': inspect('network inspect', ['network']),
  'volume inspect': inspect('volume inspect', ['volume']),
};
