import { createHash } from 'node:crypto';
import * as z from 'zod';
import { Secret } from '../../model/secret.ts';
import { flag, must, text } from '../../schema/values.ts';
import { accessParams } from '../access.ts';
import { carryOut } from '../apply.ts';
import { done, taskModule, type Verdict } from '../module.ts';
import { content, folderOf, nameOf, path, planFile, writeParams } from './files.ts';
import { newFolder, type Found, type Query } from '../query.ts';

export const copyParams = {
  dest: path.describe('The file on the host; a folder where src keeps its name in it.'),
  ...accessParams,
  ...writeParams,
  force: flag.default(true).describe('false: a file that is there stays as it is.'),
};

export interface Destination {
  readonly dest: string;
  readonly force: boolean;
}

/** What is at a destination, which may be a folder for a file of this name. */
export function observeDestination({ dest }: Destination, name: string | undefined): readonly Query[] {
  const own = dest.replace(/(?<=.)\/+$/, '');
  const inside = name === undefined ? [] : [`${own === '/' ? '' : own}/${name}`];
  return [own, ...inside].flatMap((each): Query[] => [
    { kind: 'path', path: each, wants: 'content' },
    { kind: 'path', path: each, follow: true },
    { kind: 'path', path: folderOf(each), follow: true },
  ]);
}

/** A file with this content at its destination, or in it. */
export function planDestination(
  params: Destination &
    Omit<Parameters<typeof planFile>[0], 'path' | 'parent' | 'there' | 'content' | 'isSecret' | 'checksum'>,
  written: Uint8Array | string | Secret,
  name: string | undefined,
  found: Found,
): Verdict {
  const own = params.dest.replace(/(?<=.)\/+$/, '');
  const at = found.path({ path: own, follow: true });
  const isFolder = name !== undefined && (params.dest.endsWith('/') || at?.type === 'directory');
  const dest = isFolder ? `${own === '/' ? '' : own}/${name}` : own;
  const there = found.path({ path: dest, wants: 'content' });
  if (there !== undefined && !params.force) return done({ changed: false, dest });
  const bytes = bytesOf(written);
  const isMissingFolder = isFolder && params.dest.endsWith('/') && at === undefined;
  const verdict = planFile({
    ...params,
    path: dest,
    there,
    parent: isMissingFolder ? newFolder : found.path({ path: folderOf(dest), follow: true }),
    content: bytes,
    isSecret: written instanceof Secret,
    checksum: createHash('sha1').update(bytes).digest('hex'),
  });
  if (!isMissingFolder || verdict.kind !== 'change') return verdict;
  return {
    ...verdict,
    apply: async (host) => {
      await carryOut(host, [['mkdir', '-p', '--', own]]);
      return verdict.apply(host);
    },
  };
}

function bytesOf(written: Uint8Array | string | Secret): Buffer {
  if (written instanceof Secret) return Buffer.from(written.reveal());
  return typeof written === 'string' ? Buffer.from(written) : Buffer.from(written);
}

export const copyModule = taskModule({
  name: 'copy',
  doc: 'A file on the host, from a file of the controller or from a text. Written beside its place and renamed, so that it is there whole or not at all.',
  secrets: ['content'],
  schema: () =>
    z
      .strictObject(
        {
          src: text
            .optional()
            .describe('A file of the controller, relative to the playbook, or below files/ beside it.'),
          content: content.optional().describe('What is in it. It may be a secret.'),
          ...copyParams,
        },
        must('a mapping with dest, and src or content'),
      )
      .refine((params) => (params.src === undefined) !== (params.content === undefined), {
        error: 'must have src or content, and not both',
      }),
  observe: (params) => observeDestination(params, params.src === undefined ? undefined : nameOf(params.src)),
  plan: ({ src, content: written, ...params }, found, task) => {
    const file = src === undefined ? undefined : task.controller.file(src, 'files');
    const mode = params.mode === 'preserve' ? file?.mode : params.mode;
    const what = file?.content ?? (written instanceof Secret ? written : String(written ?? ''));
    return planDestination({ ...params, mode }, what, src === undefined ? undefined : nameOf(src), found);
  },
});
