import * as z from 'zod';
import { ms, text, texts, whole } from './schema-parts.ts';
import type { WatchEvent } from './watch-event.ts';

type FieldsOf<T extends WatchEvent['type']> = Exclude<keyof (WatchEvent & { readonly type: T }), 'v' | 'at' | 'type'>;

/** Every field of every event has its schema, and none has one that it does not have: the compiler says so. */
type Entries = {
  readonly [T in WatchEvent['type']]: {
    readonly doc: string;
    readonly fields: Readonly<Record<FieldsOf<T>, z.ZodType>>;
  };
};

const digest = text.describe('`sha256:…`');
const tag = text.describe('`registry.example.com/shop/app:dev`');
const nextMs = z.number().optional().describe('When it is tried again, in milliseconds since the epoch.');

const change = z
  .object({
    tag,
    from: texts.describe('What hosts run by now, each digest once; none where the service is new.'),
    to: digest,
  })
  .describe('A tag that is to be rolled out.');

const hold = z
  .object({
    tag,
    digest,
    reason: z
      .enum(['bad', 'young'])
      .describe('`bad`: a run with it was sent back; `young`: it is not yet `--min-age` old.'),
    untilMs: z.number().optional().describe('Of a young one: when it is old enough, in milliseconds since the epoch.'),
    run: text.optional().describe('Of a bad one: the run that was sent back, where it is known.'),
  })
  .describe('A tag whose new image is not rolled out, and why.');

/** What `rollout watch` says between its runs, beside `v`, `type` and `at`: no run says it, so there is no `run` but where it is named. */
export const watchEventEntries = {
  watch_started: {
    doc: 'The watch introduces itself.',
    fields: {
      playbook: text,
      tags: texts.describe('Those in use, as far as they are known without the facts of hosts.'),
      everyMs: ms('How long between two looks; absent with `--once`').optional(),
      minAgeMs: ms('How old an image must be'),
    },
  },
  watch_held: { doc: 'A new image is not rolled out.', fields: { hold } },
  watch_changed: { doc: "Tags have moved. The run's own events follow.", fields: { changes: z.array(change) } },
  watch_ran: {
    doc: 'The run of a change is over.',
    fields: {
      run: text.optional().describe('Its id; absent where it was refused before it had one.'),
      exitCode: whole,
      verdict: z
        .enum(['done', 'bad', 'again', 'closed', 'paused', 'interrupted'])
        .describe(
          '`bad`: its digests are not tried again; `again`: nothing was touched; `closed`: its window has closed; `paused`: it waits for somebody.',
        ),
      bad: texts.describe('Digests that are not tried again.'),
      message: text.optional(),
      nextMs,
    },
  },
  watch_resumed: { doc: 'A run that was cut off is gone on with.', fields: { run: text } },
  watch_trouble: {
    doc: 'Something cannot be looked at, or rolled out, for now.',
    fields: { subject: text.describe('A tag, the hosts, the playbook or the window.'), message: text, nextMs },
  },
  watch_recovered: { doc: 'That trouble has ended.', fields: { subject: text } },
  watch_heartbeat: {
    doc: 'The watch lives: every 15 minutes without anything else to say.',
    fields: { looks: whole.describe('Since the last one.'), tags: whole.describe('That are watched.') },
  },
  watch_stopped: { doc: 'A signal has ended the watch.', fields: { by: text } },
} as const satisfies Entries;
