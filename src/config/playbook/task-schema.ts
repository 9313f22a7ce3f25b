import * as z from 'zod';
import { handlerKeywords, taskKeywords } from '../../task/keywords.ts';

/** What has to be known before the run: no result of another task may stand in it. */
export const earlySchema = z.object({
  register: taskKeywords.register,
  loop_control: taskKeywords.loop_control,
  retries: taskKeywords.retries,
  delay: taskKeywords.delay,
  timeout: taskKeywords.timeout,
  run_once: taskKeywords.run_once,
  no_log: taskKeywords.no_log,
  notify: taskKeywords.notify,
  listen: handlerKeywords.listen,
});

export const lateSchema = z.object({
  name: taskKeywords.name,
  environment: taskKeywords.environment,
  become: taskKeywords.become,
  become_user: taskKeywords.become_user,
  delegate_to: taskKeywords.delegate_to,
  ignore_errors: taskKeywords.ignore_errors,
  check_mode: taskKeywords.check_mode,
  diff: taskKeywords.diff,
});
