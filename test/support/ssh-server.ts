import { once } from 'node:events';
import { constants } from 'node:os';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { frameMarks, unframe, type FrameKey } from '../../src/shell/frame.ts';
import { shellRules, splitWords } from '../../src/shell/words.ts';
import ssh2, { type AuthContext, type Connection, type ParsedKey, type Server, type ServerChannel } from 'ssh2';

export interface KeyPair {
  readonly private: string;
  readonly public: string;
  /** In wire form. */
  readonly blob: Buffer;
}

export function generateKey(type: 'ed25519' | 'rsa' | 'ecdsa' = 'ed25519', passphrase?: string): KeyPair {
  const locked = passphrase === undefined ? {} : { passphrase, cipher: 'aes256-ctr', rounds: 1 };
  const options = { bits: type === 'rsa' ? 2048 : 256, ...locked };
  for (;;) {
    // The types of ssh2 tie each key type to options of its own.
    const pair = ssh2.utils.generateKeyPairSync(type as 'rsa', options as { bits: number });
    // One ed25519 key in 256 comes out a byte short.
    const parsed = ssh2.utils.parseKey(pair.public);
    if (!(parsed instanceof Error)) return { ...pair, blob: parsed.getPublicSSH() };
  }
}

export function publicKey(text: string): ParsedKey {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key;
}

export type ExecHandler = (channel: ServerChannel, command: string) => void;

export interface TestServerOptions {
  readonly hostKeys?: readonly KeyPair[];
  /** Public keys that may log in, as any user. */
  readonly authorizedKeys?: readonly KeyPair[];
  /** Instead: decides every attempt. */
  readonly authenticate?: (context: AuthContext) => void;
  /** Given commands as they were before they were framed, between the marks of their frame. */
  readonly exec?: ExecHandler;
  /** Instead: given the line as it came, and nothing is marked. */
  readonly login?: ExecHandler;
  /** Sessions beyond this number on one connection are refused, as sshd's MaxSessions does. */
  readonly maxSessions?: number;
  readonly algorithms?: ssh2.ServerConfig['algorithms'];
  readonly forwarding?: boolean;
}

/** An SSH server on a loopback port, in this process. */
export interface TestServer {
  readonly port: number;
  readonly hostKeys: readonly KeyPair[];
  /** `METHOD USER`, or `publickey TYPE HASH`, of every attempt to log in; for a good key a question, then the signature. */
  readonly attempts: string[];
  readonly commands: string[];
  readonly connections: Connection[];
  readonly sockets: Socket[];
  /** How many connections there were in all. */
  readonly connectionCount: () => number;
  /** Takes a connection that came in elsewhere. */
  injectSocket(socket: Socket): void;
  close(): Promise<void>;
}

export async function startSshServer(options: TestServerOptions = {}): Promise<TestServer> {
  const hostKeys = options.hostKeys ?? [generateKey()];
  const attempts: string[] = [];
  const commands: string[] = [];
  const connections: Connection[] = [];
  const sockets: Socket[] = [];
  const server: Server = new ssh2.Server(
    {
      hostKeys: hostKeys.map((key) => key.private),
      ...(options.algorithms === undefined ? {} : { algorithms: options.algorithms }),
    },
    (connection) => {
      connections.push(connection);
      connection.on('error', () => undefined);
      connection.on('authentication', (context) => {
        attempts.push(describeAttempt(context));
        (options.authenticate ?? acceptKeys(options.authorizedKeys ?? []))(context);
      });
      let sessions = 0;
      connection.on('session', (accept, reject) => {
        if (sessions >= (options.maxSessions ?? Infinity)) {
          reject();
          return;
        }
        sessions++;
        const session = accept();
        session.on('close', () => sessions--);
        session.on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          const framed = unframe(splitWords(command, shellRules));
          commands.push(framed?.line ?? command);
          if (options.login !== undefined || framed === undefined) {
            (options.login ?? answerOk)(channel, command);
            return;
          }
          (options.exec ?? answerOk)(marked(channel, framed.key), framed.line);
        });
      });
      // With nobody who listens to it, it is refused as sshd's AllowTcpForwarding no refuses it.
      if (options.forwarding === false) return;
      connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
        const socket = connect(destPort, destIP);
        socket.once('error', reject);
        socket.once('connect', () => {
          const channel = accept();
          socket.pipe(channel).pipe(socket);
          socket.on('close', () => channel.close());
          channel.on('close', () => socket.destroy());
        });
      });
    },
  );
  const injectSocket = (socket: Socket): void => {
    sockets.push(socket);
    server.injectSocket(socket);
  };
  const listener = createServer({ noDelay: true }, injectSocket);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    hostKeys,
    attempts,
    commands,
    connections,
    sockets,
    injectSocket,
    connectionCount: () => connections.length,
    async close() {
      for (const connection of connections) connection.end();
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** A channel as a command's own `sh` has it: its output between the marks, its end told in them. */
export function marked(channel: ServerChannel, key: FrameKey): ServerChannel {
  const { stdout, stderr } = frameMarks(key);
  channel.write(stdout.begin);
  channel.stderr.write(stderr.begin);
  const exit = channel.exit.bind(channel) as (status: number | string) => void;
  channel.exit = (status: number | string) => {
    const signals: Readonly<Record<string, number>> = constants.signals;
    const code = typeof status === 'number' ? status : 128 + (signals[`SIG${status}`] ?? 0);
    channel.stderr.write(stderr.end);
    channel.write(`${stdout.end}${code}${stdout.last}`);
    exit(status);
  };
  return channel;
}

function describeAttempt(context: AuthContext): string {
  if (context.method !== 'publickey') return `${context.method} ${context.username}`;
  const { key, hashAlgo } = context;
  return ['publickey', key.algo, hashAlgo].filter((part) => part !== undefined).join(' ');
}

/** Ends a command with output and an exit code. */
export function answer(channel: ServerChannel, stdout: string | Buffer, exitCode = 0, stderr = ''): void {
  channel.write(stdout);
  if (stderr !== '') channel.stderr.write(stderr);
  channel.exit(exitCode);
  channel.end();
}

const answerOk: ExecHandler = (channel) => answer(channel, '');

function acceptKeys(keys: readonly KeyPair[]): (context: AuthContext) => void {
  return (context) => {
    if (context.method !== 'publickey') {
      context.reject(['publickey']);
      return;
    }
    const known = keys.find(({ blob }) => blob.equals(context.key.data));
    if (known === undefined) {
      context.reject(['publickey']);
      return;
    }
    if (context.signature === undefined || context.blob === undefined) {
      context.accept();
      return;
    }
    const verified = publicKey(known.public).verify(context.blob, context.signature, context.hashAlgo);
    if (verified) context.accept();
    else context.reject(['publickey']);
  };
}
