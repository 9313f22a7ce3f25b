import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Controller } from '../../model/task.ts';
import { flag, must, text, texts } from '../../schema/values.ts';
import { accessParams, differsInAccess } from '../access.ts';
import { assertDone } from '../apply.ts';
import { done, failed, taskModule, type Result, type Verdict } from '../module.ts';
import type { CommandQuery, Found, PathQuery } from '../query.ts';
import { unarchiveScript } from './unarchive-script.ts';

const pattern = texts.refine(
  (list) => list.every((name) => !name.startsWith('-')),
  must('names, none with a - in front'),
);

/** `--strip-components=1`, in one word or two: how many names at the beginning of each path are left out. */
const options = texts.transform((words, context) => {
  if (words.length === 0) return 0;
  const [, count] = /^--strip(?:-components)?[= ](\d{1,3})$/.exec(words.join(' ')) ?? [];
  if (count !== undefined) return Number(count);
  context.addIssue({
    code: 'custom',
    message: 'must be --strip-components=NUMBER, the only option that is supported',
    params: { advice: 'For anything else unpack it with command or shell, and creates' },
  });
  return z.NEVER;
});

const schema = () =>
  z
    .strictObject(
      {
        src: text
          .refine((path) => !path.includes('://'), {
            error:
              'must be a file; an archive from the web is fetched with get_url first, then unpacked with remote_src: true',
          })
          .describe('The archive: a file of the controller, relative to the playbook, or below files/ beside it.'),
        dest: text.describe('The folder on the host that it is unpacked into. It must be there.'),
        remote_src: flag.default(false).describe('The archive is on the host already.'),
        creates: text.optional().describe('A file on the host: where it is there, nothing is done.'),
        list_files: flag.default(false).describe('The names in the archive, as `files` of the result.'),
        include: pattern.optional().describe('Only these, by their names in the archive.'),
        exclude: pattern.optional().describe('All but these: names or patterns.'),
        extra_opts: options.optional().describe('Only --strip-components=NUMBER, for tar.'),
        ...accessParams,
      },
      must('a mapping with src and dest'),
    )
    .refine(({ include, exclude }) => include === undefined || exclude === undefined, {
      error: 'must have include or exclude, and not both',
    });
type Params = z.output<ReturnType<typeof schema>>;

export const unarchiveModule = taskModule({
  name: 'unarchive',
  doc: "An archive, unpacked on the host by the host's own tar (GNU tar: .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.zst) or unzip. It is read whole before anything is written; one that would write outside the folder is refused. Where nothing differs, nothing is done.",
  schema,
  observe: (params, controller) => [
    ...(params.creates === undefined ? [] : [createsOf(params.creates)]),
    queryOf(params, archiveOf(params, controller)),
  ],
  plan: (params, found, task) => planUnarchive(params, found, archiveOf(params, task.controller)),
});

/** What goes through stdin, and its SHA-1; nothing where the archive is on the host. */
interface Archive {
  readonly bytes: Uint8Array | undefined;
  readonly sum: string;
}

/** Of what is read once for a whole fleet. */
const sums = new WeakMap<Uint8Array, string>();

function archiveOf({ src, remote_src: isThere }: Params, controller: Controller): Archive {
  if (isThere) return { bytes: undefined, sum: '' };
  const { content } = controller.file(src, 'files');
  const sum = sums.get(content) ?? createHash('sha1').update(content).digest('hex');
  sums.set(content, sum);
  return { bytes: content, sum };
}

const createsOf = (path: string): PathQuery => ({ kind: 'path', path, follow: true });

const queryOf = (params: Params, { bytes, sum }: Archive): CommandQuery => ({
  kind: 'command',
  argv: argvOf('read', params, sum),
  ...(bytes === undefined ? {} : { stdin: bytes }),
});

function argvOf(how: 'read' | 'unpack' | 'access', params: Params, sum: string): readonly string[] {
  const { src, dest, remote_src: isThere, list_files: lists, include, exclude, extra_opts: strip = 0 } = params;
  const { owner = '', group = '', mode = '' } = params;
  const picks = include !== undefined ? 'include' : exclude !== undefined ? 'exclude' : '';
  return [
    ...['sh', '-c', unarchiveScript, 'rollout-unarchive', how, isThere ? src : '-', sum, dest],
    ...[String(strip), owner, group, mode, lists && how === 'read' ? 'yes' : '', picks, ...(include ?? exclude ?? [])],
  ];
}

function planUnarchive(params: Params, found: Found, archive: Archive): Verdict {
  const { src, dest, creates } = params;
  if (creates !== undefined && found.path(createsOf(creates)) !== undefined)
    return done({ changed: false, skipped: true, msg: `skipped, since ${creates} exists` });
  const answer = found.command(argvOf('read', params, archive.sum));
  const result: Result = { src, dest };
  if (answer.exitCode !== 0) return failed(answer.stderr.trim() || `exit code ${answer.exitCode}`, result);
  const now = parseUnarchive(answer.stdout);
  const listed: Result = params.list_files ? { ...result, files: now.names } : result;
  const others = now.entries.filter((entry) => differsInAccess(params, entry)).map(({ name }) => name);
  if (now.differences.length === 0 && others.length === 0) return done({ changed: false, ...listed });
  const lines = [...now.differences, ...others.map((name) => `${name}: owner, group or mode`)];
  const how = now.differences.length > 0 ? 'unpack' : 'access';
  return {
    kind: 'change',
    result: listed,
    diff: { path: dest, before: '', after: lines.map((line) => `${line}\n`).join('') },
    apply: async (host) => {
      const { bytes } = archive;
      const stdin = bytes === undefined ? {} : { stdin: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
      assertDone(await host.run(argvOf(how, params, archive.sum), stdin));
      return {};
    },
  };
}

interface Unarchived {
  /** `NAME: WHAT`, as tar words it. */
  readonly differences: readonly string[];
  readonly names: readonly string[];
  readonly entries: readonly (Parameters<typeof differsInAccess>[1] & { readonly name: string })[];
}

function parseUnarchive(text: string): Unarchived {
  const lines = text.split('\n');
  const after = (word: string): readonly string[] =>
    lines.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length));
  return { differences: after('differs '), names: after('name '), entries: after('entry ').map(entryOf) };
}

function entryOf(line: string): Unarchived['entries'][number] {
  const [kind = '', mode = '', uid, gid, owner = '', group = '', ...name] = line.split('|');
  return {
    name: name.join('|').replace(/^\.\//, ''),
    type: kind === 'directory' ? 'directory' : kind === 'symbolic link' ? 'link' : 'file',
    mode,
    uid: Number(uid),
    gid: Number(gid),
    owner,
    group,
  };
}
