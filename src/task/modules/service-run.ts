import * as z from 'zod';
import { must, text, wordsBy } from '../../schema/values.ts';
import { shlexRules } from '../../shell/words.ts';
import { taskModule, type Result, type TaskHost, type TaskServices } from '../module.ts';
import type { CommandResult } from '../query.ts';

const word = z.union([z.string(), z.number(), z.boolean()], must('text')).transform(String);

/** A command line, or its words. */
export const commandWords = z.union(
  [text.transform(wordsBy(shlexRules)), z.array(word, must('a list of words')).min(1, must('a command'))],
  must('a command line or a list of words'),
);

/** Of every module that runs a command in a container. */
export const containerParams = {
  service: text.describe('A service of the play, by its name.'),
  user: z.union([z.string(), z.number()], must('text')).transform(String).optional().describe('As whom.'),
  working_dir: text.optional().describe('The folder in the container that it runs in.'),
};

export const serviceRunModule = taskModule({
  name: 'service_run',
  doc: 'A container of its own of a service, with the **new** image and all of the environment, networks, volumes, secrets and limits of the service: the place for a migration. Its output is shown as it comes, its exit code is the result, and it is removed afterwards. It publishes no ports, has no name in networks, and no labels of the service. `environment` of the task adds variables.',
  schema: () =>
    z.strictObject(
      {
        ...containerParams,
        command: commandWords.optional().describe("Instead of the service's command."),
        entrypoint: commandWords.optional().describe("Instead of the image's entrypoint, and without the command."),
      },
      must('a mapping with service'),
    ),
  plan: ({ service, command, entrypoint, user, working_dir: workingDir }) => ({
    kind: 'act',
    why: 'it runs, and what it changes cannot be told before',
    apply: async (host) =>
      resultOf(await servicesOf(host, 'service_run').runOnce(service, { command, entrypoint, user, workingDir })),
  }),
});

/** @throws Error on a host that the play is not about */
export function servicesOf({ services }: TaskHost, module: string): TaskServices {
  if (services === undefined)
    throw new Error(`${module} works with the services of its own host: leave delegate_to out`);
  return services;
}

/** As a command's. */
export function resultOf({ exitCode, stdout, stderr }: CommandResult): Result {
  const strip = (output: string): string => output.replace(/[\r\n]+$/, '');
  return {
    changed: true,
    rc: exitCode,
    stdout: strip(stdout),
    stderr: strip(stderr),
    ...(exitCode === 0 ? {} : { failed: true, msg: 'non-zero return code' }),
  };
}
