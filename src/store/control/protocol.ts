/** What can be asked of a run that is under way. */
export const steerings = ['promote', 'pause', 'abort'] as const;
export type Steering = (typeof steerings)[number];

/** A line to the run. */
export interface SteerRequest {
  readonly do: Steering;
  /** Who asks, for the journal. */
  readonly by: string;
}

/** The line back. */
export interface SteerReply {
  readonly ok: boolean;
  /** What happens now, or why nothing does. */
  readonly message: string;
}

/** Of a line either way, in UTF-8: nobody who speaks this needs more. */
export const mostLineBytes = 4096;
const mostNameLength = 100;

export function formatLine(message: SteerRequest | SteerReply): string {
  return `${JSON.stringify({ v: 1, ...message })}\n`;
}

/** What a line asks for, or in words what is wrong with it. What it has beside is passed over. */
export function parseRequest(line: string): SteerRequest | string {
  const value = parseObject(line);
  if (value === undefined) return 'a request is one JSON object in one line';
  const { do: wanted, by } = value;
  const steering = steerings.find((known) => known === wanted);
  if (steering === undefined) return `"do" must be ${steerings.join(', ')}; got ${shown(wanted)}`;
  if (typeof by !== 'string' || by === '') return `"by" must be a name; got ${shown(by)}`;
  return { do: steering, by: by.slice(0, mostNameLength) };
}

/** Undefined where it is no reply. */
export function parseReply(line: string): SteerReply | undefined {
  const { ok, message } = parseObject(line) ?? {};
  return typeof ok === 'boolean' && typeof message === 'string' ? { ok, message } : undefined;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
}
