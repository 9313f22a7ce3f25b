import { createHash } from 'node:crypto';
import * as z from 'zod';
import { flag, must, text } from '../../schema/values.ts';
import { accessParams } from '../access.ts';
import { carryOut } from '../apply.ts';
import { done, failed, taskModule, type TaskSurroundings, type Verdict } from '../module.ts';
import { newFolder, type Query } from '../query.ts';
import { folderOf, path, planFile, writeParams } from './files.ts';

const schema = () =>
  z
    .strictObject(
      {
        path,
        line: z
          .union([z.string(), z.number()], must('text'))
          .transform(String)
          .optional()
          .describe('The line, without its end.'),
        regexp: text
          .optional()
          .describe('A Python expression for the line that it replaces (the last one), or that is removed.'),
        search_string: text.optional().describe('The same as a text that is part of the line.'),
        state: z
          .enum(['present', 'absent'], must('present or absent'))
          .default('present')
          .describe('Whether it should be there.'),
        insertafter: text
          .optional()
          .describe('Where it goes if no line matches: after the last line that this expression finds, or EOF.'),
        insertbefore: text.optional().describe('The same, before that line; or BOF.'),
        backrefs: flag
          .default(false)
          .describe('The line takes \\1 or \\g<name> from what regexp found; without a match nothing is done.'),
        firstmatch: flag.default(false).describe('The first line that matches, and not the last.'),
        create: flag.default(false).describe('Make the file where it is missing.'),
        ...accessParams,
        ...writeParams,
      },
      must('a mapping with path and line'),
    )
    .refine(({ state, line }) => state === 'absent' || line !== undefined, {
      error: 'must have line where state is present',
    })
    .refine(
      ({ state, line, regexp, search_string: search }) =>
        state === 'present' || [line, regexp, search].some((each) => each !== undefined),
      {
        error: 'must have line, regexp or search_string where state is absent',
      },
    )
    .refine(({ regexp, search_string: search }) => regexp === undefined || search === undefined, {
      error: 'must have regexp or search_string, and not both',
    })
    .refine(({ insertafter, insertbefore }) => insertafter === undefined || insertbefore === undefined, {
      error: 'must have insertafter or insertbefore, and not both',
    })
    .refine(({ backrefs, regexp }) => !backrefs || regexp !== undefined, {
      error: 'must have regexp where backrefs is true',
    });
type Params = z.output<ReturnType<typeof schema>>;

export const lineinfileModule = taskModule({
  name: 'lineinfile',
  doc: 'One line of a file on the host: that it is there, in place of another one, or gone.',
  schema,
  observe: (params): readonly Query[] => [
    { kind: 'path', path: params.path, follow: true, wants: 'content' },
    { kind: 'path', path: folderOf(params.path), follow: true },
  ],
  plan: (params, found, task) => {
    const there = found.path({ path: params.path, follow: true, wants: 'content' });
    if (there?.type === 'directory') return failed(`Path ${params.path} is a directory !`, { rc: 256 });
    if (there === undefined && params.state === 'absent') return done({ changed: false, msg: 'file not present' });
    if (there === undefined && !params.create)
      return failed(`Destination ${params.path} does not exist !`, { rc: 257 });
    if (there !== undefined && there.content === undefined) return failed(`${params.path} cannot be read`);
    const before = there?.content ?? Buffer.alloc(0);
    if (!before.equals(Buffer.from(before.toString()))) return failed(`${params.path} is not UTF-8 text`);
    const { text: after, msg, ...more } = edited(before.toString(), params, task);
    const content = Buffer.from(after);
    const parent = found.path({ path: folderOf(params.path), follow: true });
    const verdict = planFile({
      ...params,
      there,
      parent: parent ?? (params.create && there === undefined ? newFolder : undefined),
      content,
      isSecret: false,
      checksum: createHash('sha1').update(content).digest('hex'),
    });
    return withMessage(parent === undefined ? withFolder(verdict, folderOf(params.path)) : verdict, msg, more);
  },
});

function withFolder(verdict: Verdict, folder: string): Verdict {
  if (verdict.kind !== 'change') return verdict;
  return {
    ...verdict,
    apply: async (host) => {
      await carryOut(host, [['mkdir', '-p', '--', folder]]);
      return verdict.apply(host);
    },
  };
}

function withMessage(verdict: Verdict, msg: string, more: { readonly found?: number }): Verdict {
  if (verdict.kind === 'act') return verdict;
  const { msg: own, failed: isFailed, changed } = verdict.result;
  return {
    ...verdict,
    result: {
      ...(changed === undefined ? {} : { changed }),
      ...(isFailed === undefined ? {} : { failed: isFailed }),
      msg: own ?? msg,
      ...more,
    },
  };
}

interface Edited {
  readonly text: string;
  readonly msg: string;
  readonly found?: number;
}

/** The text with the line as it should be: Ansible's order of looking, line by line. */
function edited(before: string, params: Params, task: Pick<TaskSurroundings, 'regex'>): Edited {
  const lines = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return params.state === 'absent' ? withoutLine(lines, params, task) : withLine(lines, params, task);
}

const bare = (line: string): string => line.replace(/[\r\n]+$/, '');

function withoutLine(
  lines: readonly string[],
  { regexp, search_string: search, line }: Params,
  task: Pick<TaskSurroundings, 'regex'>,
): Edited {
  const regex = regexp === undefined ? undefined : task.regex(regexp);
  const kept = lines.filter((each) =>
    regex !== undefined
      ? regex.search(each) === undefined
      : search !== undefined
        ? !each.includes(search)
        : bare(each) !== line,
  );
  const found = lines.length - kept.length;
  return { text: kept.join(''), msg: found === 0 ? '' : `${found} line(s) removed`, found };
}

function withLine(given: readonly string[], params: Params, task: Pick<TaskSurroundings, 'regex'>): Edited {
  const { regexp, search_string: search, line = '', insertbefore, backrefs, firstmatch } = params;
  const insertafter = params.insertafter ?? (insertbefore === undefined ? 'EOF' : undefined);
  const lines = [...given];
  const pick = (matching: readonly number[]): number | undefined => (firstmatch ? matching[0] : matching.at(-1));
  const all = (holds: (each: string) => boolean): number[] =>
    lines.flatMap((each, index) => (holds(each) ? [index] : []));
  const regex = regexp === undefined ? undefined : task.regex(regexp);
  const matched =
    regex !== undefined
      ? pick(all((each) => regex.search(each) !== undefined))
      : search !== undefined
        ? pick(all((each) => each.includes(search)))
        : undefined;
  const replaced = (at: number, by: string): Edited => {
    const isSame = lines[at] === by;
    lines[at] = by;
    return { text: lines.join(''), msg: isSame ? '' : 'line replaced' };
  };
  if (matched !== undefined) {
    const own = backrefs && regex !== undefined ? regex.expand(lines[matched] ?? '', line) : line;
    return replaced(matched, own.endsWith('\n') ? own : `${own}\n`);
  }
  const place = insertafter ?? insertbefore ?? '';
  const mark = ['BOF', 'EOF'].includes(place) ? undefined : task.regex(place);
  const { exact, marked } = lookFor(lines, line, mark, firstmatch);
  if (exact !== undefined) return replaced(exact, `${line}\n`);
  const unchanged: Edited = { text: lines.join(''), msg: '' };
  if (backrefs) return unchanged;
  const added = (at: number): Edited => {
    if (at === lines.length && lines.length > 0 && !/[\r\n]$/.test(lines.at(-1) ?? '')) lines.push('\n');
    lines.splice(at === given.length ? lines.length : at, 0, `${line}\n`);
    return { text: lines.join(''), msg: 'line added' };
  };
  if (place === 'BOF') return added(0);
  if (insertafter === 'EOF' || marked === undefined) return added(lines.length);
  if (insertafter === undefined) return added(marked);
  const next = lines[marked + 1] ?? lines[marked] ?? '';
  return bare(next) === line ? unchanged : added(marked + 1);
}

/** The line itself, and the line that another expression finds; Ansible stops at the first of the latter with firstmatch. */
function lookFor(
  lines: readonly string[],
  line: string,
  mark: ReturnType<TaskSurroundings['regex']> | undefined,
  firstmatch: boolean,
): { readonly exact: number | undefined; readonly marked: number | undefined } {
  let exact: number | undefined;
  let marked: number | undefined;
  for (const [index, each] of lines.entries()) {
    if (bare(each) === line) exact = index;
    else if (mark?.search(each) !== undefined) {
      marked = index;
      if (firstmatch) break;
    }
  }
  return { exact, marked };
}
