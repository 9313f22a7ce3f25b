import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpGet, directAgents, mostPageBytes } from '../../../src/balancer/http.ts';
import { commandBalancer, mostAnswerBytes } from '../../../src/balancer/kinds/command.ts';
import { askCommand, keptBytes } from '../../../src/check/command.ts';
import { keptGateBytes, runGateCommand } from '../../../src/check/gate-command.ts';
import { ask, mostBodyBytes } from '../../../src/check/http.ts';
import { loadInventory } from '../../../src/config/inventory/load.ts';
import { mostScriptBytes } from '../../../src/config/inventory/script.ts';
import { mostCommandBytes, readSecrets } from '../../../src/config/playbook/secrets.ts';
import { Problems } from '../../../src/config/text/problems.ts';
import { mostPasswordBytes, readDecryption } from '../../../src/config/vault/password.ts';
import { Vault } from '../../../src/config/vault/vault.ts';
import { Docker, mostStepBytes } from '../../../src/docker/docker.ts';
import { renameStep } from '../../../src/docker/steps.ts';
import { linesOf, mostLineLength } from '../../../src/docker/logs.ts';
import { findDockerCredentials, helperLimitBytes } from '../../../src/docker/docker-config.ts';
import { mostStderrBytes, runProgram } from '../../../src/local/program.ts';
import type { Become } from '../../../src/model/host.ts';
import { Secret } from '../../../src/model/secret.ts';
import { mostSudoBytes } from '../../../src/ssh/become.ts';
import { CommandRemote, defaultMaxOutputBytes, sudoTimeoutMs } from '../../../src/ssh/commands.ts';
import { FramedOutput } from '../../../src/ssh/framed-output.ts';
import { AgentCache, agentTimeoutMs } from '../../../src/ssh/identities.ts';
import { LockOutput, mostAnswerBytes as mostLockAnswerBytes, mostReportBytes } from '../../../src/ssh/lock-output.ts';
import type { RemoteProcess } from '../../../src/ssh/remote.ts';
import type { Transport } from '../../../src/ssh/transport.ts';
import { askRun } from '../../../src/store/control/client.ts';
import { mostLineBytes } from '../../../src/store/control/protocol.ts';
import { serveControl } from '../../../src/store/control/server.ts';
import { keepLog } from '../../../src/store/kept-log.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { mostInspectBytes, PushSource } from '../../../src/docker/push-source.ts';
import { parseImageRef } from '../../../src/model/image.ts';
import { systemClock } from '../../support/ssh-client.ts';

let folder = '';
const closing: (() => void)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollout-limits-'));
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await rm(folder, { recursive: true, force: true });
});

/** Everything that gathers what somebody else prints, and what becomes of who prints more: file, buffer, limit. */
const buffers: readonly (readonly [file: string, buffer: string, limit: number, exceed: () => Promise<void>])[] = [
  ['ssh/become.ts', 'what sudo says before the command', mostSudoBytes, sudoTalks],
  ['ssh/commands.ts', 'what a command prints', defaultMaxOutputBytes, commandPrints],
  ['ssh/output.ts', 'the last that a command complains of', 1000, commandComplains],
  ['docker/docker.ts', 'the numbers of steps', mostStepBytes, stepsPrint],
  ['ssh/framed-output.ts', 'what stands before a command', 2000, loginPrints],
  ['ssh/framed-output.ts', 'half an end of a command', 10, endStays],
  ['ssh/lock-output.ts', "the lock's answer", mostLockAnswerBytes, lockAnswers],
  ['ssh/lock-output.ts', "the lock's complaint", mostLockAnswerBytes, lockComplains],
  ['ssh/lock-output.ts', "the lock's report", mostReportBytes, lockReports],
  ['local/program.ts', 'what a program complains of', mostStderrBytes, programComplains],
  ['config/playbook/secrets.ts', "a secret's command", mostCommandBytes, secretPrints],
  ['config/vault/password.ts', 'the program of a vault password', mostPasswordBytes, vaultPrints],
  ['config/inventory/script.ts', 'an inventory script', mostScriptBytes, scriptPrints],
  ['docker/docker-config.ts', 'a credential helper', helperLimitBytes, helperPrints],
  ['docker/push-source.ts', 'what docker at the controller says of an image', mostInspectBytes, dockerPrints],
  ['balancer/kinds/command.ts', "a balancer's command", mostAnswerBytes, balancerPrints],
  ['balancer/http.ts', "a balancer's page", mostPageBytes, pagePrints],
  ['check/command.ts', "a check's command", keptBytes, checkPrints],
  ['check/gate-command.ts', "a gate's command", keptGateBytes, gatePrints],
  ['check/http.ts', "a check's address", mostBodyBytes, addressPrints],
  ['store/control/server.ts', 'a line to a run', mostLineBytes, requestPrints],
  ['store/control/client.ts', 'the line back', mostLineBytes, replyPrints],
  ['docker/logs.ts', 'a line of a log', mostLineLength, logLinePrints],
  ['store/kept-log.ts', "a failed container's log", 5 * 2 ** 20, logPrints],
];

/** Tested where the rest of them is: a registry needs its certificates, systemd its stand-in, a module its task. */
const elsewhere: Readonly<Record<string, string>> = {
  'notify/send.ts': 'test/unit/notify/notify.test.ts',
  'schedule/unit-files.ts': 'test/unit/schedule/schedule.test.ts',
  'docker/registry-exchange.ts': 'test/unit/docker/registry-credentials.test.ts',
  'task/http.ts': 'test/unit/task/modules/local.test.ts',
  'task/modules/wait-for.ts': 'test/unit/task/modules/local.test.ts',
};

test.each(buffers)('%s: %s has a limit of %i', async (_file, _buffer, _limit, exceed) => {
  await exceed();
});

test('whatever gathers in src/ what somebody else prints is in the list', () => {
  const gathers =
    /\.on\(\s*'(?:data|readable)'|for await|execFile|\bspawn\(|\bexec\(program|runProgram\(|\bgot\(|Buffer\.concat\(\[this|new OutputCollector/;
  const passesOn = new Set([
    'ssh/local-transport.ts', // processes whose streams commands.ts reads
    'api/logs.ts', // lines that engine/logs.ts gives
    'engine/logs.ts', // lines that docker/logs.ts cuts, of which 5,000 at most wait for their turn
    'ssh/lock.ts', // its script, which lock-output.ts reads
    'ssh/ssh-terminal.ts', // output that a terminal takes as fast as it can, keys that the host takes so
    'docker/push.ts', // the chunks of an archive, which it counts
    'docker/archive/oci-layout.ts', // the file of a layer, which it takes a digest of and keeps four bytes
    'ssh/remote.ts',
    'model/secret-forms.ts',
  ]);
  const found = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('sandbox/') && !passesOn.has(file))
    .filter((file) => gathers.test(readFileSync(join('src', file), 'utf8')));
  const listed = new Set([...buffers.map(([file]) => file), ...Object.keys(elsewhere)]);
  expect(found.filter((file) => !listed.has(file))).toEqual([]);
  for (const [file, where] of Object.entries(elsewhere)) {
    expect(found).toContain(file);
    expect(readFileSync(where, 'utf8')).toMatch(/larger than|without end/);
  }
});

async function logLinePrints(): Promise<void> {
  const pieces: string[] = [];
  for await (const piece of linesOf(bytes(10 * mostLineLength + 7))) pieces.push(piece);
  expect(Math.max(...pieces.map(({ length }) => length))).toBe(mostLineLength);
  expect(pieces.join('')).toHaveLength(10 * mostLineLength + 7);
}

/** A process on a host that has printed this. */
function printing(stdout: Readable | string, stderr: Readable | string = ''): RemoteProcess & { isClosed: boolean } {
  const streams = [stdout, stderr].map((each) =>
    typeof each === 'string' ? Readable.from([Buffer.from(each)]) : each,
  );
  const process = {
    stdin: new PassThrough(),
    stdout: streams[0] ?? Readable.from([]),
    stderr: streams[1] ?? Readable.from([]),
    exited: Promise.resolve(0),
    isClosed: false,
    close: () => void (process.isClosed = true),
  };
  return process;
}

/** Of these many bytes, in pieces. */
const bytes = (count: number, text = 'x'): Readable =>
  Readable.from(
    (function* () {
      const piece = Buffer.alloc(65_536, text);
      for (let left = count; left > 0; left -= piece.length) yield piece.subarray(0, left);
    })(),
  );

function transport(process: RemoteProcess): Transport {
  return {
    host: 'h1',
    user: 'deploy',
    start: () => Promise.resolve(process),
    attach: () => Promise.reject(new Error('not here')),
    openTcp: () => Promise.reject(new Error('no')),
    closed: new Promise(() => undefined),
    close: () => Promise.resolve(),
  };
}

const become: Become = { method: 'sudo', user: 'root', password: new Secret('ansible_become_password', 's3cret') };
const silent = (): Readable => new PassThrough();

async function sudoTalks(): Promise<void> {
  const process = printing(silent(), bytes(mostSudoBytes + 1));
  const remote = new CommandRemote(transport(process), become, systemClock);
  await expect(remote.spawn(['cat'])).rejects.toMatchObject({
    kind: 'become_failed',
    message: 'sudo, or what stands in its place, has said more than 65536 bytes and has not begun the command.',
  });
  expect(process.isClosed).toBe(true);
}

async function commandPrints(): Promise<void> {
  const remote = new CommandRemote(transport(printing(bytes(defaultMaxOutputBytes + 1))), undefined, systemClock);
  const { stdout } = await remote.exec(['cat', 'all'], { timeoutMs: 60_000 });
  expect(stdout.length).toBe(defaultMaxOutputBytes);
}

async function commandComplains(): Promise<void> {
  const complaint = Readable.from(Array.from({ length: 5000 }, (_, at) => Buffer.from(`${at}\n`)));
  const remote = new CommandRemote(transport(printing('', complaint)), undefined, systemClock);
  const { stderr } = await remote.exec(['cat', 'all'], { timeoutMs: 60_000, maxOutputBytes: 1000 });
  expect(stderr).toBe(Array.from({ length: 200 }, (_, at) => `${4800 + at}\n`).join(''));
}

async function stepsPrint(): Promise<void> {
  const remote = new CommandRemote(transport(printing(bytes(1 << 20, '1\n'))), undefined, systemClock);
  const done: number[] = [];
  const steps = [renameStep('app', 'app.previous'), renameStep('app.next', 'app')];
  await new Docker(remote).carryOut(steps, { onDone: (index) => done.push(index) });
  expect(done).toEqual([0, 1]);
}

async function loginPrints(): Promise<void> {
  const output = new FramedOutput({ begin: '~a-b(', end: '~a-b)', last: ';' });
  bytes(1 << 20).pipe(output);
  output.resume();
  await once(output, 'end');
  expect(output.noise).toBe('x'.repeat(2000));
}

async function endStays(): Promise<void> {
  const output = new FramedOutput({ begin: '~a-b(', end: '~a-b)', last: ';' });
  const tail = '~a-b)'.repeat(3) + 'y'.repeat(100_000);
  Readable.from([Buffer.from('~a-b('), Buffer.from('~a-b)0'), Buffer.from(tail), Buffer.from('~a-b)7;')]).pipe(output);
  let printed = '';
  output.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  expect(await output.complete).toBe(7);
  expect(printed).toBe(`~a-b)0${tail}`);
}

async function lockAnswers(): Promise<void> {
  const output = new LockOutput({ ...printing(bytes(1 << 20)), exited: new Promise(() => undefined) }, '\x1emark');
  expect(await output.answer).toBe('x'.repeat(mostLockAnswerBytes));
}

async function lockComplains(): Promise<void> {
  const complaint = bytes(1 << 20);
  const exited = once(complaint, 'end').then(() => 1);
  const output = new LockOutput({ ...printing('', complaint), exited }, '\x1emark');
  expect(await output.answer).toBe('x'.repeat(mostLockAnswerBytes));
}

async function lockReports(): Promise<void> {
  const report = Readable.from(
    (async function* () {
      yield Buffer.from('held\n');
      yield* bytes(mostReportBytes + 1, 'line\n');
      yield Buffer.from('\x1emark 0\n\x1emark bye\n');
    })(),
  );
  const output = new LockOutput({ ...printing(report), exited: new Promise(() => undefined) }, '\x1emark');
  expect(await output.answer).toBe('held');
  expect(await output.takeReport()).toBeUndefined();
  await output.farewell;
}

/** A program of the controller's. */
async function program(text: string, name = 'program'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

const endless = 'echo beginning; exec tr "\\0" x </dev/zero';
const env = { PATH: process.env['PATH'] };

async function programComplains(): Promise<void> {
  const path = await program(`head -c ${4 * mostStderrBytes} /dev/zero | tr "\\0" x >&2; echo last >&2`);
  const { end, stderr } = await runProgram([path], { timeoutMs: 60_000, mostBytes: 10, ownGroup: true });
  expect(end).toEqual({ kind: 'exited', code: 0 });
  expect(stderr).toBe(`${'x'.repeat(mostStderrBytes - 5)}last\n`);
}

async function secretPrints(): Promise<void> {
  const said: string[] = [];
  const path = await program(endless);
  await readSecrets(
    { password: { command: [path] } },
    { folder, env, decrypt: String, report: (...words) => said.push(words.join(' ')) },
  );
  expect(said).toEqual([`password command ${path} failed: it prints without end: more than 4194304 bytes`]);
}

async function vaultPrints(): Promise<void> {
  const problems = new Problems();
  const options = { vaultPasswordFile: await program(endless), askVaultPass: undefined, env, cwd: folder };
  expect(await readDecryption(options, problems)).toBeUndefined();
  expect(problems.errors().map(({ message }) => message)).toEqual([
    'the vault password cannot be read: the program failed: it prints without end: more than 65536 bytes',
  ]);
}

const scriptProblems = async (text: string): Promise<readonly string[]> => {
  const problems = new Problems();
  const sources = [await program(text)];
  await loadInventory({ sources, cwd: folder, env, vault: new Vault(undefined, problems), problems });
  return problems.errors().map(({ message }) => message);
};

async function scriptPrints(): Promise<void> {
  expect(await scriptProblems(endless)).toEqual([
    'the inventory script with --list printed more than 128 MiB and was stopped',
  ]);
}

async function helperPrints(): Promise<void> {
  await program(endless, 'docker-credential-test');
  await writeFile(join(folder, 'config.json'), '{"credsStore":"test"}');
  const found = await findDockerCredentials('r.example', {
    DOCKER_CONFIG: folder,
    PATH: `${folder}:${env.PATH ?? ''}`,
  });
  expect(found).toEqual({ trouble: 'docker-credential-test prints without end', secrets: [] });
}

async function balancerPrints(): Promise<void> {
  const balancer = commandBalancer.open(
    { command: [await program(endless)], folder },
    { servers: ['h1'], now: () => 0, close: () => undefined, get: () => Promise.reject(new Error('no')) },
  );
  expect((await balancer.read()).readings).toMatchObject([{ error: 'it prints without end: more than 65536 bytes' }]);
}

/** Answers every request so; resolves to its address. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const answerWith =
  (count: number): RequestListener =>
  (_, response) => {
    const body = bytes(count);
    body.pipe(response);
    response.on('close', () => body.destroy());
  };

async function pagePrints(): Promise<void> {
  const url = await serve(answerWith(Infinity));
  await expect(createHttpGet(directAgents())(url, {})).rejects.toThrow(
    /^the answer has more than 64 MiB$|did not|Timeout/,
  );
  const small = await serve((request, response) => {
    expect(request.headers['accept-encoding']).toBeUndefined();
    response.end('page');
  });
  expect(await createHttpGet(directAgents())(small, {})).toBe('page');
}

async function checkPrints(): Promise<void> {
  const path = await program(`head -c 1000000 /dev/zero | tr "\\0" x; exit 3`);
  const answer = await askCommand(
    { kind: 'command', argv: [path], folder },
    { timeoutMs: 60_000, signal: new AbortController().signal },
  );
  expect(answer).toEqual({ outcome: 'failed', message: `exit code 3: ${'x'.repeat(keptBytes)}` });
}

async function gatePrints(): Promise<void> {
  const path = await program(`head -c 1000000 /dev/zero | tr "\\0" x`);
  const { output } = await runGateCommand(
    { kind: 'command', argv: [path], folder },
    {},
    { timeoutMs: 60_000, signal: new AbortController().signal },
  );
  expect(output).toEqual(['x'.repeat(keptGateBytes)]);
}

async function dockerPrints(): Promise<void> {
  await program(endless, 'docker');
  const image = parseImageRef('shop/app:1') ?? expect.fail('no image');
  const source = new PushSource({ all: true, listed: [], env: { PATH: `${folder}:${env.PATH ?? ''}` } });
  await expect(source.resolve(image, undefined)).rejects.toThrow('it prints without end');
}

async function addressPrints(): Promise<void> {
  const url = new URL(await serve(answerWith(Infinity)));
  const signal = new AbortController().signal;
  await expect(
    ask(url, { method: 'GET', target: { url: url.href, headers: {} }, timeoutMs: 60_000, signal }),
  ).rejects.toThrow('the answer has more than 1048576 bytes');
}

async function requestPrints(): Promise<void> {
  const control = await serveControl(folder, 'run', () => ({ ok: true, message: 'done' }));
  closing.push(() => control.close());
  const socket = connect(join(folder, 'run.sock'));
  socket.end('x'.repeat(mostLineBytes + 1));
  let said = '';
  for await (const chunk of socket) said += String(chunk);
  expect(JSON.parse(said)).toEqual({ v: 1, ok: false, message: 'a request has at most 4096 bytes' });
}

/** Whoever listens at a run's socket. */
async function listen(then: (socket: Socket) => void): Promise<void> {
  const server = createNetServer(then).listen(join(folder, 'run.sock'));
  closing.push(() => server.close());
  await once(server, 'listening');
}

async function replyPrints(): Promise<void> {
  await listen((socket) => {
    socket.on('error', () => undefined);
    socket.write('x'.repeat(mostLineBytes + 1));
  });
  expect(await askRun(folder, 'run', { do: 'pause', by: 'me' })).toEqual({
    why: 'silent',
    detail: 'what it answers is no answer of a run',
  });
}

async function logPrints(): Promise<void> {
  const file = keepLog(folder, 'run', 'h1', ['x'.repeat(6 * 2 ** 20)]);
  expect(readFileSync(file ?? '').length).toBe(5 * 2 ** 20);
  await Promise.resolve();
}

describe('every wait for somebody else has an end', () => {
  test('sudo that neither asks nor begins the command', async () => {
    const clock = manualClock(0);
    const process = printing(silent(), silent());
    const spawned = new CommandRemote(transport(process), become, clock).spawn(['cat']);
    const refused = expect(spawned).rejects.toMatchObject({
      kind: 'become_failed',
      message: 'sudo has neither asked for a password nor begun the command within 30 s.',
    });
    await expect.poll(() => clock.sleepers()).toBe(1);
    await clock.advanceTo(sudoTimeoutMs);
    await refused;
    expect(process.isClosed).toBe(true);
  });

  test('an ssh-agent that takes the question and never answers', async () => {
    const clock = manualClock(0);
    await listen((socket) => socket.resume());
    const listed = new AgentCache(clock).list(join(folder, 'run.sock'));
    const refused = expect(listed).rejects.toThrow('it has not answered within 5 s');
    await clock.advanceTo(agentTimeoutMs);
    await refused;
  });

  test.each([
    ['ignores SIGTERM', 'trap "" TERM; echo here; while :; do sleep 1; done'],
    ['has started another that holds its output', 'sleep 600 & echo here; wait'],
    ['does not end', 'echo here; exec sleep 600'],
    ['reads its stdin for ever', 'echo here; exec tail -f /dev/null'],
  ])('a program that %s is over by its deadline', async (_, text) => {
    const options = { timeoutMs: 300, mostBytes: 1000, ownGroup: true };
    const { end, stdout } = await runProgram([await program(text)], options);
    expect({ end, stdout }).toEqual({ end: { kind: 'late' }, stdout: 'here\n' });
  });

  test('a program that has ended is over, whatever it has left behind', async () => {
    const path = await program('sleep 600 & echo $!; exit 4');
    const { end, stdout } = await runProgram([path], { timeoutMs: 60_000, mostBytes: 1000, ownGroup: false });
    process.kill(Number(stdout));
    expect(end).toEqual({ kind: 'exited', code: 4 });
  });

  test('whoever talks to a run byte by byte', async () => {
    const control = await serveControl(folder, 'run', () => ({ ok: true, message: 'done' }), 200);
    closing.push(() => control.close());
    const socket = connect(join(folder, 'run.sock'));
    socket.on('error', () => undefined);
    const drip = setInterval(() => socket.write('x'), 20);
    closing.push(() => clearInterval(drip));
    // What it still writes may fail: that is no news.
    await new Promise((resolve) => socket.once('close', resolve));
  });
});

describe('what is nested, or repeated, without end', () => {
  test.each([201, 5000, 1_000_000])('JSON of an inventory script, %i levels deep', async (levels) => {
    const text = `n=${levels}; many() { head -c "$n" /dev/zero | tr "\\0" "$1"; }
printf '{"_meta":{"hostvars":{"h":{"x":'; many '['; many ']'; printf '}}},"all":{"hosts":["h"]}}'`;
    expect(await scriptProblems(text)).toEqual([
      'the inventory script with --list printed JSON that is more than 200 levels deep',
    ]);
  });

  test.each([5000, 20_000])('YAML, %i levels deep', async (levels) => {
    await writeFile(join(folder, 'hosts.yaml'), `all: {vars: {x: ${'['.repeat(levels)}${']'.repeat(levels)}}}\n`);
    const problems = new Problems();
    const sources = ['hosts.yaml'];
    await loadInventory({ sources, cwd: folder, env, vault: new Vault(undefined, problems), problems });
    expect(problems.errors().map(({ message }) => message)).toEqual([
      'this is not valid YAML: lists or mappings stand in each other deeper than can be read',
    ]);
  });

  test('YAML whose aliases stand for a billion values', async () => {
    const lines = Array.from({ length: 12 }, (_, at) => `    a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(9)}]`);
    await writeFile(join(folder, 'hosts.yaml'), `all:\n  vars:\n    a0: &a0 [x]\n${lines.join('\n')}\n`);
    const problems = new Problems();
    const sources = ['hosts.yaml'];
    await loadInventory({ sources, cwd: folder, env, vault: new Vault(undefined, problems), problems });
    expect(problems.errors().map(({ message }) => message)).toEqual([expect.stringContaining('aliases')]);
  });
});
