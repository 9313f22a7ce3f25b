import * as z from 'zod';
import { unsafeCharacters } from '../../model/unsafe-text.ts';

/** What a host says is shown and compared, and never run: no control character, and nothing that is too long. */
const line = (most: number) =>
  z
    .string()
    .max(most)
    .refine((text) => text.search(unsafeCharacters) === -1);
const runId = z.string().regex(/^\d{8}-\d{6}-[a-z0-9]{4}$/);
const name = line(200);
const image = z.string().regex(/^[\w.:/@-]{1,500}$/);
const time = z.number().int().nonnegative().max(8.64e15);
const few = <T extends z.ZodType>(value: T, most: number) =>
  z.record(name, value).refine((all) => Object.keys(all).length <= most);
const hostResult = z.enum(['started', 'updated', 'unchanged', 'failed', 'restored']);

/** One run, as it is kept on each host that it touched: what another controller needs to go on, and no secret. */
const keptRunSchema = z.object({
  v: z.literal(1),
  run: runId,
  /** The host's name in the inventory of that run. */
  host: name,
  command: z.enum(['run', 'rollback', 'resume']),
  playbook: line(1000),
  composition: name.optional(),
  user: name,
  controller: name,
  startedAtMs: time,
  /** Every image that it uses, as written, to what that was. */
  images: few(image, 200),
  components: few(z.array(image).max(50), 200),
  /** What it did on this host, by play; and the waves of the play that had held by then. */
  plays: few(z.object({ result: hostResult, held: z.array(name).max(200) }), 50),
  /** A hash of what it was limited to: `-l`, `-t`, `--skip-tags`. */
  selection: z.string().regex(/^[0-9a-f]{16}$/),
  /** `-e`, without any value. */
  extraVars: z.array(line(500)).max(100).optional(),
  rollbackTo: z.enum(['parked', 'composition', 'run']).optional(),
  undoes: runId.optional(),
  /** Of a resumed run: the first one that it goes on with. */
  first: runId.optional(),
  isRollback: z.literal(true).optional(),
  outcome: z.enum(['changed', 'unchanged', 'failed', 'rolled_back', 'paused', 'interrupted']).optional(),
  exitCode: z.number().int().min(0).max(255).optional(),
  durationMs: time.optional(),
});
export type KeptRun = z.output<typeof keptRunSchema>;

/** Images that a run was sent back with. */
const badImagesSchema = z.object({
  v: z.literal(1),
  run: runId,
  atMs: time,
  images: z.array(image).max(200),
});
export type BadImages = z.output<typeof badImagesSchema>;

/** Undefined for anything that this program has not written so. */
export function parseKeptRun(text: string): KeptRun | undefined {
  return parse(keptRunSchema, text);
}

export function parseBadImages(text: string): BadImages | undefined {
  return parse(badImagesSchema, text);
}

function parse<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
