import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '../model/secret.ts';
import type { RegistryCredentials } from '../model/play.ts';

/** Docker's client configuration, as far as it tells credentials. */
interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** What a lookup found; `trouble` tells why it found nothing where it should have. */
export interface FoundCredentials {
  readonly credentials?: RegistryCredentials;
  readonly trouble?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** How Docker Hub is called in client configurations. */
const hubServer = 'https://index.docker.io/v1/';
const helperTimeoutMs = 10_000;

/**
 * A registry's credentials from the controller's `~/.docker/config.json` (`DOCKER_CONFIG` overrides its folder), in
 * docker's own order: the helper of that registry, the default helper, the file itself.
 */
export async function findDockerCredentials(registry: string, env: Env): Promise<FoundCredentials> {
  const { config, trouble } = await readDockerConfig(env);
  if (config === undefined) return trouble === undefined ? {} : { trouble };
  const servers = serverNames(registry);
  const helper =
    servers.map((server) => config.credHelpers?.[server]).find((name) => name !== undefined) ?? config.credsStore;
  if (helper !== undefined && helper !== '') {
    const found = await askHelper(helper, servers, registry, env);
    if (found.credentials !== undefined || found.trouble !== undefined) return found;
  }
  for (const server of servers) {
    const entry = config.auths?.[server];
    if (entry?.identitytoken) return { credentials: identityToken(registry, entry.identitytoken) };
    const credentials = entry?.auth === undefined ? undefined : decodeAuth(registry, entry.auth);
    if (credentials !== undefined) return { credentials };
  }
  return {};
}

/** The user name under which docker keeps a token that stands for a login. */
export const identityTokenUser = '<token>';

async function readDockerConfig(env: Env): Promise<{ config?: DockerConfig; trouble?: string }> {
  const folder = env['DOCKER_CONFIG'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.docker'));
  if (folder === undefined) return {};
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return {};
  }
  try {
    const config: unknown = JSON.parse(text);
    return typeof config === 'object' && config !== null ? { config } : {};
  } catch {
    return { trouble: `${path} is not JSON` };
  }
}

/** The ways in which client configurations write a registry. */
function serverNames(registry: string): readonly string[] {
  if (registry === 'docker.io') return [hubServer, 'docker.io', 'index.docker.io', 'registry-1.docker.io'];
  return [
    registry,
    `https://${registry}`,
    `https://${registry}/`,
    `https://${registry}/v1/`,
    `https://${registry}/v2/`,
    `http://${registry}`,
  ];
}

function decodeAuth(registry: string, auth: string): RegistryCredentials | undefined {
  const decoded = Buffer.from(auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon <= 0) return undefined;
  return {
    registry,
    username: decoded.slice(0, colon),
    password: new Secret(`password of ${registry}`, decoded.slice(colon + 1).replace(/\0+$/, '')),
  };
}

function identityToken(registry: string, token: string): RegistryCredentials {
  return { registry, username: identityTokenUser, password: new Secret(`token of ${registry}`, token) };
}

async function askHelper(
  name: string,
  servers: readonly string[],
  registry: string,
  env: Env,
): Promise<FoundCredentials> {
  if (!/^[\w.-]+$/.test(name))
    return { trouble: `docker's configuration names a credential helper that is no program: ${name}` };
  for (const server of servers.slice(0, 2)) {
    const { exitCode, stdout, trouble } = await runHelper(`docker-credential-${name}`, server, env);
    if (trouble !== undefined) return { trouble };
    if (exitCode === 0) return parseHelperAnswer(stdout, registry, name);
    // Helpers exit with 1 also when they simply have nothing for this server.
    if (!/not found/i.test(stdout))
      return { trouble: `docker-credential-${name} failed: ${stdout.trim().slice(0, 200)}` };
  }
  return {};
}

function parseHelperAnswer(stdout: string, registry: string, name: string): FoundCredentials {
  try {
    const { Username: username, Secret: secret } = JSON.parse(stdout) as { Username?: unknown; Secret?: unknown };
    if (typeof username !== 'string' || typeof secret !== 'string') throw new Error('fields are missing');
    return { credentials: { registry, username, password: new Secret(`password of ${registry}`, secret) } };
  } catch {
    return { trouble: `docker-credential-${name} did not print the JSON that docker specifies` };
  }
}

function runHelper(
  program: string,
  server: string,
  env: Env,
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly trouble?: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, ['get'], {
      env: { ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: helperTimeoutMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    // A helper that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${server}\n`);
    child.on('error', (error) =>
      resolve({ exitCode: 127, stdout: '', trouble: `${program} cannot be run: ${error.message}` }),
    );
    child.on('close', (exitCode) =>
      resolve(
        exitCode === null
          ? { exitCode: 137, stdout: '', trouble: `${program} gave no answer within ${helperTimeoutMs / 1000} s` }
          : { exitCode, stdout },
      ),
    );
  });
}
