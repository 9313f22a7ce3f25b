// Modules that touch no host: they say something, decide, or keep a value.
import * as z from 'zod';
import type { Value } from '../../model/host.ts';
import { flag, must, text } from '../../schema/values.ts';
import { done, failed, taskModule, type Result } from '../module.ts';

const anything = z.unknown().transform((value) => value as Value);
const conditions = z
  .union(
    [z.string(), z.boolean(), z.array(z.union([z.string(), z.boolean()]))],
    must('an expression or a list of them'),
  )
  .transform((value) => [value].flat());

export const debugModule = taskModule({
  name: 'debug',
  doc: 'Says something in the log.',
  schema: () =>
    z.strictObject(
      {
        msg: anything.optional().describe('What is said.'),
        var: text.optional().describe('A variable, by its name, to be shown.'),
      },
      must('a mapping with msg or var'),
    ),
  plan: ({ msg, var: name }, _, task) => {
    if (name === undefined) return done({ changed: false, msg: msg ?? 'Hello world!' });
    return done({ changed: false, [name]: task.evaluate(name) });
  },
});

export const failModule = taskModule({
  name: 'fail',
  doc: 'Fails, with a message.',
  schema: () =>
    z.strictObject({ msg: text.default('Failed as requested from task').describe('Why.') }, must('a mapping with msg')),
  plan: ({ msg }) => failed(msg),
});

export const assertModule = taskModule({
  name: 'assert',
  doc: 'Fails unless every expression holds.',
  schema: () =>
    z.strictObject(
      {
        that: conditions.describe('An expression without braces, or a list of them.'),
        fail_msg: anything.optional().describe('Said where one does not hold.'),
        success_msg: anything.optional().describe('Said where all hold.'),
        quiet: flag.default(false).describe('Say no more than that.'),
      },
      must('a mapping with that'),
    ),
  plan: ({ that, fail_msg: wrong = 'Assertion failed', success_msg: right = 'All assertions passed' }, _, task) => {
    const untrue = that.find((expression) => !task.test(expression));
    if (untrue === undefined) return done({ changed: false, msg: right });
    return done({ failed: true, changed: false, evaluated_to: false, assertion: untrue, msg: wrong });
  },
});

export const setFactModule = taskModule({
  name: 'set_fact',
  doc: 'Variables of the host, from here to the end of the play. Their values are data: no template in them is rendered again.',
  schema: () =>
    z.record(
      z.string().regex(/^[A-Za-z_]\w*$/, must('a name of letters, digits and _')),
      anything,
      must('a mapping of names to values'),
    ),
  secrets: ['*'],
  plan: (facts) => done({ changed: false, ansible_facts: facts as Result }),
});
