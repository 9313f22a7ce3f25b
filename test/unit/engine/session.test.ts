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
  /** What the lock's file says meanwhile. */
  text = '{"run":"other"}';

  exec = () => Promise.resolve({ exitCode: 0, stdout: this.#survey(), stderr: '', durationMs: 0 });
  spawn = (argv: readonly string[]): Promise<RemoteProcess> => Promise.resolve(this.#lock(argv[7] ?? ''));
  attach = () => Promise.reject(new Error('not here'));
  openTcp = () => Promise.reject(new Error('not here'));
  close = () => Promise.resolve();

  #survey(): string {
    this.reads += 1;
    const info = infoDocument({ Name: `reading ${this.reads}` });
    return answerPart('info', info) + answerPart('ps', '');
  }

  #lock(mark: string): RemoteProcess {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    stdout.write(this.isTaken ? `busy 1 root /lock ${this.text}\n` : `held\n${this.#survey()}${mark} 0\n`);
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

test.each([
  ['{"run":"r1","host":"web1"}', 'web1 and h1 are one machine: this run has its lock already.'],
  ['{"run":"r1","host":"h1"}', 'h1 is locked by run r1 of ? from ?.'],
  ['{"run":"r2","host":"web1"}', 'h1 is locked by run r2 of ? from ?.'],
  ['{"run":"r1"}', 'h1 is locked by run r1 of ? from ?.'],
])('a machine with two names in the inventory is called one machine: %s', async (text, message) => {
  const remote = new CountingHost();
  Object.assign(remote, { isTaken: true, text });
  const session = await sessionOn(remote);
  await expect(session.lock(0)).rejects.toThrow(message);
  await session.close();
});

test('a lock that is still being asked for keeps nobody at the end of a run', async () => {
  const remote = new CountingHost();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const hanging: RemoteProcess = {
    stdin,
    stdout,
    stderr,
    exited: new Promise(() => undefined),
    close: () => undefined,
  };
  remote.spawn = () => Promise.resolve(hanging);
  const clock = manualClock(0);
  const connector = { connect: () => Promise.resolve(remote), close: () => Promise.resolve() };
  const session = await HostSession.open(host, connector, holder, clock);
  session.lock(60_000).catch(() => undefined);
  const closing = session.close();
  await new Promise(setImmediate);
  await clock.advanceTo(5000);
  await closing;
});
