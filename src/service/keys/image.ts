import * as z from 'zod';
import { parseImageRef } from '../../model/image.ts';
import { containerKey, draftKey, type ServiceKey } from '../key.ts';
import { numberBetween, text } from '../values.ts';

/** Docker's own rule. */
export const containerName = /^[A-Za-z0-9][\w.-]+$/;
export const takenEnding = /\.(?:next|previous)$/;
export const takenEndingText = 'must not end in .next or .previous: rollout names containers so while it replaces them';

/** What is run, under which name, how often. */
export const imageKeys: readonly ServiceKey[] = [
  draftKey<string>({
    name: 'image',
    doc: "The image, `[registry/]repository[:tag][@digest]`. Left out: the composition's component of the service's name.",
    schema: () => text,
    apply: (written, draft, scope) => {
      draft.image = parseImageRef(written);
      if (draft.image === undefined) {
        scope.problem(
          [],
          `is not an image's name; got ${JSON.stringify(written)}. The form is [registry/]repository[:tag][@sha256:…], in lower case`,
        );
      }
    },
  }),
  draftKey<string>({
    name: 'container_name',
    doc: "The container's name; the service's name by default.",
    schema: () => text,
    apply: (name, draft, scope) => {
      if (!containerName.test(name))
        scope.problem(
          [],
          `is not a container's name; got ${JSON.stringify(name)}. Names begin with a letter or a digit, and have two or more letters, digits, dots, dashes or underscores`,
        );
      else if (takenEnding.test(name)) scope.problem([], takenEndingText);
      draft.containerName = name;
    },
  }),
  draftKey<string>({
    name: 'pull_policy',
    doc: 'Which image a tag means. `always` (the default): what the registry says, asked once in a run; hosts pull what they lack. `missing` (or `if_not_present`): what the host has, and the registry only where it has none. `daily`: as `missing` for a day after the container was created. `never`: what the host has, or an error.',
    schema: () =>
      z.enum(['always', 'missing', 'if_not_present', 'never', 'daily'], {
        error: 'must be always, missing, never or daily',
      }),
    apply: (policy, draft) => {
      draft.pullPolicy = policy === 'if_not_present' ? 'missing' : (policy as typeof draft.pullPolicy);
    },
  }),
  containerKey<string, string>({
    name: 'platform',
    doc: 'The platform to run, such as linux/arm64, where an image has several.',
    schema: () =>
      z
        .string({ error: 'must be OS/ARCHITECTURE' })
        .regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/v\d+)?$/, 'must be OS/ARCHITECTURE, as linux/arm64'),
    blank: 'default',
    canonical: (platform) => platform,
    create: (platform, sink) => sink.option('platform', platform),
    // A container does not say which platform was asked for; its image says which one it is.
    read: (_, desired, image) => {
      const platform = `${image.text('Os')}/${image.text('Architecture')}`;
      return desired === undefined || desired === platform || desired.startsWith(`${platform}/`) ? desired : platform;
    },
  }),
  draftKey<number>({
    name: 'scale',
    doc: 'How many containers run, NAME-1 to NAME-N, updated one after the other. Published ports need a range on the host.',
    schema: () => numberBetween(0, 1000),
    apply: (count, draft) => {
      draft.scale = count;
    },
  }),
];
