import * as z from 'zod';
import { must } from '../../schema/values.ts';
import { taskModule } from '../module.ts';
import { commandWords, containerParams, resultOf, servicesOf } from './service-run.ts';

export const serviceExecModule = taskModule({
  name: 'service_exec',
  doc: 'A command in the container of a service that runs on the host. Its output is shown as it comes, its exit code is the result. `environment` of the task adds variables.',
  schema: () =>
    z.strictObject(
      {
        ...containerParams,
        command: commandWords.describe('The command. It has no shell but the one that it names.'),
        stdin: z.union([z.string(), z.number()], must('text')).transform(String).optional().describe('What it reads.'),
      },
      must('a mapping with service and command'),
    ),
  plan: ({ service, command, user, working_dir: workingDir, stdin }) => ({
    kind: 'act',
    why: 'it runs, and what it changes cannot be told before',
    apply: async (host) =>
      resultOf(await servicesOf(host, 'service_exec').exec(service, { command, user, workingDir, stdin })),
  }),
});
