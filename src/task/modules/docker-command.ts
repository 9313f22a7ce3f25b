import * as z from 'zod';
import { must, text, wordsBy } from '../../schema/values.ts';
import { shlexRules } from '../../shell/words.ts';
import { taskModule, type Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';
import { planCommand } from './commands.ts';

const kinds = ['container', 'image', 'network', 'volume'] as const;
const name = text.refine((value) => !value.startsWith('-'), must('a name'));
const thing = z
  .strictObject(
    { container: name.optional(), image: name.optional(), network: name.optional(), volume: name.optional() },
    must('{ container: NAME }, { image: NAME }, { network: NAME } or { volume: NAME }'),
  )
  .refine((value) => Object.keys(value).length === 1, { error: 'must name one thing' });
type Thing = z.output<typeof thing>;

const word = z.union([z.string(), z.number(), z.boolean()], must('text')).transform(String);

const schema = () =>
  z
    .strictObject(
      {
        cmd: text.transform(wordsBy(shlexRules)).optional().describe('The command line, without the word docker.'),
        argv: z
          .array(word, must('a list of words'))
          .min(1, must('a command'))
          .optional()
          .describe('The same as a list.'),
        creates: thing.optional().describe('What it makes, as { network: app }: where that is there, it is not run.'),
        removes: thing.optional().describe('What it takes away: where that is not there, it is not run.'),
      },
      must('a docker command'),
    )
    .refine(({ cmd, argv }) => (cmd === undefined) !== (argv === undefined), {
      error: 'must have cmd or argv, and not both',
    });

export const dockerModule = taskModule({
  name: 'docker',
  doc: 'A docker command of your own, for what no key of a service says. It runs at every run unless `creates` or `removes` says what it is for; `changed_when` says whether it has changed something.',
  freeForm: { text: 'cmd', list: 'argv' },
  schema,
  observe: ({ creates, removes }) =>
    [creates, removes].flatMap((each) => (each === undefined ? [] : [inspectOf(each)])),
  plan: ({ cmd, argv, creates, removes }, found): Verdict => {
    const verdict = planCommand(['docker', ...(argv ?? cmd ?? [])], plain, found);
    const skip = (what: Thing, why: string): Verdict => {
      const [kind, named] = Object.entries(what)[0] ?? ['', ''];
      const stdout = `skipped, since ${kind} ${named} ${why}`;
      return { kind: 'done', result: { changed: false, rc: 0, stdout, stderr: '', msg: stdout } };
    };
    if (creates !== undefined && isThere(creates, found)) return skip(creates, 'exists');
    if (removes !== undefined && !isThere(removes, found)) return skip(removes, 'does not exist');
    if (verdict.kind !== 'act' || (creates === undefined && removes === undefined)) return verdict;
    return { kind: 'change', result: verdict.result ?? {}, apply: (host) => verdict.apply(host) };
  },
});

const plain = { stdin_add_newline: true, strip_empty_ends: true };

function inspectOf(what: Thing): Query & { readonly kind: 'command' } {
  const kind = kinds.find((each) => what[each] !== undefined) ?? 'container';
  return { kind: 'command', argv: ['docker', kind, 'inspect', '--format', 'there', '--', what[kind] ?? ''] };
}

/** @throws Error where docker does not say */
function isThere(what: Thing, found: Found): boolean {
  const { exitCode, stdout, stderr } = found.command(inspectOf(what).argv);
  if (exitCode === 0 && stdout.trim() === 'there') return true;
  if (/no such|not found/i.test(stderr)) return false;
  throw new Error(`docker does not say whether it is there: ${stderr.trim() || `exit code ${exitCode}`}`);
}
