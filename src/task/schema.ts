import * as z from 'zod';
import { condition, durationMs, flag, must, secretReference, tags, text } from '../schema/values.ts';
import { taskModules } from './table.ts';

const modules = Object.fromEntries(taskModules.map(({ name, schema, doc }) => [name, schema.optional().describe(doc)]));
const names = taskModules.map(({ name }) => name);

/** A task, as it may be written: its keywords, and one module with its parameters. */
export const taskSchema = z
  .strictObject(
    {
      name: text.optional().describe('What the log calls it; the command by default.'),
      ...modules,
      when: condition.optional(),
      environment: z
        .record(
          z.string(),
          z.union([z.string(), z.number(), z.boolean(), secretReference], must('text, a number or { secret: NAME }')),
          must('a mapping'),
        )
        .default({})
        .describe('Variables of the command; a value may be { secret: NAME }.'),
      timeout: durationMs.prefault('5m').describe('When the task is given up.'),
      run_once: flag.default(false).describe('On the first host of the play only.'),
      ignore_errors: flag.default(false).describe('A failure is reported, and the run goes on.'),
      tags: tags.optional(),
    },
    must(`a mapping with ${names.join(' or ')}`),
  )
  .refine((task) => names.filter((name) => task[name as keyof typeof task] !== undefined).length === 1, {
    error: `must have ${names.join(' or ')}, and not both`,
  });
