import * as z from 'zod';
import { notifyKinds, type NotifyTarget } from '../../model/notify.ts';
import { Secret } from '../../model/secret.ts';
import { durationMs, must, secretReference, text } from '../../schema/values.ts';
import { partAt, problemIn, type Part } from '../document.ts';
import type { Problems } from '../text/problems.ts';
import { noSuchSecret } from './no-such-secret.ts';

const entrySchema = z
  .strictObject(
    {
      webhook: z
        .union(
          [secretReference, z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })],
          must('{ secret: NAME } or an http:// or https:// URL'),
        )
        .optional()
        .describe('An address that each message is posted to: { secret: NAME } or a URL. Redirects are not followed.'),
      command: z
        .array(z.union([text, z.number()]), must('a list of words'))
        .min(1, must('a list of words'))
        .optional()
        .describe("A command at the controller, in the playbook's folder, with the message on its stdin."),
      form: z
        .enum(['json', 'slack', 'text'], must('json, slack or text'))
        .optional()
        .describe('json, slack ({ "text": … }) or text; json by default for a webhook, text for a command.'),
      on: z
        .array(z.enum(notifyKinds, must(notifyKinds.join(', '))), must(`a list of ${notifyKinds.join(', ')}`))
        .min(1, must(`a list of ${notifyKinds.join(', ')}`))
        .prefault(['finished'])
        .describe(`What is told: ${notifyKinds.join(', ')}. finished is the end of a run, however it ends.`),
      timeout: durationMs.prefault('10s').describe('How long a message may take; 1m at most.'),
    },
    must('a mapping with webhook or command'),
  )
  .refine(({ webhook, command }) => (webhook === undefined) !== (command === undefined), {
    error: 'must have one of webhook and command',
  })
  .refine(({ timeout }) => timeout > 0 && timeout <= 60_000, {
    path: ['timeout'],
    error: 'must be more than 0, and 1m or less',
  });

export const notifySchema = z
  .array(entrySchema, must('a list of webhooks and commands'))
  .optional()
  .describe('Whom each run tells what happens; one that cannot be told never fails a run.');

export type NotifySettings = z.output<typeof notifySchema>;

/** Whom a playbook's runs tell. */
export function notifyOf(
  settings: NotifySettings,
  document: Part,
  { secrets, folder, problems }: { secrets: ReadonlyMap<string, Secret>; folder: string; problems: Problems },
): readonly NotifyTarget[] {
  return (settings ?? []).flatMap(({ webhook, command, form, on, timeout }, index): readonly NotifyTarget[] => {
    const common = { on, timeoutMs: timeout };
    if (command !== undefined)
      return [{ ...common, kind: 'command', form: form ?? 'text', argv: command.map(String), folder }];
    if (typeof webhook === 'string') return [{ ...common, kind: 'webhook', form: form ?? 'json', url: webhook }];
    if (webhook === undefined) return [];
    const inline = partAt(document, 'notify', index, 'webhook').value;
    const url = inline instanceof Secret ? inline : secrets.get(webhook.secret);
    if (url !== undefined) return [{ ...common, kind: 'webhook', form: form ?? 'json', url }];
    problems.add(problemIn(document, ['notify', index, 'webhook', 'secret'], noSuchSecret(webhook.secret, secrets)));
    return [];
  });
}
