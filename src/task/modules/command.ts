import * as z from 'zod';
import { must, text } from '../../schema/values.ts';
import { splitShellWords, UnfinishedWord } from '../../shell/shell-words.ts';
import { taskModule } from '../module.ts';
import { runCommand } from './run-command.ts';

const words = z.array(text).min(1, must('a command'));

export const commandModule = taskModule({
  name: 'command',
  doc: 'A command on the host, without a shell.',
  schema: z.union([text.transform(splitWords), words], must('a command line or a list of words')),
  title: (argv) => argv.join(' '),
  run: (argv, host) => runCommand(argv, host),
});

function splitWords(line: string, context: z.RefinementCtx): string[] {
  try {
    return splitShellWords(line, { comments: false }).map((word) => word.text);
  } catch (error) {
    if (!(error instanceof UnfinishedWord)) throw error;
    context.addIssue({ code: 'custom', message: `cannot be split into words: ${error.message}` });
    return z.NEVER;
  }
}
