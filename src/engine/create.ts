import { DockerError } from '../docker/errors.ts';
import { RegistryError } from '../docker/registry-error.ts';
import { formatImageRef, pinnedImage, type ImageRef } from '../model/image.ts';
import type { Service } from '../model/service.ts';
import type { Op } from '../plan/plan.ts';
import { withCarried } from '../plan/volumes.ts';
import { sharedName, withModes } from '../service/shared.ts';
import { isAbsence } from './absence.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';
import { bringImage } from './pull.ts';

type Create = Extract<Op, { kind: 'create' }>;

/** Creates the container of a service, or takes the one that waits for its turn, with the labels that say what it was made from. */
export async function createContainer(op: Create, node: Node, context: RunContext): Promise<void> {
  const service = withCarried(asNamedNow(op), op.carried);
  const labels = node.labelsFor(op, context);
  if ((await node.waiting?.take(op, labels)) === true) return;
  await createWithImage(service, op.container, labels, node, context);
}

/**
 * Creates a container. Its image came in preflight, and nothing has used it since: a `docker image prune` of a timer or
 * of a person takes it away again, and then it is brought once more. Resolves to the container's id.
 * @throws DockerError, RemoteError
 */
export async function createWithImage(
  service: Service,
  container: string,
  labels: Readonly<Record<string, string>>,
  node: Node,
  context: Pick<RunContext, 'clock' | 'emit'>,
): Promise<string> {
  const { docker } = node.session;
  try {
    return await docker.create(service, container, labels);
  } catch (error) {
    if (!(await isForWantOfImage(error, service, node))) throw error;
    await bringAgain(service.image, node, context);
    return await docker.create(service, container, labels);
  }
}

/** Docker's words for it differ between versions and stores: whether the image is there tells. */
async function isForWantOfImage(error: unknown, { image, pullPolicy }: Service, { session }: Node): Promise<boolean> {
  if (!(error instanceof DockerError) || isAbsence(error) || pullPolicy === 'never') return false;
  const name = pinnedImage(image);
  const { images } = await session.observe({ names: undefined, images: [name] });
  return !images.has(name);
}

async function bringAgain(image: ImageRef, node: Node, context: Pick<RunContext, 'clock' | 'emit'>): Promise<void> {
  const gone = `${formatImageRef(image)} is no longer on the host, though it had been brought`;
  const message = `${gone}; it is brought again. Does something prune images there?`;
  context.emit({ type: 'warning', host: node.name, message });
  try {
    await bringImage(node, image, node.tier.images, context);
  } catch (error) {
    if (isAbsence(error) || !(error instanceof DockerError || error instanceof RegistryError)) throw error;
    const [argv, exitCode, kind] =
      error instanceof DockerError ? ([error.argv, error.exitCode, error.kind] as const) : ([[], 1, 'other'] as const);
    throw new DockerError(node.name, argv, exitCode, `${gone}, and it cannot be brought again: ${error.message}`, kind);
  }
}

/** What it is to share with may still have another name: docker turns either into the same id. */
function asNamedNow({ service, namesUntilThen = {} }: Create): Service {
  return withModes(service, (mode) => {
    const container = sharedName(mode, 'container');
    const now = container === undefined ? undefined : namesUntilThen[container];
    return now === undefined ? mode : `container:${now}`;
  });
}
