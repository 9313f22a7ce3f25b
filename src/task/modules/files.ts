import * as z from 'zod';
import { Secret } from '../../model/secret.ts';
import { flag, must, text, wordsBy } from '../../schema/values.ts';
import { shlexRules } from '../../shell/words.ts';
import { accessCommands, differsInAccess, type Access } from '../access.ts';
import { carryOut, writeFile } from '../apply.ts';
import { done, failed, type Result, type Verdict } from '../module.ts';
import type { PathFacts } from '../query.ts';

/** Of every module that writes a whole file. */
export const writeParams = {
  backup: flag.default(false).describe('Keep what it replaces beside it.'),
  validate: text
    .transform(wordsBy(shlexRules))
    .refine((words) => words.some((word) => word.includes('%s')), must('a command that names the new file, as %s'))
    .optional()
    .describe('A command that must accept the new file, %s, before it takes its place.'),
};

export const path = text.describe('The file on the host.');
export const content = z.union([z.string(), z.number(), z.boolean(), z.instanceof(Secret)], must('text'));

export interface WantedFile extends Access {
  readonly path: string;
  /** The folder that it lies in. */
  readonly parent: PathFacts | undefined;
  /** What is there, by its own: a link is a link. */
  readonly there: PathFacts | undefined;
  readonly content: Buffer;
  /** Not to be shown. */
  readonly isSecret: boolean;
  readonly checksum: string;
  readonly backup: boolean;
  readonly validate?: readonly string[] | undefined;
}

/** What it takes for a file to have this content, owner, group and mode. */
export function planFile(wanted: WantedFile): Verdict {
  const { path: dest, there, parent, checksum, content: bytes } = wanted;
  const result: Result = { dest, checksum, size: bytes.length };
  if (there?.type === 'directory') return failed(`${dest} is a directory`, { dest });
  if (there?.type === 'other') return failed(`${dest} is neither a file nor a link`, { dest });
  if (there === undefined && parent?.type !== 'directory')
    return failed(`Destination directory ${folderOf(dest)} does not exist`, { dest });
  const isSame = there?.type === 'file' && there.checksum === checksum;
  if (isSame && !differsInAccess(wanted, there)) return done({ changed: false, ...result });
  if (isSame)
    return {
      kind: 'change',
      result,
      apply: (host) => carryOut(host, accessCommands(dest, wanted)).then(() => ({})),
    };
  return { kind: 'change', result, diff: diffOf(wanted), apply: (host) => writeFile(host, dest, wanted) };
}

const mostDiffBytes = 1 << 20;

function diffOf({ path: dest, there, content: bytes, isSecret }: WantedFile): {
  path: string;
  before: string;
  after: string;
} {
  const shown = (some: Buffer | undefined): string => {
    if (some === undefined) return '';
    if (isSecret) return '(a secret is in it)\n';
    return some.length > mostDiffBytes || some.includes(0) ? `(${some.length} bytes, not shown)\n` : some.toString();
  };
  const before = shown(there?.content);
  const after = shown(bytes);
  return { path: dest, before: before === after ? '' : before, after };
}

export function folderOf(file: string): string {
  const cut = file.replace(/\/+$/, '').lastIndexOf('/');
  if (cut === -1) return '.';
  return cut === 0 ? '/' : file.slice(0, cut);
}

export const nameOf = (file: string): string => file.replace(/\/+$/, '').split('/').at(-1) ?? '';
