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

/** Components as they are written into a file. */
export function writtenImages(components: ReadonlyMap<string, ImageRef>): ReadonlyMap<string, string> {
  return new Map([...components].map(([component, image]) => [component, formatImageRef(image)]));
}

function notImage(component: string, written: string): string {
  return `${component}=${written}: must be an image, as registry.example.com/shop/app:1.4`;
}
