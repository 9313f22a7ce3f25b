import type { RegistryCredentials } from '../model/play.ts';
import { Secret } from '../model/secret.ts';
import { identityTokenUser } from './docker-config.ts';
import type { Challenge } from './registry-challenge.ts';
import { RegistryError } from './registry-error.ts';
import type { RegistryHttp, RegistryResponse } from './registry-http.ts';
import { rateLimited, refusedCredentials } from './registry-refusal.ts';
import { isWebPage, parseJson, wordsOfAnswer } from './registry-words.ts';

/** Who asks, for what, and who is told of secrets that come up. */
export interface Asking {
  readonly http: RegistryHttp;
  /** `repository:shop/app:pull` */
  readonly scope: string;
  readonly credentials: RegistryCredentials | undefined;
  /** Why there are none where there should be. */
  readonly trouble: string | undefined;
  readonly onSecret: (secret: Secret) => void;
}

/** The `Authorization` header that answers a challenge. `undefined`: there is nothing to answer with. */
export async function authorize(challenge: Challenge, asking: Asking): Promise<string | undefined> {
  if (challenge.scheme === 'basic') return basicHeader(asking);
  return `Bearer ${await fetchToken(challenge, asking)}`;
}

async function fetchToken({ parameters }: Challenge, asking: Asking): Promise<string> {
  const { http, credentials, trouble } = asking;
  const realm = http.realmUrl(parameters['realm']);
  const fields = new URLSearchParams({
    ...(parameters['service'] === undefined ? {} : { service: parameters['service'] }),
    scope: parameters['scope'] ?? asking.scope,
  });
  const isLogin = credentials?.username === identityTokenUser;
  const response = isLogin
    ? await http.requestToken(realm, refreshRequest(fields, credentials))
    : await http.requestToken(withFields(realm, fields), tokenRequest(asking));
  const { status } = response;
  if (status === 200) return readToken(response, asking, realm);
  if (status === 429) throw rateLimited(http.registry, response, credentials);
  // OAuth2 says 400 for a refresh token that has expired or was taken back.
  const isRefused = status === 401 || status === 403 || (status === 400 && isLogin);
  if (isRefused && !isWebPage(response)) throw refusedCredentials(http.registry, response, credentials, trouble);
  throw withoutToken(http.registry, realm, response);
}

function readToken(response: RegistryResponse, { http, onSecret }: Asking, realm: URL): string {
  const answer = parseJson(response.body.toString('utf8'));
  const fields = typeof answer === 'object' && answer !== null ? (answer as Readonly<Record<string, unknown>>) : {};
  const given = ['token', 'access_token', 'refresh_token'].flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' && value !== '' ? [{ name, value }] : [];
  });
  for (const { name, value } of given) onSecret(new Secret(`${name} of ${http.registry}`, value));
  const token = given.find(({ name }) => name !== 'refresh_token')?.value;
  // It becomes a header's value: whatever else it holds is not for us.
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) throw withoutToken(http.registry, realm, response);
  return token;
}

function withoutToken(registry: string, { host }: URL, response: RegistryResponse): RegistryError {
  // An answer of 200 may hold a token in another place than expected: it is not shown.
  const words = response.status === 200 && !isWebPage(response) ? '' : wordsOfAnswer(response);
  return new RegistryError(
    registry,
    'failed',
    `the token server ${host} of ${registry} answered ${response.status} without a token${words === '' ? '' : ` (${words})`}`,
  );
}

function withFields(realm: URL, fields: URLSearchParams): URL {
  const url = new URL(realm.href);
  for (const [name, value] of fields) url.searchParams.append(name, value);
  return url;
}

function tokenRequest(asking: Asking) {
  const authorization = basicHeader(asking);
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

function basicHeader({ credentials, onSecret }: Asking): string | undefined {
  const { registry, username, password } = credentials ?? {};
  if (username === undefined || password === undefined) return undefined;
  const encoded = Buffer.from(`${username}:${password.reveal()}`).toString('base64');
  onSecret(new Secret(`password of ${registry ?? ''}`, encoded));
  return `Basic ${encoded}`;
}
