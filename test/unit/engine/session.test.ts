import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { HostSession } from '../../../src/engine/session.ts';
import type { Host } from '../../../src/model/host.ts';
import { LockedError } from '../../../src/ssh/lock.ts';
import type { Remote, RemoteProcess } from '../../../src/ssh/remote.ts';
import { answerPart, infoDocument } from '../../support/docker-answers.ts';
import { manualClock } from '../../support/manual-clock.ts';

const host: Host = { name: 'h1', groups: [], vars: {}, connection: { kind: 'local' } };
const holder = { run: 'r1', user: 'ann', controller: 'laptop', since: 0 };

/** A host whose docker calls itself what `read` counts, and whose lock another run may have. */
class CountingHost implements Remote {
  readonly host = 'h1';
  readonly closed = new Promise<undefined>(() => undefined);
  reads = 0;
  isTaken = false;

  exec = () => Promise.resolve({ exitCode: 0, stdout: this.#survey(), stderr: '', durationMs: 0 });
  spawn = (): Promise<RemoteProcess> => Promise.resolve(this.#lock());
  openTcp = () => Promise.reject(new Error('not here'));
  close = () => Promise.resolve();

  #survey(): string {
    this.reads += 1;
    const info = infoDocument({ Name: `reading ${this.reads}` });
    return answerPart('info', info) + answerPart('ps', '');
  }

  #lock(): RemoteProcess {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    stdout.write(this.isTaken ? 'busy {"run":"other"}\n' : `held\n${this.#survey()}\x1e0\n`);
    const exited = new Promise<number>((resolve) => stdin.resume().once('end', () => resolve(0)));
    return { stdin, stdout, stderr, exited, close: () => stdin.end() };
  }
}

async function sessionOn(remote: Remote): Promise<HostSession> {
  const connector = { connect: () => Promise.resolve(remote), close: () => Promise.resolve() };
  return await HostSession.open(host, connector, holder, manualClock(0));
}

test('a host is read once with its lock, for all who ask, and anew with every new lock', async () => {
  const session = await sessionOn(new CountingHost());
  const reading = async (): Promise<string> => (await session.survey()).facts.hostname;
  await session.lock(0);
  expect([await reading(), await reading()]).toEqual(['reading 1', 'reading 1']);
  await session.unlock();
  await session.lock(0);
  expect(await reading()).toBe('reading 2');
  await session.close();
});

test('what was found while another run had the host is forgotten as soon as it is locked', async () => {
  const remote = new CountingHost();
  const session = await sessionOn(remote);
  remote.isTaken = true;
  await expect(session.lock(0)).rejects.toBeInstanceOf(LockedError);
  expect((await session.survey()).facts.hostname).toBe('reading 1');
  remote.isTaken = false;
  await session.lock(0);
  expect((await session.survey()).facts.hostname).toBe('reading 2');
  await session.close();
});
