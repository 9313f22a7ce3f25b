import type { RegistryCredentials } from '../model/play.ts';
import { identityTokenUser } from './docker-config.ts';
import { RegistryError } from './registry-error.ts';
import type { RegistryHttp } from './registry-http.ts';

/** What a registry asks for with a 401. */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

/** Parses `WWW-Authenticate`; the bearer scheme is preferred where both are offered. */
export function parseChallenge(header: string): Challenge | undefined {
  const challenges = [
    ...header.matchAll(/(?:^|,\s*)(basic|bearer)\s+((?:[\w-]+\s*=\s*(?:"[^"]*"|[^\s,]+)\s*,?\s*)*)/gi),
  ].map(([, scheme = '', parameters = '']): Challenge => ({
    scheme: scheme.toLowerCase() as Challenge['scheme'],
    parameters: Object.fromEntries(
      [...parameters.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))/g)].map(([, name = '', quoted, bare]) => [
        name.toLowerCase(),
        quoted ?? bare ?? '',
      ]),
    ),
  }));
  return challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges[0];
}

/** The `Authorization` header that answers a challenge. `undefined`: there is nothing to answer with. */
export async function authorize(
  challenge: Challenge,
  scope: string,
  credentials: RegistryCredentials | undefined,
  http: RegistryHttp,
): Promise<string | undefined> {
  if (challenge.scheme === 'basic') return basicHeader(credentials);
  return `Bearer ${await fetchToken(challenge, scope, credentials, http)}`;
}

async function fetchToken(
  { parameters }: Challenge,
  scope: string,
  credentials: RegistryCredentials | undefined,
  http: RegistryHttp,
): Promise<string> {
  const realm = parameters['realm'];
  if (realm === undefined || !/^https?:\/\//.test(realm)) {
    throw new RegistryError(
      http.registry,
      'failed',
      `the registry ${http.registry} asks for a token without saying where it is given`,
    );
  }
  const service = parameters['service'];
  const fields = new URLSearchParams({
    ...(service === undefined ? {} : { service }),
    scope: parameters['scope'] ?? scope,
  });
  const { status, body } =
    credentials?.username === identityTokenUser
      ? await http.requestUrl(realm, refreshRequest(fields, credentials))
      : await http.requestUrl(
          `${realm}${realm.includes('?') ? '&' : '?'}${fields.toString()}`,
          tokenRequest(credentials),
        );
  if (status === 401 || status === 403) throw unauthorized(http.registry, credentials);
  const token = status === 200 ? tokenOf(body) : undefined;
  if (token !== undefined) return token;
  throw new RegistryError(
    http.registry,
    'failed',
    `the token server ${new URL(realm).host} of ${http.registry} answered ${status} without a token`,
  );
}

function tokenRequest(credentials: RegistryCredentials | undefined) {
  const authorization = basicHeader(credentials);
  return { method: 'GET' as const, headers: authorization === undefined ? {} : { authorization } };
}

/** OAuth2, as docker does it with the identity token that a login left behind. */
function refreshRequest(fields: URLSearchParams, { password }: RegistryCredentials) {
  const form = new URLSearchParams(fields);
  form.set('grant_type', 'refresh_token');
  form.set('client_id', 'rollout');
  form.set('refresh_token', password?.reveal() ?? '');
  return {
    method: 'POST' as const,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  };
}

function tokenOf(body: string): string | undefined {
  try {
    const { token, access_token: accessToken } = JSON.parse(body) as { token?: unknown; access_token?: unknown };
    const found = token ?? accessToken;
    return typeof found === 'string' && found !== '' ? found : undefined;
  } catch {
    return undefined;
  }
}

function basicHeader(credentials: RegistryCredentials | undefined): string | undefined {
  const { username, password } = credentials ?? {};
  if (username === undefined || password === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`;
}

export function unauthorized(
  registry: string,
  credentials: RegistryCredentials | undefined,
  trouble?: string,
): RegistryError {
  const who = credentials?.username;
  const message =
    who === undefined
      ? `the registry ${registry} asks for credentials, and there are none`
      : `the registry ${registry} refuses the credentials of ${who === identityTokenUser ? 'the login token' : who}`;
  const advice = `Give them in the playbook: registries: { ${JSON.stringify(registry)}: { username: …, password: { secret: … } } }, or log in here: docker login ${registry}`;
  return new RegistryError(registry, 'unauthorized', message, {
    hint: trouble === undefined ? advice : `${trouble}\n${advice}`,
  });
}
