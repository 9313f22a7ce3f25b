import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Argv } from '../../../src/docker/commands.ts';
import { removeCommand, updateCommand } from '../../../src/docker/patient.ts';

// The scripts themselves, in a real shell, with a docker that answers line by line what a test has written down.
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollout-patient-'));
  await program(
    'docker',
    `
case "$1 $2" in
  'container inspect') answers=looks ;;
  version*) echo "$*" >>said; [ ! -e away ]; exit ;;
  *) answers=refusals ;;
esac
echo "$*" >>said
line=$(head -n 1 "$answers" 2>/dev/null)
# The last answer is given for ever.
[ "$(wc -l <"$answers" 2>/dev/null || echo 0)" -le 1 ] || sed -i 1d "$answers"
if [ "$answers" = looks ]; then
  case $line in gone) echo "Error: No such container: app" >&2; exit 1 ;; fails:*) echo "\${line#fails:}" >&2; exit 1 ;; esac
  [ -z "$line" ] || echo "$line"
  exit
fi
[ "$line" = granted ] && exit 0
echo "$line" >&2
exit 1`,
  );
  // Each takes a second of this clock.
  await writeFile(join(folder, 'naps'), '');
  await program('sleep', 'echo nap >>naps');
  await program('cut', '[ "$*" = "-d. -f1 /proc/uptime" ] || exit 2; wc -l <naps');
  // The host's date jumps by hours, ahead and back.
  await program('date', 'echo $((($(wc -l <naps) % 2) * 7200))');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function program(name: string, text: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
  await chmod(join(folder, name), 0o755);
}

/** What docker says to the command each time, and how the container looks after each; `gone` where it is not there. */
async function run(argv: Argv, refusals: readonly string[], looks: readonly string[]) {
  await writeFile(join(folder, 'refusals'), `${refusals.join('\n')}\n`);
  await writeFile(join(folder, 'looks'), `${looks.join('\n')}\n`);
  const [command = '', ...args] = argv;
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const result = await new Promise<{ readonly exitCode: number; readonly stderr: string }>((resolve) => {
    execFile(command, args, { cwd: folder, env }, (error, _, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code), stderr }),
    );
  });
  const said = (await readFile(join(folder, 'said'), 'utf8')).trimEnd().split('\n');
  const asked = said.filter((line) => /^(?:update|rm) /.test(line));
  return { ...result, asked };
}

const fromDaemon = 'Error response from daemon: Cannot update container 1f: ';
const once = 'running 10 a b 0';

test.each([
  'cannot update a stopped container: unknown', // 20.10
  'cannot update a stopped container', // 28.5
  'ttrpc: closed', // 28.5
  'ttrpc: closed: unknown',
  'task 1f not found: not found',
  'container is not running',
  'der Behälter ruht',
])('an update that is refused with "%s" while the process ends is asked again', async (words) => {
  const { exitCode, stderr, asked } = await run(
    updateCommand('app', ['--restart', 'no']),
    [`${fromDaemon}${words}`, `${fromDaemon}${words}`, 'granted'],
    [once, 'exited 0 a b 0'],
  );
  expect({ exitCode, stderr, asked }).toEqual({
    exitCode: 0,
    stderr: '',
    asked: Array.from({ length: 3 }, () => 'update --restart no -- app'),
  });
});

test('an update that a container refuses which goes on as it was is an error in docker’s words', async () => {
  const words = 'Error response from daemon: Minimum memory limit allowed is 6MB';
  const { exitCode, stderr, asked } = await run(updateCommand('app', ['--memory', '1m']), [words], [once]);
  expect({ exitCode, stderr, asked: asked.length }).toEqual({ exitCode: 1, stderr: `${words}\n`, asked: 8 });
});

test('an update that is refused for ever by a container that crashes over and over ends, and says how long it was asked', async () => {
  const looks = Array.from({ length: 20 }, (_, count) => `restarting 0 a b ${count}`);
  const { exitCode, stderr, asked } = await run(updateCommand('app', ['--restart', 'no']), ['no'], looks);
  expect({ exitCode, stderr, asked: asked.length }).toEqual({
    exitCode: 1,
    stderr: 'no (asked again for 10 s)\n',
    asked: 11,
  });
});

test('an update of a container that is not there is an error at once', async () => {
  const { exitCode, stderr, asked } = await run(updateCommand('app', ['--restart', 'no']), ['no such thing'], ['gone']);
  expect({ exitCode, stderr, asked: asked.length }).toEqual({ exitCode: 1, stderr: 'no such thing\n', asked: 1 });
});

test.each([
  'removal of container app is already in progress',
  'could not kill container: tried to kill container, but did not receive an exit event',
  'driver "overlay2" failed to remove root filesystem: device or resource busy',
])('a removal that is refused with "%s" is asked again until the container is gone', async (words) => {
  const { exitCode, stderr, asked } = await run(
    removeCommand('app'),
    [words, words, 'No such container: app'],
    ['removing 0 a b 0', 'removing 0 a b 0', 'gone'],
  );
  expect({ exitCode, stderr, asked: asked.length }).toEqual({ exitCode: 0, stderr: '', asked: 3 });
});

test.each([
  'Error: No such container: app', // 20.10
  'Error response from daemon: No such container: app', // 28.5
  'Error: no such object: "app"', // a client that is not docker's own
  'Error: inspecting object: no such container app',
])('a container of which docker says "%s" is gone', async (words) => {
  const { exitCode, stderr, asked } = await run(removeCommand('app'), ['busy'], [`fails:${words}`]);
  expect({ exitCode, stderr, asked: asked.length }).toEqual({ exitCode: 0, stderr: '', asked: 1 });
});

// The first removal is refused, what follows tells nothing, and the container is there all the while.
test.each([
  ['fails with other words', 'fails:Error response from daemon: containerd is not running'],
  ['fails without a word', 'fails:'],
  ['is empty', ''],
  ['says so of another container', 'fails:Error: No such container: app.next'],
  ['says so in the middle of a text', 'fails:No such container: app is what a wrapper says'],
])('a look that %s is no container that is gone: it is asked again', async (_, look) => {
  const { exitCode, stderr, asked } = await run(
    removeCommand('app'),
    ['device or resource busy', 'device or resource busy', 'granted'],
    [look, look],
  );
  expect({ exitCode, stderr, asked: asked.length }).toEqual({ exitCode: 0, stderr: '', asked: 3 });
});

test('a removal that stays refused while no look tells anything ends after 30 s as an error', async () => {
  const { exitCode, stderr, asked } = await run(removeCommand('app'), ['busy'], ['fails:ttrpc: closed']);
  expect({ exitCode, stderr, asked: asked.length }).toEqual({
    exitCode: 1,
    stderr: 'busy (asked again for 30 s)\n',
    asked: 31,
  });
});

test('an update is asked again where the look fails, and does not count it as a container that stays as it is', async () => {
  const { exitCode, stderr, asked } = await run(
    updateCommand('app', ['--restart', 'no']),
    [...Array.from({ length: 9 }, () => 'no'), 'granted'],
    ['fails:ttrpc: closed'],
  );
  expect({ exitCode, stderr, asked: asked.length }).toEqual({ exitCode: 0, stderr: '', asked: 10 });
});

test('a removal that finds no daemon is an error, and not a container that is gone', async () => {
  await writeFile(join(folder, 'away'), '');
  const words = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.';
  const { exitCode, stderr, asked } = await run(removeCommand('app'), [words], ['']);
  expect({ exitCode, stderr, asked: asked.length }).toEqual({ exitCode: 1, stderr: `${words}\n`, asked: 1 });
});

test('a removal that stays refused ends after 30 s', async () => {
  const { exitCode, stderr, asked } = await run(removeCommand('app'), ['busy'], ['dead 0 a b 0']);
  expect({ exitCode, stderr, asked: asked.length }).toEqual({
    exitCode: 1,
    stderr: 'busy (asked again for 30 s)\n',
    asked: 31,
  });
});

test('where no file tells the uptime, the date is the clock', async () => {
  await program('cut', 'exit 1');
  await program('date', 'wc -l <naps');
  const { stderr, asked } = await run(removeCommand('app'), ['busy'], ['dead 0 a b 0']);
  expect({ stderr, asked: asked.length }).toEqual({ stderr: 'busy (asked again for 30 s)\n', asked: 31 });
});
