import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../local/program.ts';
import { Secret } from '../model/secret.ts';
import { hubServer, registryOfKey } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';

/** Docker's client configuration, as far as it tells credentials. */
interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry | null>>;
  readonly credHelpers?: Readonly<Record<string, unknown>>;
  readonly credsStore?: unknown;
}

type AuthEntry = Readonly<Partial<Record<'auth' | 'identitytoken' | 'registrytoken' | 'password', unknown>>>;

/** What a lookup found; `trouble` tells why it found nothing where it should have. */
export interface FoundCredentials {
  readonly credentials?: RegistryCredentials;
  readonly trouble?: string;
  /** Whatever the sources hold that nobody may see: of other registries too. */
  readonly secrets?: readonly Secret[];
}

type Env = Readonly<Record<string, string | undefined>>;

const helperTimeoutMs = 10_000;
export const helperLimitBytes = 65_536;

/**
 * A registry's credentials from the controller's `~/.docker/config.json` (`DOCKER_CONFIG` overrides its folder), in
 * docker's own order: the helper of that registry, the default helper, the file itself.
 */
export async function findDockerCredentials(registry: string, env: Env): Promise<FoundCredentials> {
  const { config, trouble } = await readDockerConfig(env);
  if (config === undefined) return trouble === undefined ? {} : { trouble };
  const secrets = secretsIn(config);
  const found = await findIn(config, registry, env);
  const { password } = found.credentials ?? {};
  return { ...found, secrets: password === undefined ? secrets : [...secrets, password] };
}

async function findIn(config: DockerConfig, registry: string, env: Env): Promise<FoundCredentials> {
  const helper = ofRegistry(config.credHelpers, registry).map(([, name]) => name)[0] ?? config.credsStore;
  if (typeof helper === 'string' && helper !== '') {
    const found = await askHelper(helper, serverNames(registry), registry, env);
    if (found.credentials !== undefined || found.trouble !== undefined) return found;
  }
  for (const [, entry] of ofRegistry(config.auths, registry)) {
    if (isText(entry?.identitytoken)) return { credentials: identityToken(registry, entry.identitytoken) };
    const credentials = isText(entry?.auth) ? decodeAuth(registry, entry.auth) : undefined;
    if (credentials !== undefined) return { credentials };
  }
  return {};
}

/** Entries of a registry, the one of its plain name first: docker takes a key with a scheme or a path for its host. */
function ofRegistry<Entry>(entries: Readonly<Record<string, Entry>> | undefined, registry: string): [string, Entry][] {
  return Object.entries(entries ?? {})
    .filter(([key]) => registryOfKey(key) === registry.toLowerCase())
    .sort(([a], [b]) => Number(b === registry) - Number(a === registry));
}

/** Passwords and tokens, as they stand in the file and as they are. */
function secretsIn({ auths }: DockerConfig): Secret[] {
  return Object.entries(auths ?? {}).flatMap(([key, entry]) => {
    const registry = registryOfKey(key);
    const auth = isText(entry?.auth) ? entry.auth : '';
    const password = decodeAuth(registry, auth)?.password;
    const tokens = [entry?.identitytoken, entry?.registrytoken, entry?.password].filter(isText);
    return [
      ...(password === undefined ? [] : [password, new Secret(`password of ${registry}`, auth)]),
      ...tokens.map((token) => new Secret(`token of ${registry}`, token)),
    ];
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** The user name under which docker keeps a token that stands for a login. */
export const identityTokenUser = '<token>';

async function readDockerConfig(env: Env): Promise<{ config?: DockerConfig; trouble?: string }> {
  const folder = env['DOCKER_CONFIG'] || (env['HOME'] === undefined ? undefined : join(env['HOME'], '.docker'));
  if (folder === undefined) return {};
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Whoever has no such file has no credentials; one that cannot be read may hold them.
    return code === 'ENOENT' || code === 'ENOTDIR' ? {} : { trouble: `${path} cannot be read: ${message}` };
  }
  try {
    const config: unknown = JSON.parse(text);
    const isMap = typeof config === 'object' && config !== null && !Array.isArray(config);
    return isMap ? { config } : { trouble: `${path} is no JSON object` };
  } catch {
    return { trouble: `${path} is not JSON` };
  }
}

/** The names under which helpers may keep a registry. */
function serverNames(registry: string): readonly string[] {
  return registry === 'docker.io' ? [hubServer, 'docker.io'] : [registry, `https://${registry}`];
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
  for (const server of servers) {
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

async function runHelper(
  program: string,
  server: string,
  env: Env,
): Promise<{ readonly exitCode: number; readonly stdout: string; readonly trouble?: string }> {
  const options = {
    env,
    stdin: `${server}\n`,
    timeoutMs: helperTimeoutMs,
    mostBytes: helperLimitBytes,
    ownGroup: false,
  };
  const { end, stdout } = await runProgram([program, 'get'], options);
  switch (end.kind) {
    case 'exited':
      return { exitCode: end.code, stdout };
    case 'late':
      return { exitCode: 137, stdout: '', trouble: `${program} gave no answer within ${helperTimeoutMs / 1000} s` };
    case 'endless':
      return { exitCode: 137, stdout: '', trouble: `${program} prints without end` };
    case 'unstarted':
      return { exitCode: 127, stdout: '', trouble: `${program} cannot be run: ${end.error.message}` };
    case 'signalled':
    case 'aborted':
      return { exitCode: 137, stdout };
  }
}

/** Docker's `config.json` with one login: by name and password, or by the token that a login left behind. */
export function clientConfig(registry: string, username: string, password: string): string {
  const isToken = username === identityTokenUser;
  const auth = Buffer.from(`${username}:${isToken ? '' : password}`).toString('base64');
  const server = registry === 'docker.io' ? hubServer : registry;
  return JSON.stringify({ auths: { [server]: { auth, ...(isToken ? { identitytoken: password } : {}) } } });
}
