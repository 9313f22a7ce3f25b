import { text } from '../../schema/values.ts';
import { taskModule } from '../module.ts';
import { runCommand } from './run-command.ts';

export const shellModule = taskModule({
  name: 'shell',
  doc: 'A line for sh on the host.',
  schema: text,
  title: (line) => line,
  run: (line, host) => runCommand(['sh', '-c', line], host),
});
