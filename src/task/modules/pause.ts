import * as z from 'zod';
import { must } from '../../schema/values.ts';
import { done, taskModule } from '../module.ts';

const amount = z.number(must('a number')).min(0, must('0 or more'));

export const pauseModule = taskModule({
  name: 'pause',
  doc: 'Waits a while. It asks nobody: a run has to get along without a terminal.',
  schema: () =>
    z
      .strictObject(
        {
          seconds: amount.optional().describe('So long.'),
          minutes: amount.optional().describe('The same in minutes.'),
        },
        must('a mapping with seconds or minutes'),
      )
      .refine(({ seconds, minutes }) => (seconds === undefined) !== (minutes === undefined), {
        error: 'must have seconds or minutes, and not both',
      }),
  plan: ({ seconds = 0, minutes = 0 }) => {
    const total = seconds + minutes * 60;
    if (total === 0) return done({ changed: false, rc: 0, stdout: '', stderr: '' });
    return {
      kind: 'act',
      why: `would wait for ${total} s`,
      apply: async (host) => {
        await host.sleep(total * 1000);
        return { changed: false, rc: 0, stdout: `Paused for ${total} seconds`, stderr: '' };
      },
    };
  },
});
