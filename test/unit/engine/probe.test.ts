import { describe, expect, test } from 'vitest';
import { tryProbe, tryWhileAnswering } from '../../../src/engine/probe.ts';
import type { Probe } from '../../../src/model/service.ts';
import { RemoteError, type Remote, type RemoteErrorKind } from '../../../src/ssh/remote.ts';

/** A host on which everything ends with this error. */
function failingHost(kind: RemoteErrorKind, message: string): Remote {
  const fail = () => Promise.reject(new RemoteError('h1', kind, message));
  return {
    host: 'h1',
    exec: fail,
    spawn: fail,
    attach: fail,
    openTcp: fail,
    closed: new Promise(() => undefined),
    close: fail,
  };
}

const probes: readonly Probe[] = [
  { kind: 'http', port: 8080, path: '/', headers: {}, intervalMs: 100, timeoutMs: 100 },
  { kind: 'tcp', port: 8080, intervalMs: 100, timeoutMs: 100 },
  { kind: 'command', command: ['true'], intervalMs: 100, timeoutMs: 100 },
];

describe.each(probes)('a probe by $kind', (probe) => {
  test('that gets no answer in its time has found that, and ends nothing', async () => {
    const found = await tryProbe(probe, failingHost('timeout', 'no answer within 10 s.'));
    expect(found).toBe('no answer within 10 s.');
  });

  test('says nothing of the application when the connection is lost', async () => {
    await expect(tryProbe(probe, failingHost('connection_lost', 'it no longer answers.'))).rejects.toThrow(
      'it no longer answers.',
    );
  });

  test('that ends something is asked again when the host has answered, and not when it is lost', async () => {
    const silent = failingHost('timeout', 'no answer within 10 s.');
    let asked = 0;
    const answers = (): Promise<void> => {
      asked += 1;
      return Promise.resolve();
    };
    expect(await tryWhileAnswering(probe, silent, answers)).toBe('no answer within 10 s.');
    expect(asked).toBe(1);
    const lost = new RemoteError('h1', 'connection_lost', 'it no longer answers.');
    await expect(tryWhileAnswering(probe, silent, () => Promise.reject(lost))).rejects.toBe(lost);
  });
});
