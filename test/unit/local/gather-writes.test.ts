import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { gatherWrites } from '../../../src/local/gather-writes.ts';

/** A socket, and all that its other end reads. */
async function pair(): Promise<{ readonly socket: Socket; readonly read: Promise<Buffer> }> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Buffer>((resolve) => server.once('connection', (peer) => resolve(buffer(peer))));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, read: accepted };
}

test('what is written in one turn is sent together, and what is written later after it, all of it and in order', async () => {
  const { socket, read } = await pair();
  const sent = vi.spyOn(socket, '_writev');
  const gathered = gatherWrites(socket);
  for (const part of ['a', 'b', 'c']) gathered.write(part);
  await new Promise(setImmediate);
  for (const part of ['d', 'e']) gathered.write(part);
  gathered.end('f');
  expect((await read).toString()).toBe('abcdef');
  expect(sent.mock.calls.map(([chunks]) => chunks.map(({ chunk }) => String(chunk)).join(''))).toEqual(['abc', 'def']);
});

test('a write says when it has been sent', async () => {
  const { socket, read } = await pair();
  const gathered = gatherWrites(socket);
  await new Promise<void>((resolve, reject) => gathered.write('a', (error) => (error ? reject(error) : resolve())));
  gathered.end();
  expect((await read).toString()).toBe('a');
});
