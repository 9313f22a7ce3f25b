import { exitCodes } from '../events/exit-code.ts';
import pLimit from 'p-limit';
import { DockerError } from '../docker/errors.ts';
import { pushImage, type PushedBytes } from '../docker/push.ts';
import type { PushSource } from '../docker/push-source.ts';
import { RegistryError } from '../docker/registry-error.ts';
import type { ImageRef } from '../model/image.ts';
import { RemoteError } from '../ssh/remote.ts';
import { RunRefused, type RunContext } from './context.ts';
import { withHint } from './op-error.ts';
import type { ImageResolver } from './images.ts';
import type { Node, Tier } from './node.ts';
import { groupAlike, someOf } from '../model/alike.ts';

/** Every image that is missing, pulled or sent, on every host at once, before anything is drained. @throws Interrupted, RunRefused */
export async function pullAll(tiers: readonly Tier[], images: ImageResolver, context: RunContext): Promise<void> {
  const limit = pLimit(context.forks);
  const { soon } = context.interrupt;
  const nodes = tiers.flatMap(({ nodes }) => nodes).filter(({ plan }) => plan.pulls.length > 0);
  const failed: { readonly host: string; readonly text: string }[] = [];
  const pending = new Set(nodes.map(({ name }) => name));
  const message = (): string => `${someOf(pending)} to get ${pending.size === 1 ? 'its' : 'their'} images`;
  using _wait = context.heartbeat.wait(undefined, { message, limitMs: 0 });
  await Promise.all(
    nodes.map((node) =>
      limit(async () => {
        try {
          const { pulls } = node.plan;
          for (const image of pulls) {
            soon.throwIfAborted();
            await bringImage(node, image, images, { ...context, signal: soon });
          }
          await node.learn(pulls);
        } catch (error) {
          // Whatever else has failed: what ends the run is the wish to stop.
          soon.throwIfAborted();
          if (!(error instanceof DockerError || error instanceof RemoteError || error instanceof RegistryError))
            throw error;
          failed.push({ host: node.name, text: withHint(error) });
        }
        pending.delete(node.name);
      }),
    ),
  );
  if (failed.length > 0)
    throw new RunRefused(
      exitCodes.unreachable,
      `images could not be pulled on ${failed.length} ${failed.length === 1 ? 'host' : 'hosts'}; nothing was touched`,
      groupAlike(failed),
    );
}

interface Bounds {
  /** Ends it. Undefined where a node is under way: what has begun is finished. */
  readonly signal?: AbortSignal | undefined;
}

/** Pulls an image on a host, or sends it there. @throws DockerError, RemoteError, RegistryError */
export async function bringImage(
  node: Node,
  image: ImageRef,
  images: ImageResolver,
  { clock, emit, signal }: Pick<RunContext, 'clock' | 'emit'> & Bounds,
): Promise<void> {
  const startedMs = clock.now();
  if (image.imageId !== undefined && images.pushes !== undefined) {
    const sent = await push(node, image, images.pushes, { transfers: images.transfers, signal });
    const durationMs = clock.now() - startedMs;
    emit({ type: 'image_pushed', host: node.name, image: image.written, ...sent, durationMs });
    return;
  }
  await images.pull(image, node.session, { platform: platformOf(node, image), signal });
  const durationMs = clock.now() - startedMs;
  emit({ type: 'image_pulled', host: node.name, image: image.written, durationMs });
}

async function push(
  { name, session }: Node,
  image: ImageRef,
  pushes: PushSource,
  { transfers, signal }: Pick<ImageResolver, 'transfers'> & Bounds,
): Promise<PushedBytes> {
  const sendable = await pushes.sendable(image);
  let sent: PushedBytes | undefined;
  using _watch = transfers?.watch({
    host: name,
    image: image.written,
    by: 'push',
    isSmooth: () => true,
    read: () => sent && { doneBytes: sent.sentBytes, totalBytes: sent.totalBytes },
  });
  return await pushImage(session.docker, name, image, sendable, { onSent: (so) => (sent = so), signal });
}

/** What `docker pull` is asked for where an image has several platforms. */
function platformOf({ services }: Node, image: ImageRef): string | undefined {
  const platform = services.find((service) => service.image === image)?.spec['platform'];
  return typeof platform === 'string' ? platform : undefined;
}
