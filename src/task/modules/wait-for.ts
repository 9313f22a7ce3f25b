import type { Duplex } from 'node:stream';
import * as z from 'zod';
import { must, text, wholeNumber } from '../../schema/values.ts';
import { done, taskModule, type Result, type TaskHost, type TaskSurroundings } from '../module.ts';
import type { Query } from '../query.ts';

const port = wholeNumber.min(1, must('a port')).max(65_535, must('a port'));

const schema = () =>
  z
    .strictObject(
      {
        port: port.optional().describe('A port that is connected to, from the host.'),
        host: text.default('127.0.0.1').describe('Whose port: a name or an address, as the host knows it.'),
        path: text.optional().describe('A file on the host.'),
        state: z
          .enum(
            ['started', 'present', 'stopped', 'absent', 'drained'],
            must('started, present, stopped, absent or drained'),
          )
          .default('started')
          .describe('started and present: it is there; stopped and absent: it is not; drained: no connection is open.'),
        search_regex: text
          .optional()
          .describe('What the file must hold, or what the port must say, as Python finds it.'),
        timeout: wholeNumber
          .default(300)
          .describe('Seconds after which it fails; without port and path so long it waits.'),
        delay: wholeNumber.default(0).describe('Seconds before the first look.'),
        sleep: wholeNumber.default(1).describe('Seconds between two looks.'),
        connect_timeout: wholeNumber.default(5).describe('Seconds that one connection may take.'),
        msg: text.optional().describe('Said when it fails.'),
      },
      must('a mapping with port or path'),
    )
    .refine(({ port: number, path }) => number === undefined || path === undefined, {
      error: 'must have port or path, and not both',
    })
    .refine(({ state, port: number }) => state !== 'drained' || number !== undefined, {
      error: 'must have port with state: drained',
    });
type Params = z.output<ReturnType<typeof schema>>;

/** Every TCP connection of the host, as its kernel has them. */
const sockets: Query & { readonly kind: 'command' } = {
  kind: 'command',
  argv: ['cat', '/proc/net/tcp', '/proc/net/tcp6'],
};

export const waitForModule = taskModule({
  name: 'wait_for',
  doc: 'Waits until a port answers or is silent, or a file is there or gone. Connections go out from the host, through sshd (AllowTcpForwarding).',
  schema,
  observe: (params) => queriesOf(params),
  plan: (params, found, task) => {
    const { port: number, path, delay, state, search_regex: pattern } = params;
    const isThere = state === 'started' || state === 'present';
    const isKnown =
      delay === 0 && pattern === undefined
        ? path !== undefined
          ? (found.path({ path, follow: true }) !== undefined) === isThere
          : isLocal(params) && isThere && listens(found.command(sockets.argv).stdout, number ?? 0)
        : false;
    if (isKnown) return done(resultOf(params, 0));
    return { kind: 'act', why: 'would wait for it', apply: (host) => waitFor(params, host, task) };
  },
});

const isLocal = ({ host, port: number }: Params): boolean =>
  number !== undefined && ['127.0.0.1', 'localhost', '::1'].includes(host);

function queriesOf(params: Params): readonly Query[] {
  const { path, state, delay, search_regex: pattern } = params;
  if (delay > 0 || pattern !== undefined) return [];
  if (path !== undefined) return [{ kind: 'path', path, follow: true }];
  return isLocal(params) && (state === 'started' || state === 'present') ? [sockets] : [];
}

function resultOf({ port: number, path, state, search_regex: pattern }: Params, elapsed: number): Result {
  return {
    changed: false,
    elapsed,
    state,
    port: number ?? null,
    path: path ?? null,
    search_regex: pattern ?? null,
  };
}

async function waitFor(params: Params, host: TaskHost, task: TaskSurroundings): Promise<Result> {
  const startedMs = host.now();
  const elapsed = (): number => Math.floor((host.now() - startedMs) / 1000);
  const endMs = startedMs + params.timeout * 1000;
  if (params.port === undefined && params.path === undefined) {
    await host.sleep(params.timeout * 1000);
    return resultOf(params, elapsed());
  }
  if (params.delay > 0) await host.sleep(params.delay * 1000);
  const regex = params.search_regex === undefined ? undefined : task.regex(`(?m)${params.search_regex}`);
  while (!(await holds(params, host, regex))) {
    if (host.now() >= endMs) {
      const words = params.msg ?? timeoutWords(params);
      return { ...resultOf(params, elapsed()), failed: true, msg: words };
    }
    await host.sleep(Math.min(params.sleep * 1000, Math.max(1, endMs - host.now())));
  }
  return resultOf(params, elapsed());
}

function timeoutWords({ port: number, host, path, state, search_regex: pattern }: Params): string {
  const what = path ?? `${host}:${number ?? ''}`;
  if (state === 'drained') return `Timeout when waiting for ${what} to drain`;
  if (state === 'stopped' || state === 'absent')
    return `Timeout when waiting for ${what} ${path === undefined ? 'to stop' : 'to be absent'}.`;
  if (pattern !== undefined) return `Timeout when waiting for search string ${pattern} in ${what}`;
  return `Timeout when waiting for ${path === undefined ? what : `file ${what}`}`;
}

type Regex = ReturnType<TaskSurroundings['regex']> | undefined;

async function holds(params: Params, host: TaskHost, regex: Regex): Promise<boolean> {
  const { path, port: number = 0, state } = params;
  const isThere = state === 'started' || state === 'present';
  if (path !== undefined) {
    const query = {
      kind: 'path',
      path,
      follow: true,
      ...(regex === undefined ? {} : { wants: 'content' as const }),
    } as const;
    const found = (await host.read([query])).path(query);
    if (!isThere) return found === undefined;
    return found !== undefined && (regex === undefined || regex.search(found.content?.toString() ?? '') !== undefined);
  }
  if (state === 'drained') {
    const { stdout } = await host.run(sockets.argv);
    return !isConnected(stdout, number);
  }
  const stream = await connect(params, host);
  if (stream === undefined) return !isThere;
  try {
    if (!isThere) return false;
    return regex === undefined || (await says(stream, regex, host, params.connect_timeout * 1000));
  } finally {
    stream.destroy();
  }
}

/** Undefined where nobody answers. @throws Error where the host lets nobody out */
async function connect({ host: address, port: number = 0, connect_timeout: seconds }: Params, host: TaskHost) {
  const opening = host.openTcp(number, address);
  const late = host.sleep(seconds * 1000).then(() => undefined);
  late.catch(() => undefined);
  try {
    const stream = await Promise.race([opening, late]);
    if (stream === undefined) opening.then((open) => open.destroy()).catch(() => undefined);
    return stream;
  } catch (error) {
    if (error instanceof Error && 'kind' in error && error.kind === 'forwarding_refused') throw error;
    return undefined;
  }
}

/** Of what it says, the last. */
const mostBytes = 1 << 20;

/** Whether what it says by itself, within the time, has a match. */
async function says(stream: Duplex, regex: NonNullable<Regex>, host: TaskHost, limitMs: number): Promise<boolean> {
  let said = '';
  const read = new Promise<boolean>((resolve) => {
    stream.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString('latin1')}`.slice(-mostBytes);
      if (regex.search(Buffer.from(said, 'latin1').toString()) !== undefined) resolve(true);
    });
    for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve(false));
  });
  const late = host.sleep(limitMs).then(() => false);
  late.catch(() => undefined);
  return Promise.race([read, late]);
}

/** Local port and state of each line: `0A` listens, `01` is connected. */
const socketLine = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm;

function socketsOf(text: string, port: number): readonly { readonly address: string; readonly state: string }[] {
  return [...text.matchAll(socketLine)].flatMap(([, address = '', number = '', state = '']) =>
    parseInt(number, 16) === port ? [{ address, state }] : [],
  );
}

/** Whether somebody listens at a port of every address, or of 127.0.0.1. */
export function listens(text: string, port: number): boolean {
  return socketsOf(text, port).some(({ address, state }) => state === '0A' && /^(?:0+|0100007F)$/.test(address));
}

export function isConnected(text: string, port: number): boolean {
  return socketsOf(text, port).some(({ state }) => state === '01');
}
