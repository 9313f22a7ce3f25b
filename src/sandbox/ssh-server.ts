import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from 'ssh2';
import { Stdin } from './terminal/stdin.ts';
import { gatherWrites } from '../local/gather-writes.ts';
import type { HostIo } from './command/interposer.ts';
import { PowerLost } from './docker/errors.ts';
import { PseudoTerminal } from './terminal/pseudo-terminal.ts';
import { LongWay } from './long-way.ts';

/** What is behind a host's sshd. */
export interface SshHost {
  readonly name: string;
  /** In OpenSSH's format. */
  readonly hostKey: string;
  /** The key that may log in, as the blob of its public part. */
  readonly userKey: Buffer;
  readonly user: string;
  /** Added to every round trip, as a long way would. */
  readonly latencyMs: number;
  /** Runs a command line; resolves to its exit code. @throws PowerLost when the host goes down meanwhile. */
  run(io: HostIo, line: string): Promise<number>;
  /** A TCP connection from the host. @throws where nothing listens. */
  connect(address: string, port: number): Promise<Duplex>;
}

interface PtySize {
  readonly rows: number;
  readonly cols: number;
}

// sshd's default.
const maxSessions = 10;
const internalError = 70;

/**
 * One host's sshd, on a port of its own of 127.0.0.1, which it keeps over a power failure.
 * The SSH part is made at the first connection: thousands of hosts that nobody talks to cost one socket each.
 */
export class SshServer {
  readonly #host: SshHost;
  readonly #sockets = new Set<Socket>();
  #ssh: ssh2.Server | undefined;
  #tcp: TcpServer | undefined;
  #port = 0;
  #isPartitioned = false;

  constructor(host: SshHost) {
    this.#host = host;
  }

  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    const server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => this.#accept(socket));
    this.#tcp = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', 512, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Power failure: every connection is reset, and nobody listens. */
  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await new Promise<void>((resolve) => {
      if (this.#tcp === undefined) resolve();
      else this.#tcp.close(() => resolve());
    });
    this.#tcp = undefined;
  }

  /** A partition: connections stay open and carry nothing; new ones are accepted by nobody. */
  partition(): void {
    this.#isPartitioned = true;
    for (const socket of this.#sockets) silence(socket);
  }

  heal(): void {
    this.#isPartitioned = false;
    for (const socket of this.#sockets) restore(socket);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    this.#ssh ??= this.#makeServer();
    const { latencyMs } = this.#host;
    // ssh2 asks for no more than a duplex stream.
    if (this.#isPartitioned) silence(socket);
    this.#ssh.injectSocket(
      latencyMs === 0 ? gatherWrites(socket) : (new LongWay(socket, latencyMs / 2) as unknown as Socket),
    );
    // ssh2 has just begun to read.
    if (this.#isPartitioned) socket.pause();
  }

  #makeServer(): ssh2.Server {
    return new ssh2.Server({ hostKeys: [this.#host.hostKey], ident: 'OpenSSH_9.2p1 sandbox' }, (connection) =>
      this.#serve(connection),
    );
  }

  #serve(connection: Connection): void {
    const stdins = new Set<Stdin>();
    let sessions = 0;
    connection.on('error', () => undefined);
    connection.once('close', () => stdins.forEach((stdin) => stdin.end()));
    connection.on('authentication', (context) => authenticate(context, this.#host));
    connection.on('session', (accept, reject) => {
      if (sessions >= maxSessions) {
        reject();
        return;
      }
      const session = accept();
      sessions += 1;
      session.once('close', () => (sessions -= 1));
      this.#serveSession(session, stdins);
    });
    connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      this.#host.connect(destIP, destPort).then(
        (upstream) => join(accept(), upstream),
        () => reject(),
      );
    });
  }

  #serveSession(session: Session, stdins: Set<Stdin>): void {
    let size: PtySize | undefined;
    let terminal: PseudoTerminal | undefined;
    session.on('pty', (accept, _reject, { rows, cols }) => {
      size = { rows, cols };
      accept();
    });
    session.on('window-change', (_accept, _reject, { rows, cols }) => {
      if (terminal !== undefined) Object.assign(terminal, { rows, columns: cols });
    });
    session.on('exec', (accept, _reject, { command }) => {
      const channel = accept();
      if (size !== undefined) terminal = new PseudoTerminal(size.rows, size.cols, (text) => void channel.write(text));
      void this.#exec(channel, command, stdins, terminal);
    });
  }

  async #exec(channel: ServerChannel, line: string, stdins: Set<Stdin>, terminal?: PseudoTerminal): Promise<void> {
    const stdin = terminal?.stdin ?? new Stdin();
    let isHungUp = false;
    channel.on('close', () => (isHungUp = true));
    channel.on('data', (chunk: Buffer) =>
      terminal === undefined ? stdin.push(chunk) : terminal.type(chunk.toString()),
    );
    channel.on('end', () => stdin.end());
    channel.on('close', () => stdin.end());
    channel.on('error', () => undefined);
    stdins.add(stdin);
    const output = new GatheredOutput(
      (text, stream) => void (stream === 'stdout' ? channel : channel.stderr).write(text),
    );
    const io: HostIo = {
      readSome: () => stdin.readSome(),
      readStdin: () => stdin.readAll(),
      readLine: () => stdin.readLine(),
      stdinEnded: stdin.ended,
      isHungUp: () => isHungUp,
      stdout: (text) => (terminal === undefined ? output.write(text, 'stdout') : terminal.print(text)),
      stderr: (text) => (terminal === undefined ? output.write(text, 'stderr') : terminal.print(text)),
      // sshd kills nothing when a channel closes: a command ends by itself, or with its stdin; one at a terminal by Ctrl-C.
      signal: terminal?.interrupted ?? new AbortController().signal,
      ...(terminal === undefined ? {} : { terminal }),
    };
    try {
      const outcome = await this.#host.run(io, line);
      output.flush();
      channel.exit(outcome);
    } catch (error) {
      // The host is gone, and its connections with it.
      if (error instanceof PowerLost) return;
      io.stderr(`sandbox: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      output.flush();
      channel.exit(internalError);
    } finally {
      stdins.delete(stdin);
    }
    channel.end();
  }
}

type OutputStream = 'stdout' | 'stderr';

/** Between a command and its sshd, which sends in one packet what has come by then; what was said first goes first. */
class GatheredOutput {
  readonly #send: (text: string, stream: OutputStream) => void;
  #held = '';
  #stream: OutputStream = 'stdout';

  constructor(send: (text: string, stream: OutputStream) => void) {
    this.#send = send;
  }

  write(text: string, stream: OutputStream): void {
    if (stream !== this.#stream) this.flush();
    if (this.#held === '') setImmediate(() => this.flush());
    this.#stream = stream;
    this.#held += text;
  }

  flush(): void {
    if (this.#held !== '') this.#send(this.#held, this.#stream);
    this.#held = '';
  }
}

function authenticate(context: AuthContext, { user, userKey }: SshHost): void {
  if (context.method !== 'publickey') {
    context.reject(['publickey']);
    return;
  }
  const isKnown =
    context.username === user &&
    context.key.data.length === userKey.length &&
    timingSafeEqual(context.key.data, userKey);
  if (!isKnown) {
    context.reject(['publickey']);
    return;
  }
  if (context.signature === undefined || context.blob === undefined) {
    context.accept();
    return;
  }
  const key = ssh2.utils.parseKey(`${context.key.algo} ${userKey.toString('base64')}`);
  // Whatever its types say, verify returns an Error for a signature that it cannot read.
  const verified: unknown = key instanceof Error ? key : key.verify(context.blob, context.signature, context.hashAlgo);
  if (verified === true) context.accept();
  else context.reject(['publickey']);
}

function join(a: Duplex, b: Duplex): void {
  a.pipe(b);
  b.pipe(a);
  const end = () => {
    a.destroy();
    b.destroy();
  };
  for (const stream of [a, b]) {
    stream.on('error', end);
    stream.on('close', end);
  }
}

/** Nothing is read, and what is written stays here. */
function silence(socket: Socket): void {
  socket.cork();
  socket.pause();
}

function restore(socket: Socket): void {
  socket.uncork();
  socket.resume();
}
