import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { formatLine, mostLineBytes, parseRequest, type SteerReply, type SteerRequest } from './protocol.ts';
import { makePrivate, socketName, socketPath } from './place.ts';

const mostConnections = 16;
const patienceMs = 5000;

/** A run's ear: other terminals of the same user reach it through a socket that is that user's alone. */
export interface ControlServer {
  close(): void;
}

/** Listens at `dir/RUN.sock` (0600). Rejects with why it cannot; a run without it goes on. */
export async function serveControl(
  dir: string,
  run: string,
  answer: (request: SteerRequest) => SteerReply,
  lineTimeoutMs = patienceMs,
): Promise<ControlServer> {
  makePrivate(dir);
  const name = socketName(run);
  const { path, close } = socketPath(dir, name);
  const server = createServer((socket) => converse(socket, answer, lineTimeoutMs));
  server.maxConnections = mostConnections;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    // The folder lets nobody in meanwhile.
    chmodSync(path, 0o600);
  } catch (error) {
    server.close();
    close();
    throw error;
  }
  // What happens to it later is no matter for the run.
  server.on('error', () => undefined);
  // A run that has ended ends the process.
  server.unref();
  await sweep(dir, name);
  return {
    close: () => {
      server.close(() => close());
    },
  };
}

/** One line in, one line back. Whoever sends more, or nothing, is cut off. */
function converse(socket: Socket, answer: (request: SteerRequest) => SteerReply, lineTimeoutMs: number): void {
  let received = Buffer.alloc(0);
  let isAnswered = false;
  const reply = (words: SteerReply): void => {
    isAnswered = true;
    socket.end(formatLine(words));
  };
  socket.unref();
  // From the first byte on: who sends one now and then would stay for ever.
  const tooLate = setTimeout(() => socket.destroy(), lineTimeoutMs).unref();
  socket.once('close', () => clearTimeout(tooLate));
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    if (isAnswered) return;
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\n');
    if (end > mostLineBytes || (end < 0 && received.length > mostLineBytes)) {
      reply({ ok: false, message: `a request has at most ${mostLineBytes} bytes` });
      return;
    }
    if (end < 0) return;
    const request = parseRequest(received.toString('utf8', 0, end));
    reply(typeof request === 'string' ? { ok: false, message: request } : answer(request));
  });
}

/** Sockets that killed runs have left behind: nobody listens at them. */
async function sweep(dir: string, own: string): Promise<void> {
  const others = readdirSync(dir).filter((name) => name.endsWith('.sock') && name !== own);
  await Promise.all(
    others.map(async (name) => {
      if (await isDead(dir, name)) rmSync(`${dir}/${name}`, { force: true });
    }),
  );
}

function isDead(dir: string, name: string): Promise<boolean> {
  const { path, close } = socketPath(dir, name);
  return new Promise((resolve) => {
    const probe = connect(path);
    const end = (dead: boolean): void => {
      probe.destroy();
      close();
      resolve(dead);
    };
    probe.setTimeout(patienceMs, () => end(false));
    probe.once('connect', () => end(false));
    probe.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}
