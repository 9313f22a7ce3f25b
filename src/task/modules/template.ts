import * as z from 'zod';
import { must, text } from '../../schema/values.ts';
import { taskModule } from '../module.ts';
import { copyParams, observeDestination, planDestination } from './copy.ts';
import { nameOf } from './files.ts';

export const templateModule = taskModule({
  name: 'template',
  doc: 'A file on the host, from a Jinja template of the controller with the variables of the host. What uses a secret is written and never shown.',
  schema: () =>
    z.strictObject(
      {
        src: text.describe("The template's file, relative to the playbook, or below templates/ beside it."),
        ...copyParams,
      },
      must('a mapping with src and dest'),
    ),
  observe: (params) => observeDestination(params, nameOf(params.src)),
  plan: ({ src, ...params }, found, task) => {
    const file = task.controller.file(src, 'templates');
    return planDestination(params, task.render(Buffer.from(file.content).toString(), file.path), nameOf(src), found);
  },
});
