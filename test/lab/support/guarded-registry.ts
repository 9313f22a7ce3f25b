import { spawn } from 'node:child_process';
import { createSign, randomUUID, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from './fleet.ts';
import { controllerAddress, labDir } from './layout.ts';
import { cleanEnvironment, run } from './processes.ts';

/** Who is let in. The hash is bcrypt's, of this password. */
export const login = {
  username: 'deploy',
  password: 'correct-horse-battery',
  htpasswd: 'deploy:$2b$05$fcYqGqe8cS6KxKHoF1yMOuK9fMgaja1jqKYfwbNfADPYZEHgqA4WG\n',
} as const;

export interface GuardedRegistry {
  /** Address and port, as image names begin. */
  readonly host: string;
  close(): Promise<void>;
}

/** A second registry over the images of the lab's own one, which asks for a login: by htpasswd, or by a token server. */
export async function startGuardedRegistry(
  lab: Lab,
  guard: 'htpasswd' | 'token',
  port: number,
): Promise<GuardedRegistry> {
  const { name, network } = lab.settings;
  const folder = join(labDir(name), `registry-${guard}`);
  await mkdir(folder, { recursive: true });
  const address = controllerAddress(network);
  const tokens = guard === 'token' ? await startTokenServer(folder, address, port + 1) : undefined;
  await writeFile(join(folder, 'htpasswd'), login.htpasswd);
  const config = join(folder, 'config.yml');
  await writeFile(config, configOf(join(labDir(name), 'registry', 'data'), `${address}:${port}`, folder, guard, port));
  const child = spawn('docker-registry', ['serve', config], { env: cleanEnvironment, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await tokens?.close();
    await rm(folder, { recursive: true, force: true });
  };
  const end = Date.now() + 30_000;
  while (!(await accepts(address, port))) {
    if (child.exitCode !== null || Date.now() > end) {
      await close();
      throw new Error(`the ${guard} registry did not start`);
    }
    await sleep(50);
  }
  return { host: `${address}:${port}`, close };
}

function configOf(data: string, address: string, folder: string, guard: 'htpasswd' | 'token', port: number): string {
  const host = address.split(':')[0] ?? '';
  const auth =
    guard === 'htpasswd'
      ? `htpasswd: { realm: lab, path: ${join(folder, 'htpasswd')} }`
      : `token: { realm: "http://${host}:${port + 1}/token", service: lab, issuer: lab, rootcertbundle: ${join(folder, 'cert.pem')} }`;
  return `version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${data} } }
http: { addr: "${address}", secret: only-for-tests }
auth: { ${auth} }
`;
}

/** Gives the registry's tokens to those who know the password. */
async function startTokenServer(folder: string, address: string, port: number): Promise<{ close(): Promise<void> }> {
  const keyFile = join(folder, 'key.pem');
  const certificateFile = join(folder, 'cert.pem');
  const subject = ['-subj', '/CN=lab', '-days', '2', '-keyout', keyFile, '-out', certificateFile];
  await run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject]);
  const key = await readFile(keyFile, 'utf8');
  const certificate = new X509Certificate(await readFile(certificateFile)).raw.toString('base64');
  const wanted = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== wanted) {
      response.writeHead(401).end();
      return;
    }
    const scope = new URL(request.url ?? '/', 'http://lab').searchParams.get('scope') ?? '';
    response.end(JSON.stringify({ token: signToken(scope, key, certificate), expires_in: 300 }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  return { close: () => closeServer(server) };
}

function signToken(scope: string, key: string, certificate: string): string {
  const [type, name, actions = ''] = scope.split(':');
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'lab',
    sub: login.username,
    aud: 'lab',
    exp: nowS + 300,
    nbf: nowS - 10,
    iat: nowS,
    jti: randomUUID(),
    access: name === undefined ? [] : [{ type, name, actions: actions.split(',') }],
  };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const content = `${encode({ typ: 'JWT', alg: 'RS256', x5c: [certificate] })}.${encode(claims)}`;
  return `${content}.${createSign('sha256').update(content).sign(key, 'base64url')}`;
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const finish = (does: boolean) => (): void => {
      socket.destroy();
      resolve(does);
    };
    socket.on('connect', finish(true)).on('error', finish(false)).on('timeout', finish(false));
  });
}
