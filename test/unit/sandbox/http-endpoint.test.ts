import { once } from 'node:events';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { HttpEndpoint } from '../../../src/sandbox/container/http-endpoint.ts';

const endpointOf = (body: string): HttpEndpoint =>
  new HttpEndpoint(() => ({ status: 200, contentType: 'text/plain', body }));

function bodyFrom(socket: Socket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n');
  return bodyOf(socket);
}

const bodyOf = async (socket: Socket): Promise<string> => (await text(socket)).split('\r\n\r\n')[1] ?? 'no answer';

const listeners = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;

test('connections of the same moment reach the endpoint that they were made to, and leave no listener behind', async () => {
  const before = listeners();
  const endpoints = ['a', 'b', 'c'].map(endpointOf);
  const bodies = [...endpoints, ...endpoints].map(async (endpoint) => bodyFrom(await endpoint.connect()));
  expect(await Promise.all(bodies)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  expect(listeners()).toBeLessThanOrEqual(before);
});

test('a connection that was accepted is served after its listener is gone, and once more after the next one came', async () => {
  const endpoint = endpointOf('a');
  const early = await endpoint.connect();
  await once(early, 'connect');
  expect(await bodyFrom(await endpoint.connect())).toBe('a');
  expect(await bodyFrom(early)).toBe('a');
});

test('a stopped endpoint refuses, answers who was there, and has no listener', async () => {
  const before = listeners();
  const endpoint = endpointOf('a');
  const early = await endpoint.connect();
  await once(early, 'connect');
  early.write('GET / HTTP/1.1\r\n');
  const stopped = endpoint.stop();
  await expect(endpoint.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  early.write('\r\n');
  expect(await bodyOf(early)).toBe('a');
  await stopped;
  expect(listeners()).toBeLessThanOrEqual(before);
});
