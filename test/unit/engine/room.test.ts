import { expect, test } from 'vitest';
import { DockerError } from '../../../src/docker/errors.ts';
import type { Room } from '../../../src/docker/observed.ts';
import type { Node, Tier } from '../../../src/engine/node.ts';
import { requireRoom } from '../../../src/engine/room.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { runContext } from '../../support/run-context.ts';

/** Of a tier, the question uses no more than this. */
function tierOf(rooms: Readonly<Record<string, () => Promise<Room | undefined>>>): Tier {
  const op = { kind: 'create_volume', volume: { name: 'data' }, cause: 'not there' };
  const nodes = Object.entries(rooms).map(([name, room]) => {
    const plan = { heal: [], before: [op], during: [], after: [] };
    return { name, plan, session: { docker: { room } } } as unknown as Node;
  });
  return { nodes } as unknown as Tier;
}

const full: Room = { folder: '/var/lib/docker', freeBytes: 1, freeInodes: 1 };
const context = runContext(manualClock(0));

test.each<[string, DockerError]>([
  ['in words of its own', new DockerError('h1', ['df'], 1, 'folder')],
  ['without a word', new DockerError('h1', ['df'], 137, '')],
  ['with a daemon that is away', new DockerError('h1', ['df'], 1, 'Cannot connect to the Docker daemon')],
  ['with a broken containerd', new DockerError('h1', ['df'], 125, 'ttrpc: closed: unknown')],
])('a host that cannot say how much room it has, %s, is left to its turn', async (_, error) => {
  await expect(requireRoom([tierOf({ h1: () => Promise.reject(error) })], context)).resolves.toBeUndefined();
  // Others are judged all the same.
  const both = tierOf({ h1: () => Promise.reject(error), h2: () => Promise.resolve(full) });
  await expect(requireRoom([both], context)).rejects.toMatchObject({
    exitCode: 4,
    message: '1 host has no room left for docker; nothing was touched',
  });
});

test('a mistake of our own is no trouble of a host', async () => {
  const mistake = new TypeError('x is not a function');
  await expect(requireRoom([tierOf({ h1: () => Promise.reject(mistake) })], context)).rejects.toBe(mistake);
});
