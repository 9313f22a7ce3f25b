import * as z from 'zod';
import { flag, must, text, wordsBy } from '../../schema/values.ts';
import { shlexRules } from '../../shell/words.ts';
import { taskModule } from '../module.ts';
import { commandParams, observeCommand, planCommand } from './commands.ts';

const { stdin: _, stdin_add_newline: __, ...params } = commandParams;

export const scriptModule = taskModule({
  name: 'script',
  doc: "A script of the controller, run on the host: through its interpreter's stdin, so that nothing is left there.",
  freeForm: { text: 'cmd' },
  schema: () =>
    z.strictObject(
      {
        cmd: text
          .transform(wordsBy(shlexRules))
          .describe("The script's file, relative to the playbook, and its arguments."),
        ...params,
        strip_empty_ends: flag.default(false).describe('Line ends at the end of its output are left out.'),
        executable: text.default('/bin/sh').describe('What runs it: a shell, which reads it from stdin.'),
      },
      must('a file and its arguments'),
    ),
  observe: (own) => observeCommand({ ...own, stdin_add_newline: true }),
  plan: ({ cmd, executable, ...own }, found, task) => {
    const [file = '', ...words] = cmd;
    const { content } = task.controller.file(file);
    const argv = [executable, '-s', '--', ...words];
    const verdict = planCommand(argv, { ...own, stdin_add_newline: true }, found, Buffer.from(content).toString());
    // As Ansible: a script that was not run has no exit code.
    return verdict.kind === 'act' ? { ...verdict, result: {} } : verdict;
  },
});
