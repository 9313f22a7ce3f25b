import * as z from 'zod';
import { must, text, wordsBy } from '../../schema/values.ts';
import { shlexRules } from '../../shell/words.ts';
import { taskModule } from '../module.ts';
import { commandParams, observeCommand, planCommand } from './commands.ts';

const word = z.union([z.string(), z.number(), z.boolean()], must('text')).transform(String);

export const commandModule = taskModule({
  name: 'command',
  doc: 'A command on the host, without a shell.',
  freeForm: { text: 'cmd', list: 'argv' },
  schema: () =>
    z
      .strictObject(
        {
          cmd: text.transform(wordsBy(shlexRules)).optional().describe('The command line; quotes hold words together.'),
          argv: z
            .array(word, must('a list of words'))
            .min(1, must('a command'))
            .optional()
            .describe('The same as a list of words.'),
          ...commandParams,
        },
        must('a command line or a list of words'),
      )
      .refine(({ cmd, argv }) => (cmd === undefined) !== (argv === undefined), {
        error: 'must have cmd or argv, and not both',
      }),
  observe: (params) => observeCommand(params),
  plan: (params, found) => planCommand(params.argv ?? params.cmd ?? [], params, found),
});
