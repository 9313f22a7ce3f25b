import * as z from 'zod';
import { must } from '../schema/values.ts';
import { blockSchema, handlerKeywords, includeSchema, taskKeywords } from './keywords.ts';
import type { TaskModule } from './module.ts';
import { taskModules } from './table.ts';

/** What may stand under a module's name: its parameters, or the text that stands for one. */
function paramsSchema({ schema, freeForm }: TaskModule): z.ZodType {
  const forms: z.ZodType[] = [schema];
  if (freeForm?.text !== undefined) forms.push(z.string());
  if (freeForm?.list !== undefined) forms.push(z.array(z.string()));
  const [only, ...more] = forms;
  return only === undefined || more.length === 0 ? schema : z.union(forms);
}

let written: z.ZodType | undefined;

/** A task as it may be written, for JSON Schema and the manual; the reader words the errors. */
export function writtenTaskSchema(): z.ZodType {
  return (written ??= writtenTask());
}

const writtenTask = (): z.ZodType =>
  z
    .strictObject({
      ...taskKeywords,
      ...handlerKeywords,
      ...blockSchema.partial().shape,
      ...includeSchema.partial().shape,
      ...Object.fromEntries(
        taskModules.map((module) => [module.name, paramsSchema(module).optional().describe(module.doc)]),
      ),
    })
    .meta({ id: 'task' });

/** A list of tasks; its entries are checked one by one. */
export const taskList = z.array(z.unknown(), must('a list of tasks'));
