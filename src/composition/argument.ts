import { didYouMean } from '../model/closest.ts';
import { formatImageRef, imageName, parseImageRef } from '../model/image.ts';
import type { ImageRef } from '../model/image.ts';

/** What `new` was told of one component. */
export type Argument = { readonly component: string; readonly image: ImageRef } | { readonly problem: string };

/** `app=IMAGE`; `app=:1.5` or `app=@sha256:…` keeps the image's name and changes the rest. */
export function parseArgument(argument: string, known: ReadonlyMap<string, ImageRef>): Argument {
  const at = argument.indexOf('=');
  const [component, written] = [argument.slice(0, at).trim(), argument.slice(at + 1).trim()];
  if (at < 1 || component === '') return { problem: `${argument}: must be COMPONENT=IMAGE, as app=shop/app:1.4` };
  if (!/^[:@]/.test(written)) {
    const image = parseImageRef(written);
    return image === undefined ? { problem: notImage(component, written) } : { component, image };
  }
  const before = known.get(component);
  if (before === undefined)
    return { problem: `${component}=${written}: there is no ${component} to take the image's name from; write it out` };
  const image = parseImageRef(`${imageName(before)}${written}`);
  return image === undefined ? { problem: notImage(component, written) } : { component, image };
}

/** The components of a source with what was said of them: images in their place or beside them, and those left out. */
export function changeComponents(
  before: ReadonlyMap<string, ImageRef>,
  { images, without }: { readonly images: readonly string[]; readonly without: readonly string[] },
): { readonly components: ReadonlyMap<string, ImageRef>; readonly problems: readonly string[] } {
  const components = new Map(before);
  const given = new Map<string, string>();
  const problems: string[] = [];
  for (const argument of images) {
    const parsed = parseArgument(argument, before);
    if ('problem' in parsed) {
      problems.push(parsed.problem);
      continue;
    }
    const { component, image } = parsed;
    const other = given.get(component);
    if (other !== undefined) problems.push(`${component} is given twice, as ${other} and as ${argument}; keep one`);
    given.set(component, argument);
    components.set(component, image);
  }
  for (const name of new Set(without)) {
    const argument = given.get(name);
    if (argument !== undefined) problems.push(`${name} is given, as ${argument}, and left out, by --without; keep one`);
    else if (!components.delete(name))
      problems.push(`--without ${name}: there is no such component${didYouMean(name, before.keys())}`);
  }
  return { components, problems };
}

/** Components as they are written into a file. */
export function writtenImages(components: ReadonlyMap<string, ImageRef>): ReadonlyMap<string, string> {
  return new Map([...components].map(([component, image]) => [component, formatImageRef(image)]));
}

function notImage(component: string, written: string): string {
  return `${component}=${written}: must be an image, as registry.example.com/shop/app:1.4`;
}
