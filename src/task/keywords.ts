import * as z from 'zod';
import { faultOfUser } from '../model/connection-words.ts';
import {
  condition,
  durationMs,
  flag,
  must,
  secretReference,
  tags,
  text,
  texts,
  variables,
  wholeNumber,
} from '../schema/values.ts';

const environment = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), secretReference], must('text, a number or { secret: NAME }')),
  must('a mapping'),
);

/** Seconds, as in Ansible, or a duration. */
const secondsMs = z.union(
  [wholeNumber.transform((seconds) => seconds * 1000), durationMs],
  must('seconds, or a duration such as 5s'),
);

function isUser(value: string, context: z.RefinementCtx): void {
  const fault = faultOfUser(value);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
}

/** What an expression decides: never braces, and true or false. */
const test = condition.optional();

const name = text.optional().describe('What plan and log call it; the module and what it is about by default.');
/** Of tasks and of blocks. */
const shared = {
  name,
  when: test.describe(
    'An expression without braces, or a list of which all must hold; facts and registered results may stand in it.',
  ),
  vars: variables.optional().describe('Variables of this task, or of the tasks of this block.'),
  environment: environment.default({}).describe('Variables of its commands; a value may be { secret: NAME }.'),
  become: flag.optional().describe('As another user, by sudo; false: as the user that connects.'),
  become_user: text.superRefine(isUser).optional().describe('As whom: root by default.'),
  delegate_to: text.optional().describe('Another host of the inventory that does it, or localhost: the controller.'),
  run_once: flag.default(false).describe('On the first host of the play only; what it registers all hosts have.'),
  ignore_errors: flag.default(false).describe('A failure is reported, and the run goes on.'),
  no_log: flag.default(false).describe('Nothing of its parameters, output and differences is shown or kept.'),
  check_mode: flag
    .optional()
    .describe('true: only says what it would do; false: done in plan and -C too, for what only reads.'),
  diff: flag.optional().describe('false: shows no differences.'),
  tags: tags.optional(),
};

/** Keywords of a task beside its module. */
export const taskKeywords = {
  ...shared,
  register: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, must('a name of letters, digits and _'))
    .optional()
    .describe(
      'The variable that has its result: rc, stdout, stderr, stdout_lines, changed, failed, skipped, results. Data: never rendered again.',
    ),
  loop: z
    .union([z.array(z.unknown()), z.string()], must('a list, or a template that gives one'))
    .optional()
    .describe('Once for each item, which is `item`.'),
  with_items: z
    .union([z.array(z.unknown()), z.string()], must('a list, or a template that gives one'))
    .optional()
    .describe('The same; lists in the list are opened, once.'),
  loop_control: z
    .strictObject(
      {
        loop_var: text.default('item').describe('The name of the item.'),
        index_var: text.optional().describe('The name of its number, from 0.'),
        label: text.optional().describe('What the log shows instead of the item.'),
        pause: secondsMs.default(0).describe('Between two items.'),
      },
      must('a mapping'),
    )
    .optional()
    .describe('Names of the loop.'),
  until: test.describe('Tried again until this holds.'),
  retries: wholeNumber.optional().describe('How often it is tried again with until: 3 tries in all by default.'),
  delay: secondsMs.default(5000).describe('Between two tries: seconds, or a duration.'),
  changed_when: test.describe('Whether it has changed something, by its registered result.'),
  failed_when: test.describe('Whether it has failed, by its registered result.'),
  timeout: durationMs.prefault('5m').describe('When a command of it is given up.'),
  notify: texts.optional().describe('Handlers that are called once at the end of the list, if it changes something.'),
  args: z
    .record(z.string(), z.unknown(), must('a mapping'))
    .optional()
    .describe("The module's parameters, beside those under its name."),
  chdir: text.optional().describe('The folder that a command, shell or script runs in.'),
  creates: text.optional().describe('A file on the host: where it is there, the command is not run.'),
  removes: text.optional().describe('A file on the host: where it is not there, the command is not run.'),
};

export const taskSchema = z.strictObject(taskKeywords, must('a mapping with a module'));

const listOfTasks = z.array(z.unknown(), must('a list of tasks'));

/** A block: tasks with what they share, and what is done when one of them fails. */
export const blockSchema = z.strictObject(
  {
    block: listOfTasks.describe('Tasks, with the keywords of the block.'),
    rescue: listOfTasks
      .optional()
      .describe(
        'Run when a task of the block fails; the failure then counts no more. ansible_failed_task and ansible_failed_result say what it was.',
      ),
    always: listOfTasks.optional().describe('Run however it ended.'),
    ...shared,
  },
  must('a mapping with block'),
);

/** An include stands for the tasks of a file. */
export const includeSchema = z.strictObject(
  {
    include_tasks: z
      .union([text, z.strictObject({ file: text }, must('a file'))], must('a file'))
      .describe(
        "A file with a list of tasks, relative to the file that names it. The name may have templates of the playbook's own variables only.",
      ),
    ...shared,
  },
  must('a mapping with include_tasks'),
);

/** Keywords of Ansible that change what a task does, and that are not here. */
export const missingKeywords: Readonly<Record<string, string>> = {
  async: 'use a shell with nohup, or a larger timeout',
  poll: 'use a shell with nohup, or a larger timeout',
  throttle: 'the strategy says how many nodes are worked on at once',
  serial: 'the strategy says how many nodes are worked on at once',
  any_errors_fatal: 'max_failures of the strategy says how many nodes may fail',
  ignore_unreachable: 'max_failures counts hosts that cannot be reached',
  local_action: 'write delegate_to: localhost',
  action: "write the module's name as the key",
  become_method: 'sudo is the only one',
  connection: 'it belongs into the inventory',
  remote_user: 'it belongs into the inventory, as ansible_user',
  delegate_facts: 'facts stay with the host of the play',
  debugger: 'rollout has none',
  module_defaults: 'write the parameters where they are used',
  collections: 'modules are those of rollout',
  with_dict: 'write loop with a list',
  with_nested: 'write loop with a list',
  with_sequence: 'write loop: "{{ range(1, 4) | list }}"',
  with_fileglob: 'write loop with a list',
  with_together: 'write loop with a list',
  with_subelements: 'write loop with a list',
  with_list: 'write loop',
};

/** Schemas of the keys that playbooks may have beside `tasks`. */
export const handlerKeywords = { listen: texts.optional().describe('Of a handler: further names that call it.') };
