import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { assertNever } from '../model/assert-never.ts';
import type { Probe, Service } from '../model/service.ts';
import { RemoteError, type Remote } from '../ssh/remote.ts';

/**
 * One try of a probe, through the host's SSH connection: undefined when it passes, else what was found. One that gets no
 * answer in its time has found that; whether the host is still there is for whoever else talks to it to notice.
 * @throws RemoteError when the connection is lost
 */
export async function tryProbe(probe: Probe, remote: Remote): Promise<string | undefined> {
  try {
    return await askProbe(probe, remote);
  } catch (error) {
    if (error instanceof RemoteError && error.kind === 'timeout') return error.message;
    throw error;
  }
}

/**
 * As {@link tryProbe}, for a finding that ends something: a silent port says nothing of the application while the whole
 * host is silent, so the host is asked, and then the probe once more.
 * @param askHost throws when the host gives no answer
 */
export async function tryWhileAnswering(
  probe: Probe,
  remote: Remote,
  askHost: () => Promise<unknown>,
): Promise<string | undefined> {
  if ((await tryProbe(probe, remote)) === undefined) return undefined;
  await askHost();
  return tryProbe(probe, remote);
}

/**
 * Whether sshd lets probes through at all: AllowTcpForwarding, PermitOpen and their like. Nothing need answer yet.
 * @throws RemoteError 'forwarding_refused'
 */
export async function assertForwarding(services: readonly Service[], remote: Remote): Promise<void> {
  const ports = services.flatMap(({ probe }) => (probe === undefined || probe.kind === 'command' ? [] : [probe.port]));
  for (const port of new Set(ports))
    await open(remote, port).then((stream) => typeof stream === 'string' || stream.destroy());
}

function askProbe(probe: Probe, remote: Remote): Promise<string | undefined> {
  switch (probe.kind) {
    case 'http':
      return tryHttp(probe, remote);
    case 'tcp':
      return tryTcp(probe, remote);
    case 'command':
      return tryCommand(probe, remote);
    default:
      return assertNever(probe);
  }
}

async function tryCommand(
  { command, timeoutMs }: Extract<Probe, { kind: 'command' }>,
  remote: Remote,
): Promise<string | undefined> {
  const { exitCode, stderr } = await remote.exec(command, { timeoutMs });
  return exitCode === 0 ? undefined : `${command.join(' ')} exited with ${exitCode}: ${lastLine(stderr)}`;
}

async function tryHttp(probe: Extract<Probe, { kind: 'http' }>, remote: Remote): Promise<string | undefined> {
  const what = `GET http://127.0.0.1:${probe.port}${probe.path}`;
  const stream = await open(remote, probe.port);
  if (typeof stream === 'string') return `${what}: ${stream}`;
  return new Promise((resolve) => {
    const finish = (found: string | undefined): void => {
      sent.destroy();
      stream.destroy();
      resolve(found);
    };
    const sent = request({
      createConnection: () => stream,
      host: '127.0.0.1',
      port: probe.port,
      path: probe.path,
      headers: { host: `127.0.0.1:${probe.port}`, 'user-agent': 'rollout', connection: 'close', ...probe.headers },
      timeout: probe.timeoutMs,
      signal: AbortSignal.timeout(probe.timeoutMs),
    });
    sent.on('response', ({ statusCode = 0 }) => {
      finish(isPassing(statusCode, probe.status) ? undefined : `${what} answered ${statusCode}`);
    });
    sent.on('error', (error) => {
      finish(`${what}: ${error.name === 'AbortError' ? `no answer within ${probe.timeoutMs} ms` : error.message}`);
    });
    sent.end();
  });
}

async function tryTcp(probe: Extract<Probe, { kind: 'tcp' }>, remote: Remote): Promise<string | undefined> {
  const stream = await open(remote, probe.port);
  if (typeof stream === 'string') return `tcp 127.0.0.1:${probe.port}: ${stream}`;
  stream.destroy();
  return undefined;
}

async function open(remote: Remote, port: number): Promise<Duplex | string> {
  try {
    return await remote.openTcp(port);
  } catch (error) {
    // A refused port is what the probe found; a lost connection is not the application's doing.
    if (error instanceof RemoteError && error.kind !== 'channel_refused') throw error;
    return error instanceof Error ? error.message : String(error);
  }
}

function isPassing(status: number, wanted: readonly number[] | undefined): boolean {
  return wanted === undefined ? status >= 200 && status < 400 : wanted.includes(status);
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';
