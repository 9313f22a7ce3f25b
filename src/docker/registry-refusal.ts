import { formatDuration } from '../model/duration.ts';
import type { RegistryCredentials } from '../model/play.ts';
import { identityTokenUser } from './docker-config.ts';
import { parseChallenge } from './registry-challenge.ts';
import { RegistryError } from './registry-error.ts';
import { retryAfterMs, type RegistryResponse } from './registry-http.ts';
import { isWebPage, wordsOfAnswer } from './registry-words.ts';

type Refusal = Pick<RegistryResponse, 'status' | 'headers' | 'body'>;

/** A 401 or 403 in answer to `action` (as `pull shop/app`): what was refused, and what would help. */
export function refusedAction(
  registry: string,
  action: string,
  refusal: Refusal,
  { credentials, trouble }: { readonly credentials?: RegistryCredentials; readonly trouble?: string },
): RegistryError {
  if (isWebPage(refusal)) return webPage(registry, refusal);
  const words = wordsOfAnswer(refusal);
  const challenge = parseChallenge(refusal.headers['www-authenticate'] ?? '');
  const reason = challenge?.parameters['error'];
  if (credentials === undefined || isExpired(words, challenge?.parameters['error_description']))
    return refusedCredentials(registry, refusal, credentials, trouble);
  // The token server knew the user by then.
  if (reason === 'invalid_token') {
    return new RegistryError(
      registry,
      'unauthorized',
      `the registry ${registry} does not take the token that its token server has just given${inBrackets(words)}`,
      { hint: 'Compare the clocks of the registry and of its token server, and the keys that they share.' },
    );
  }
  if (refusal.status === 403 || reason === 'insufficient_scope' || /\bDENIED\b/i.test(words)) {
    return new RegistryError(
      registry,
      'unauthorized',
      `${userOf(credentials)} may not ${action} at the registry ${registry}, or there is no such repository${inBrackets(words)}`,
      { hint: `Check the image's name, and what ${userOf(credentials)} may do there.` },
    );
  }
  return refusedCredentials(registry, refusal, credentials, trouble);
}

/** Nobody is known by these credentials, or not any more. */
export function refusedCredentials(
  registry: string,
  refusal: Refusal,
  credentials: RegistryCredentials | undefined,
  trouble: string | undefined,
): RegistryError {
  const said = wordsOfAnswer(refusal);
  const words = inBrackets(said);
  const message =
    credentials?.username === undefined
      ? `the registry ${registry} asks for credentials, and there are none`
      : isExpired(said, undefined)
        ? `the credentials of ${userOf(credentials)} for the registry ${registry} have expired${words}`
        : `the registry ${registry} refuses the credentials of ${userOf(credentials)}${words}`;
  const advice = `Give them in the playbook: registries: { ${JSON.stringify(registry)}: { username: …, password: { secret: … } } }, or log in here: docker login ${registry}`;
  return new RegistryError(registry, 'unauthorized', message, {
    hint: trouble === undefined ? advice : `${trouble}\n${advice}`,
  });
}

/** 429: its own words, and when to come again. */
export function rateLimited(
  registry: string,
  refusal: Refusal,
  credentials: RegistryCredentials | undefined,
): RegistryError {
  const waitMs = retryAfterMs(refusal.headers);
  const again = waitMs === undefined ? '' : `; it may be asked again in ${formatDuration(waitMs)}`;
  const message = `the registry ${registry} has been asked too often${inBrackets(wordsOfAnswer(refusal))}${again}`;
  const hint =
    credentials?.username === undefined
      ? `Wait, then run again. Whoever logs in may ask more often: docker login ${registry}, or registries in the playbook.`
      : 'Wait, then run again.';
  return new RegistryError(registry, 'rate_limited', message, { hint, retryAfterMs: waitMs });
}

/** Somebody between here and the registry answered in its place. */
export function webPage(registry: string, answer: Refusal): RegistryError {
  return new RegistryError(
    registry,
    'failed',
    `the registry ${registry} answered ${answer.status} with ${wordsOfAnswer(answer)}`,
    { hint: 'Is there a proxy, a firewall or a login page of the network between here and the registry?' },
  );
}

function isExpired(words: string, description: string | undefined): boolean {
  return /\bexpired?\b|invalid_grant/i.test(`${words} ${description ?? ''}`);
}

function userOf({ username }: RegistryCredentials): string {
  return username === undefined || username === identityTokenUser ? 'the login token' : username;
}

function inBrackets(words: string): string {
  return words === '' ? '' : ` (${words})`;
}
