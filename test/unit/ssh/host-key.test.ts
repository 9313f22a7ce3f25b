import { expect, test } from 'vitest';
import { HostKeyCheck } from '../../../src/ssh/host-key.ts';
import { formatKnownHost, KnownHostLines, parseKnownHosts } from '../../../src/ssh/known-hosts.ts';
import { resolveTarget } from '../../../src/ssh/target.ts';
import { generateKey } from '../../support/ssh-server.ts';

// A connection is judged at its handshake, at every rekey, and anew when it is made again: by the same lines.
const [first, second, third] = [generateKey(), generateKey(), generateKey('ecdsa')].map(({ blob }) => blob);

function check(acceptNew: boolean, known: string): HostKeyCheck {
  const settings = { config: [], acceptNew, env: {}, homeDir: '/nowhere', localUser: 'tester' };
  const target = resolveTarget({ kind: 'ssh', address: 'h1' }, settings);
  return new HostKeyCheck('h1', target, [new KnownHostLines(parseKnownHosts(known, 'known_hosts'))]);
}

const lines = (...keys: readonly (Buffer | undefined)[]): string =>
  keys.map((key) => formatKnownHost('h1', key ?? Buffer.of())).join('');

test.each([
  ['known', false, lines(first), 'host_key_changed'],
  ['known, with accept-new', true, lines(first), 'host_key_changed'],
  ['unknown, taken on first sight', true, '', undefined],
  ['known beside one that is revoked', false, `${lines(first)}@revoked ${lines(second)}`, 'host_key_revoked'],
])('a key that is another one at the next handshake is refused: %s', (_, acceptNew, known, kind) => {
  const judged = check(acceptNew, known);
  const keys = [first, first, second, third, first].map((key) => key ?? Buffer.of());
  expect(keys.map((key) => judged.accepts(key))).toEqual([true, true, false, false, true]);
  const again = check(acceptNew, known === '' ? lines(judged.acceptedKey) : known);
  expect([again.accepts(second ?? Buffer.of()), again.accepts(first ?? Buffer.of())]).toEqual([false, true]);
  if (kind !== undefined) expect(again.refusal?.kind).toBe(kind);
});
