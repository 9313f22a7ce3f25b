import type { Wanted } from './commands.ts';
import type { Survey } from './observed.ts';

/** What a survey does not tell of what is wanted, to be asked for; `names` where its containers are not enough. */
export function missingFrom({ names, isWhole, observed }: Survey, wanted: Wanted): Wanted | undefined {
  const { containers, images } = observed;
  const { networks = [], volumes = [] } = wanted;
  if (!isWhole) return wanted;
  // Somebody else's, so far; or one whose image has the name of a container, which docker takes for that one.
  const isStranger = (name: string): boolean => names.has(name) && !containers.has(name);
  if (wanted.names?.some(isStranger) === true) return wanted;
  if ([...containers.values()].some(({ imageId }) => !images.has(imageId))) return wanted;
  const unknown = wanted.images.filter((image) => !images.has(image));
  if (unknown.length + networks.length + volumes.length === 0) return undefined;
  return { names: undefined, images: unknown, networks, volumes };
}
