import * as z from 'zod';
import { must, text, wordsBy } from '../../schema/values.ts';
import { shlexRules } from '../../shell/words.ts';
import { taskModule } from '../module.ts';
import { runCommand } from './run-command.ts';

const words = z.array(text).min(1, must('a command'));

export const commandModule = taskModule({
  name: 'command',
  doc: 'A command on the host, without a shell.',
  schema: z.union([text.transform(wordsBy(shlexRules)), words], must('a command line or a list of words')),
  title: (argv) => argv.join(' '),
  run: (argv, host) => runCommand(argv, host),
});
