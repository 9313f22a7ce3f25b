import * as z from 'zod';
import { must, text } from '../../schema/values.ts';
import { taskModule } from '../module.ts';
import { commandParams, observeCommand, planCommand } from './commands.ts';

export const shellModule = taskModule({
  name: 'shell',
  doc: 'A line for sh on the host, with pipes, redirections and variables.',
  freeForm: { text: 'cmd' },
  schema: () =>
    z.strictObject(
      {
        cmd: text.describe('The line.'),
        ...commandParams,
        executable: text.default('/bin/sh').describe('The shell, by its whole path.'),
      },
      must('a line for the shell'),
    ),
  observe: (params) => observeCommand(params),
  plan: ({ cmd, executable, ...params }, found) => planCommand([executable, '-c', cmd], params, found),
});
