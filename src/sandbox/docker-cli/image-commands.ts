import { parseImageRef } from '../../model/image.ts';
import type { DockerCommand, DockerContext } from './context.ts';
import { parseFlags, UsageError } from './flags.ts';
import { byClient, forEachReference, requireArguments } from './references.ts';

const pull: DockerCommand = async (context, argv) => {
  const flags = parseFlags('pull', argv, { booleans: ['quiet:q'], values: ['platform'] });
  requireArguments('pull', flags.args);
  const [image = ''] = flags.args;
  await pullImage(context, image, (line) => {
    if (!flags.isSet('quiet')) context.stdout(`${line}\n`);
  });
  context.stdout(`${canonical(image)}\n`);
  return 0;
};

const canonical = (image: string): string => {
  const ref = parseImageRef(image);
  return ref?.registry === 'docker.io' ? `docker.io/${ref.repository}:${ref.tag ?? ''}` : image;
};

/** Pulls, and says what docker says meanwhile. @throws DaemonError, UsageError */
export async function pullImage(context: DockerContext, image: string, say: (line: string) => void): Promise<void> {
  const ref = parseImageRef(image);
  if (ref === undefined) {
    const reason = /[A-Z]/.test(image.split(':')[0] ?? '') ? ': repository name must be lowercase' : '';
    throw new UsageError(`invalid reference format${reason}`, 1);
  }
  const { stored, isNew } = await context.engine.pull(image, (registry) => context.logins.get(registry));
  say(`${ref.digest === undefined ? (ref.tag ?? 'latest') : image}: Pulling from ${ref.repository}`);
  say(`Digest: ${stored.image.manifestDigest}`);
  say(`Status: ${isNew ? 'Downloaded newer image' : 'Image is up to date'} for ${image}`);
}

const rmi: DockerCommand = async (context, argv) => {
  const flags = parseFlags('rmi', argv, { booleans: ['force:f', 'no-prune'] });
  requireArguments('rmi', flags.args);
  const failed = await forEachReference(
    context,
    flags.args,
    (reference) => context.engine.removeImage(reference, flags.isSet('force')).join('\n'),
    byClient,
  );
  return failed.length === 0 ? 0 : 1;
};

const tag: DockerCommand = (context, argv) => {
  const { args } = parseFlags('tag', argv, {});
  const [from = '', to = ''] = args;
  const stored = context.engine.images.find(from);
  if (stored === undefined) throw new UsageError(`Error response from daemon: No such image: ${from}`, 1);
  stored.repoTags.add(to.includes(':') ? to : `${to}:latest`);
  return Promise.resolve(0);
};

export const imageCommands = { pull, rmi, tag };
