import * as z from 'zod';
import { flag, must, text } from '../../schema/values.ts';
import { assertDone, writeFile } from '../apply.ts';
import { done, failed, taskModule, type Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';

const field = z
  .union([z.string(), z.number().int()], must('a number, * or a list as cron has it'))
  .transform(String)
  .refine((value) => /^[\w*,/-]+$/.test(value), must('a number, * or a list as cron has it'));
const times = ['reboot', 'yearly', 'annually', 'monthly', 'weekly', 'daily', 'hourly'] as const;
const line = text.refine((value) => !/[\r\n]/.test(value), must('one line'));

const schema = () =>
  z
    .strictObject(
      {
        name: line.describe('What tells this entry from the others; in a comment above it, as Ansible writes it.'),
        job: line.optional().describe('The command line; with env the value of the variable.'),
        state: z
          .enum(['present', 'absent'], must('present or absent'))
          .default('present')
          .describe('Whether it is there.'),
        minute: field.default('*').describe('0 to 59.'),
        hour: field.default('*').describe('0 to 23.'),
        day: field.default('*').describe('1 to 31.'),
        month: field.default('*').describe('1 to 12.'),
        weekday: field.default('*').describe('0 to 6, from Sunday, or a name.'),
        special_time: z
          .enum(times, must(times.join(', ')))
          .optional()
          .describe('Instead of the five.'),
        disabled: flag.default(false).describe('It stays there, as a comment.'),
        env: flag.default(false).describe('It is a variable of the crontab, and no job.'),
        user: text.optional().describe('Whose crontab: by default that of the user of the task.'),
        cron_file: text
          .refine((file) => /^(?:\/etc\/cron\.d\/)?[\w.-]+$/.test(file), must('the name of a file in /etc/cron.d'))
          .optional()
          .describe('A file in /etc/cron.d instead; it needs user.'),
      },
      must('a mapping with name and job'),
    )
    .refine(({ state, job }) => state === 'absent' || job !== undefined, { error: 'must have job' })
    .refine(({ cron_file: file, user, state }) => file === undefined || user !== undefined || state === 'absent', {
      error: 'must have user with cron_file',
    });
type Params = z.output<ReturnType<typeof schema>>;

export const cronModule = taskModule({
  name: 'cron',
  doc: "An entry of a user's crontab, or of a file in /etc/cron.d. Entries that Ansible has made are known by their name.",
  schema,
  observe: (params) => [queryOf(params)],
  plan: (params, found) => planCron(params, found),
});

const fileOf = ({ cron_file: file = '' }: Params): string => (file.startsWith('/') ? file : `/etc/cron.d/${file}`);
const userWords = ({ user }: Params): readonly string[] => (user === undefined ? [] : ['-u', user]);

function queryOf(params: Params): Query {
  if (params.cron_file !== undefined) return { kind: 'path', path: fileOf(params), wants: 'content' };
  return { kind: 'command', argv: ['env', 'LC_ALL=C', 'crontab', ...userWords(params), '-l'] };
}

/** As cron of Debian and of Red Hat say it, and as busybox does, on Alpine. */
const hasNone = /no crontab for|can't open '[^']*': No such file or directory/;

function planCron(params: Params, found: Found): Verdict {
  const query = queryOf(params);
  let before: string;
  if (query.kind === 'path') before = found.path(query)?.content?.toString() ?? '';
  else {
    const { exitCode, stdout, stderr } = found.command(query.argv);
    if (exitCode !== 0 && !hasNone.test(stderr)) return failed(stderr.trim() || `exit code ${exitCode}`);
    before = exitCode === 0 ? stdout : '';
  }
  const after = params.env ? withVariable(before, params) : withJob(before, params);
  const result = { jobs: jobsIn(after), envs: variablesIn(after) };
  if (before === after) return done({ changed: false, ...result });
  const path =
    query.kind === 'path' ? fileOf(params) : `crontab${params.user === undefined ? '' : ` of ${params.user}`}`;
  return {
    kind: 'change',
    result,
    diff: { path, before, after },
    apply: async (host) => {
      if (query.kind === 'path' && after === '') assertDone(await host.run(['rm', '-f', '--', fileOf(params)]));
      else if (query.kind === 'path')
        // cron reads no file there that others than root may write, nor one that may be run.
        await writeFile(host, fileOf(params), { content: Buffer.from(after), backup: false, mode: '644' });
      else assertDone(await host.run(['crontab', ...userWords(params), '-'], { stdin: after }));
      return {};
    },
  };
}

const mark = '#Ansible: ';
const linesOf = (crontab: string): string[] => crontab.split('\n').slice(0, crontab.endsWith('\n') ? -1 : undefined);
const joined = (lines: readonly string[]): string => (lines.length === 0 ? '' : `${lines.join('\n')}\n`);

/** The crontab with the job as it should be, where it stood before or at the end. */
export function withJob(crontab: string, params: Params): string {
  const lines = crontab === '' ? [] : linesOf(crontab);
  const at = lines.indexOf(`${mark}${params.name}`);
  if (params.state === 'absent') {
    if (at !== -1) lines.splice(at, 2);
  } else if (at === -1) lines.push(`${mark}${params.name}`, jobLine(params));
  else lines.splice(at + 1, 1, jobLine(params));
  return at === -1 && params.state === 'absent' ? crontab : joined(lines);
}

function jobLine(params: Params): string {
  const { minute, hour, day, month, weekday, special_time: special, cron_file: file, user = '', job = '' } = params;
  const when = special === undefined ? [minute, hour, day, month, weekday].join(' ') : `@${special}`;
  return `${params.disabled ? '#' : ''}${when} ${file === undefined ? '' : `${user} `}${job}`;
}

/** Variables stand above the jobs that they are for. */
export function withVariable(crontab: string, params: Params): string {
  const lines = crontab === '' ? [] : linesOf(crontab);
  const at = lines.findIndex((each) => each.startsWith(`${params.name}=`));
  const own = `${params.name}="${params.job ?? ''}"`;
  if (params.state === 'absent') {
    if (at === -1) return crontab;
    lines.splice(at, 1);
  } else if (at === -1) lines.unshift(own);
  else lines.splice(at, 1, own);
  return joined(lines);
}

const jobsIn = (crontab: string): readonly string[] =>
  linesOf(crontab).flatMap((each) => (each.startsWith(mark) ? [each.slice(mark.length)] : []));
const variablesIn = (crontab: string): readonly string[] =>
  linesOf(crontab).flatMap((each) => /^(\S+)=/.exec(each)?.[1] ?? []);
