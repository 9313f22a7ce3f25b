import * as z from 'zod';
import { flag, must, text } from '../../schema/values.ts';
import { accessCommands, accessParams, differsInAccess } from '../access.ts';
import { carryOut } from '../apply.ts';
import { done, failed, taskModule, type Result, type Verdict } from '../module.ts';
import type { Found, PathFacts, Query } from '../query.ts';
import { folderOf } from './files.ts';

const schema = () =>
  z.strictObject(
    {
      path: text.describe('On the host.'),
      state: z
        .enum(
          ['file', 'directory', 'link', 'hard', 'touch', 'absent'],
          must('file, directory, link, hard, touch or absent'),
        )
        .default('file')
        .describe(
          'file: it must be there already; directory: with those above it; link and hard: to src; touch: made where missing, its time set; absent: removed, with all in it.',
        ),
      src: text.optional().describe('What a link leads to.'),
      force: flag.default(false).describe('A link takes the place of a file, and may lead nowhere.'),
      ...accessParams,
    },
    must('a mapping with path'),
  );
type Params = z.output<ReturnType<typeof schema>>;

export const fileModule = taskModule({
  name: 'file',
  doc: 'A file, folder or link on the host: that it is there or not, and its owner, group and mode.',
  schema,
  observe: ({ path, src, state }): readonly Query[] => [
    { kind: 'path', path },
    { kind: 'path', path, follow: true },
    ...ancestorsOf(path, state).map((each): Query => ({ kind: 'path', path: each, follow: true })),
    ...(src === undefined ? [] : [{ kind: 'path', path: targetOf(path, src, state), follow: true } as const]),
  ],
  plan: (params, found) => {
    switch (params.state) {
      case 'absent':
        return absent(params, found);
      case 'directory':
        return directory(params, found);
      case 'link':
      case 'hard':
        return link(params, found);
      case 'touch':
        return touch(params, found);
      case 'file': {
        const there = found.path({ path: params.path, follow: true });
        if (there?.type === 'file') return attributes(params, there);
        const state = there === undefined ? 'absent' : there.type;
        return failed(`file (${params.path}) is ${state}, cannot continue`, { path: params.path, state });
      }
    }
  },
});

/** Folders above that have to be there, the nearest last. */
function ancestorsOf(path: string, state: Params['state']): readonly string[] {
  if (state !== 'directory') return [];
  const parts = path.replace(/\/+$/, '').split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/')).filter((each) => each !== '');
}

function targetOf(path: string, src: string, state: Params['state']): string {
  return src.startsWith('/') || state === 'hard' ? src : `${folderOf(path)}/${src}`;
}

/** A link gives its owner, group and mode to what it leads to, as in Ansible (`follow`). */
function attributes(params: Params, there: PathFacts, result: Result = {}): Verdict {
  const full = { path: params.path, ...result };
  if (!differsInAccess(params, there)) return done({ changed: false, ...full });
  return {
    kind: 'change',
    result: full,
    apply: (host) => carryOut(host, accessCommands(params.path, params)).then(() => ({})),
  };
}

function absent({ path }: Params, found: Found): Verdict {
  const there = found.path({ path });
  const result = { path, state: 'absent' };
  if (there === undefined) return done({ changed: false, ...result });
  if (/^\/*$|(?:^|\/)\.{1,2}\/*$/.test(path)) return failed(`${path} is not removed`, { path });
  const argv = there.type === 'directory' ? ['rm', '-r', '-f', '--', path] : ['rm', '-f', '--', path];
  return { kind: 'change', result, apply: (host) => carryOut(host, [argv]).then(() => ({})) };
}

function directory(params: Params, found: Found): Verdict {
  const { path } = params;
  const there = found.path({ path, follow: true });
  if (there?.type === 'directory') return attributes(params, there);
  if (there !== undefined) return failed(`${path} already exists as a ${there.type}`, { path });
  const missing = ancestorsOf(path, 'directory').filter(
    (each) => found.path({ path: each, follow: true }) === undefined,
  );
  // As Ansible: the folders that it makes on the way get the owner and mode too.
  const commands = [...missing, path].flatMap((each) => [['mkdir', '--', each], ...accessCommands(each, params)]);
  return { kind: 'change', result: { path }, apply: (host) => carryOut(host, commands).then(() => ({})) };
}

function touch(params: Params, found: Found): Verdict {
  const { path } = params;
  if (found.path({ path })?.type === 'other') return failed(`${path} is neither a file nor a folder`, { path });
  const commands = [['touch', '--', path], ...accessCommands(path, params)];
  return { kind: 'change', result: { dest: path }, apply: (host) => carryOut(host, commands).then(() => ({})) };
}

function link(params: Params, found: Found): Verdict {
  const { path, src, state, force } = params;
  const there = found.path({ path });
  const result = { dest: path, ...(src === undefined ? {} : { src }) };
  const isHard = state === 'hard';
  if (src === undefined) return failed(`src is required for creating new ${isHard ? 'hardlinks' : 'symlinks'}`, result);
  const target = found.path({ path: targetOf(path, src, state), follow: true });
  if (isHard && target === undefined) return failed('src does not exist', result);
  if (!isHard && !force && target === undefined)
    return failed(
      `src file does not exist, use "force=yes" if you really want to create the link: ${targetOf(path, src, state)}`,
      result,
    );
  const isThere = isHard
    ? there?.type === 'file' && there.inode === target?.inode
    : there?.type === 'link' && there.target === src;
  if (isThere) {
    const own = isHard ? there : (target ?? there);
    if (own === undefined || !differsInAccess(params, own)) return done({ changed: false, ...result });
    return {
      kind: 'change',
      result,
      apply: (host) => carryOut(host, accessCommands(path, params)).then(() => ({})),
    };
  }
  const isRefused = there !== undefined && there.type !== 'link' && !force;
  if (isRefused && isHard) return failed(`Cannot link, ${there.type} exists at destination`, result);
  if (isRefused) return failed(`refusing to convert from ${there.type} to symlink for ${path}`, result);
  const aside = `${folderOf(path)}/.rollout-link.${(there?.inode ?? 0).toString(36)}`;
  const make = ['ln', ...(isHard ? [] : ['-s']), '--', src];
  const commands =
    there === undefined
      ? [[...make, path]]
      : [
          ...(there.type === 'directory' ? [['rmdir', '--', path]] : []),
          ['rm', '-f', '--', aside],
          [...make, aside],
          ['mv', '-fT', '--', aside, path],
        ];
  return {
    kind: 'change',
    result,
    apply: (host) =>
      carryOut(host, [...commands, ...(target === undefined ? [] : accessCommands(path, params))]).then(() => ({})),
  };
}
