import * as z from 'zod';
import { parseImageRef } from '../model/image.ts';
import { text } from '../schema/values.ts';

const image = z
  .string({ error: 'must be an image, as registry.example.com/shop/app:1.4' })
  .transform((written, context) => {
    const ref = parseImageRef(written);
    if (ref !== undefined) return ref;
    context.addIssue({ code: 'custom', message: 'must be an image, as registry.example.com/shop/app:1.4' });
    return z.NEVER;
  });

/** A composition: the image of every component of a release. */
export const compositionSchema = z.strictObject(
  {
    name: text.describe('The name of the release.'),
    from: text.optional().describe('The composition that this one was promoted from.'),
    created: text.optional().describe('When it was written.'),
    source: z
      .union([z.string(), z.number()], { error: 'must be text' })
      .transform(String)
      .optional()
      .describe('The git tag or commit that it was built from.'),
    components: z
      .record(z.string(), image, { error: 'must be a mapping of components to images' })
      .describe('Image references, with a digest once it is locked.'),
  },
  { error: 'must be a mapping with name and components' },
);
