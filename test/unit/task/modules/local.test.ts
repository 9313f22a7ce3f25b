import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localInventory, localPlaybook, runLocally, type LocalRun } from '../../../support/local-tasks.ts';

// Modules carried out on this machine, by its own shell, as on a host.
const folder = mkdtempSync(join(tmpdir(), 'rollout-modules-'));
let server: Server;
let at = '';

beforeAll(async () => {
  writeFileSync(join(folder, 'hosts.yaml'), localInventory);
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (request.url === '/moved') response.writeHead(302, { location: '/json' }).end();
      else if (request.url === '/missing') response.writeHead(404).end('nothing here');
      else if (request.url === '/endless') response.end(Buffer.alloc(9 << 20, 'x'));
      else if (request.url === '/file') response.end('content of the file\n');
      else
        response
          .writeHead(200, { 'content-type': 'application/json', 'x-seen': request.headers.authorization ?? '' })
          .end(JSON.stringify({ method: request.method, type: request.headers['content-type'], body }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function ran(
  tasks: readonly Readonly<Record<string, unknown>>[],
  mode: 'run' | 'check' = 'run',
): Promise<LocalRun> {
  writeFileSync(join(folder, 'playbook.yaml'), localPlaybook(tasks));
  const options = { playbook: 'playbook.yaml', inventories: [], extraVars: [], tags: [], skipTags: [], become: false };
  return runLocally({ ...options, env: { PATH: process.env['PATH'] }, cwd: folder }, mode);
}

async function resultOf(task: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const { values } = await ran([{ ...task, register: 'out', ignore_errors: true }]);
  return values.get('out') as Readonly<Record<string, unknown>>;
}

test.each<readonly [string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
  ['json', { url: '/json' }, { status: 200, changed: false, failed: false, json: { method: 'GET', body: '' } }],
  ['redirect', { url: '/moved' }, { status: 200, redirected: true }],
  [
    'no redirect',
    { url: '/moved', follow_redirects: 'none', status_code: [301, 302] },
    { status: 302, redirected: false },
  ],
  [
    'a wrong status',
    { url: '/missing' },
    {
      failed: true,
      status: 404,
      content: 'nothing here',
      msg: 'Status code was 404 and not [200]: HTTP Error 404: Not Found',
    },
  ],
  ['a status that is right', { url: '/missing', status_code: 404 }, { failed: false, status: 404 }],
  [
    'a body',
    { url: '/json', method: 'post', body: { a: ['ü', 1] }, body_format: 'json' },
    { json: { method: 'POST', type: 'application/json', body: '{"a":["ü",1]}' } },
  ],
  [
    'a form',
    { url: '/json', method: 'PUT', body: { a: 'x y', b: 1 }, body_format: 'form-urlencoded' },
    { json: { method: 'PUT', type: 'application/x-www-form-urlencoded', body: 'a=x+y&b=1' } },
  ],
  ['a login', { url: '/json', url_username: 'u', url_password: 'p' }, { x_seen: 'Basic dTpw' }],
  ['content', { url: '/file', return_content: true }, { content: 'content of the file\n', json: undefined }],
])('uri: %s', async (_, params, expected) => {
  const found = await resultOf({ uri: { ...params, url: `${at}${String(params['url'])}` } });
  const picked = Object.fromEntries(Object.keys(expected).map((key) => [key, found[key]]));
  expect(picked).toMatchObject(expected);
});

test('uri: nobody answers, and a host that is none', async () => {
  expect(await resultOf({ uri: { url: 'http://127.0.0.1:1/' } })).toMatchObject({ failed: true, status: -1 });
});

test('uri: an answer without end is none, and a port that talks without end is heard to its last MiB', async () => {
  expect(await resultOf({ uri: { url: `${at}/endless`, return_content: true } })).toMatchObject({
    failed: true,
    msg: expect.stringContaining('the answer has more than 8 MiB') as string,
  });
  const talker = createNetServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(Buffer.alloc(3 << 20, 'x'), () => socket.write('\nready\n'));
  });
  await new Promise<void>((resolve) => talker.listen(0, '127.0.0.1', resolve));
  const { port } = talker.address() as AddressInfo;
  const found = await resultOf({ wait_for: { port, search_regex: '^ready$', timeout: 60 } });
  talker.close();
  expect(found).toMatchObject({ failed: false, search_regex: '^ready$' });
});

test('get_url fetches once, checks sums, keeps what is there, and sees what differs only with force', async () => {
  const sum = '1b4be5be1ad5ef6ef1cd3ca7b4a37b2b0cd1f9b0e0cb2ab5ad2fe1be6c0d6aa2';
  const dest = join(folder, 'got');
  const task = (more: object) => ({ get_url: { url: `${at}/file`, dest, ...more } });
  expect(await resultOf(task({ mode: '0600' }))).toMatchObject({ changed: true, failed: false });
  expect(readFileSync(dest, 'utf8')).toBe('content of the file\n');
  expect(await resultOf(task({ mode: '0600' }))).toMatchObject({ changed: false, msg: 'file already exists' });
  writeFileSync(dest, 'other');
  expect(await resultOf(task({}))).toMatchObject({ changed: false });
  const bad = await resultOf(task({ checksum: `sha256:${sum}` }));
  expect(bad).toMatchObject({ failed: true, msg: expect.stringContaining(`did not match ${sum}`) as string });
  expect(readFileSync(dest, 'utf8')).toBe('other');
  expect(await resultOf(task({ force: true, backup: true }))).toMatchObject({ changed: true });
  expect(readFileSync(dest, 'utf8')).toBe('content of the file\n');
  expect(await resultOf(task({ force: true }))).toMatchObject({ changed: false });
  expect(await resultOf({ get_url: { url: `${at}/missing`, dest: join(folder, 'no') } })).toMatchObject({
    failed: true,
  });
  expect(await resultOf({ get_url: { url: `${at}/file`, dest: join(folder, 'no/where') } })).toMatchObject({
    failed: true,
    msg: `Destination ${folder}/no does not exist`,
  });
});

test('wait_for: a file, what is in it, a port, what is gone, and a time that is over', async () => {
  writeFileSync(join(folder, 'there'), 'first\nready: 1\n');
  const port = Number(at.split(':').at(-1));
  const wait = (params: object) => resultOf({ wait_for: { timeout: 0, sleep: 0, ...params } });
  expect(await wait({ path: join(folder, 'there') })).toMatchObject({ failed: false, state: 'started' });
  expect(await wait({ path: join(folder, 'there'), search_regex: '^ready: \\d$' })).toMatchObject({ failed: false });
  expect(await wait({ path: join(folder, 'there'), search_regex: '^nope' })).toMatchObject({
    failed: true,
    msg: `Timeout when waiting for search string ^nope in ${folder}/there`,
  });
  expect(await wait({ path: join(folder, 'gone'), state: 'absent' })).toMatchObject({ failed: false });
  expect(await wait({ path: join(folder, 'gone') })).toMatchObject({
    failed: true,
    msg: `Timeout when waiting for file ${folder}/gone`,
  });
  expect(await wait({ port })).toMatchObject({ failed: false, port });
  expect(await wait({ port, state: 'stopped' })).toMatchObject({ failed: true });
  expect(await wait({ port: 1, state: 'stopped' })).toMatchObject({ failed: false });
  expect(await wait({ port: 1, msg: 'no luck' })).toMatchObject({ failed: true, msg: 'no luck' });
});

test('ten tasks with nothing to do take one question together', async () => {
  writeFileSync(join(folder, 'calm'), 'calm\n');
  const calm = join(folder, 'calm');
  const { roundTrips, reports } = await ran([
    { copy: { content: 'calm\n', dest: calm } },
    { lineinfile: { path: calm, line: 'calm' } },
    { file: { path: folder, state: 'directory' } },
    { stat: { path: calm } },
    { user: { name: 'root', shell: '/bin/bash' } },
    { user: { name: 'nobody-of-this-name', state: 'absent' } },
    { wait_for: { path: calm } },
    { get_url: { url: 'http://127.0.0.1:1/', dest: calm } },
    { command: 'false', args: { creates: calm } },
    { debug: { msg: 'x' } },
  ]);
  expect([roundTrips, reports.map(({ status }) => status)]).toEqual([1, Array.from({ length: 10 }, () => 'ok')]);
});
