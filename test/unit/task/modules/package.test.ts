import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageModule } from '../../../../src/task/modules/package.ts';
import { Found, keyOf } from '../../../../src/task/query.ts';

// The module, with the host's own shell, where the managers are imitated: what they print was recorded of dnf 4.23 and
// zypper 1.14, and apk's is as its manual has it. `versions` is the host's list of packages.
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollout-packages-'));
  mkdirSync(join(folder, 'bin'));
  // Only these, so that this machine's apt-get is not found.
  for (const name of ['sh', 'sort', 'cat', 'grep', 'sed']) symlinkSync(`/usr/bin/${name}`, join(folder, 'bin', name));
  writeFileSync(join(folder, 'versions'), 'hello-1.0\nworld-1.0\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const program = (name: string, text: string): void => {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\ncd ${folder} || exit\n${text}\n`);
  chmodSync(join(folder, 'bin', name), 0o755);
};

const rpm = `
case $1 in
  -qa) cat versions ;;
  -q) grep -q "^$3-" versions ;;
esac`;
const apkReads = `
case $* in
  'info -v') cat versions; exit ;;
  'info -e '*) grep "^$3-" versions; exit ;;
esac`;

/** A manager that notes its words, and does `work`. */
function manager(name: 'dnf' | 'yum' | 'zypper' | 'apk', work: string): void {
  if (name !== 'apk') program('rpm', rpm);
  program(name, `${name === 'apk' ? apkReads : ''}\necho "${name} $*" >> calls\n${work}`);
}

/** A command on the host. */
function run(argv: readonly string[]) {
  const [program = '', ...args] = argv;
  const path = join(folder, 'bin', program);
  const { status, stdout, stderr } = spawnSync(path, args, { encoding: 'utf8', env: { PATH: join(folder, 'bin') } });
  return { exitCode: status ?? 127, stdout, stderr };
}

async function ran(input: Readonly<Record<string, unknown>>, mode: 'run' | 'check' = 'run') {
  const params = packageModule.schema.parse(input);
  const answers = (packageModule.observe?.(params, {} as never) ?? []).map((query) => {
    if (query.kind !== 'command') throw new Error(`asked for ${query.kind}`);
    return [keyOf(query), run(query.argv)] as const;
  });
  const verdict = packageModule.plan(params, new Found(new Map(answers)), {} as never);
  const calls = (): readonly string[] =>
    existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n') : [];
  if (verdict.kind === 'done') return { ...verdict.result, calls: calls() };
  if (mode === 'check') return { changed: verdict.kind === 'change' || verdict.why, calls: calls() };
  const host = { run: (argv: readonly string[]) => Promise.resolve(run(argv)) };
  try {
    const { changed } = await verdict.apply(host as never);
    return { changed, calls: calls() };
  } catch (error) {
    return { failed: true, msg: error instanceof Error ? error.message : error, calls: calls() };
  }
}

const [upgradesHello, adds] = ["sed -i 's/^hello-.*/hello-2.0/' versions", 'echo tool-1.0 >> versions'];
const zypperNothing =
  'echo "No update candidate for \'world-1.0\'. The highest available version is already installed."';

test.each([
  ['dnf', 'dnf -y install tool'],
  ['yum', 'yum -y install tool'],
  ['zypper', 'zypper --non-interactive install --auto-agree-with-licenses tool'],
  ['apk', 'apk add tool'],
] as const)('%s installs what is missing, and only that', async (name, call) => {
  manager(name, adds);
  const params = { name: ['hello', 'tool'], state: 'present' };
  expect(await ran(params, 'check')).toMatchObject({ changed: true, calls: [] });
  expect(await ran(params)).toEqual({ changed: true, calls: [call] });
  expect(await ran(params)).toEqual({ changed: false, calls: [call] });
});

test.each([
  ['dnf', "echo 'Nothing to do.'", false],
  ['dnf', `${upgradesHello}; echo 'Upgraded:'`, true],
  // One of the two has nothing newer, and zypper says so.
  ['zypper', `${zypperNothing}; ${upgradesHello}; echo '(1/1) Installing: hello-2.0-1.noarch [..done]'`, true],
  ['zypper', `${zypperNothing}; echo 'Nothing to do.'`, false],
  // The same last line, whatever was done.
  ['apk', "echo 'OK: 7 MiB in 15 packages'", false],
  ['apk', `echo '(1/1) Upgrading hello (1.0 -> 2.0)'; ${upgradesHello}; echo 'OK: 7 MiB in 15 packages'`, true],
  // Words of another language.
  ['yum', "echo 'Nichts zu tun.'", false],
] as const)(
  '%s, asked for the newest, has changed what the list of packages shows: %s',
  async (name, work, changed) => {
    manager(name, work);
    expect(await ran({ name: 'hello, world', state: 'latest' })).toMatchObject({ changed });
  },
);

test.each([
  // dnf with strict=0 passes over what it does not find.
  ['dnf', "echo 'No match for argument: tool'", 'dnf ended with exit code 0, and tool is not there'],
  ['dnf', "echo 'Error: Unable to find a match: tool' >&2; exit 1", 'Error: Unable to find a match: tool'],
  ['zypper', 'echo "No provider of \'tool\' found."; exit 104', "No provider of 'tool' found."],
  ['apk', "echo 'ERROR: unable to select packages:' >&2; exit 1", 'ERROR: unable to select packages:'],
] as const)('%s fails where it installs nothing: %s', async (name, work, msg) => {
  manager(name, work);
  expect(await ran({ name: 'tool' })).toMatchObject({ failed: true, msg });
});

test.each([102, 103, 106])('exit code %i of zypper is no failure', async (code) => {
  manager('zypper', `${adds}; exit ${code}`);
  expect(await ran({ name: 'tool' })).toMatchObject({ changed: true });
});

test('zypper 107, a script of a package that failed, is one', async () => {
  manager('zypper', `${adds}; exit 107`);
  expect(await ran({ name: 'tool' })).toMatchObject({ failed: true });
});

test.each([
  ['dnf', 'dnf -y remove hello'],
  ['zypper', 'zypper --non-interactive remove hello'],
  ['apk', 'apk del hello'],
] as const)('%s removes what is there, and only that', async (name, call) => {
  manager(name, "sed -i '/^hello-/d' versions");
  const params = { name: ['hello', 'tool'], state: 'absent' };
  expect(await ran(params)).toEqual({ changed: true, calls: [call] });
  expect(await ran(params)).toEqual({ changed: false, calls: [call] });
});

test('what a manager only claims to have removed has not been removed', async () => {
  manager('dnf', "echo 'Complete!'");
  expect(await ran({ name: 'hello', state: 'absent' })).toMatchObject({
    failed: true,
    msg: 'dnf ended with exit code 0, and hello is still there',
  });
});

test('a host with none of them says so', async () => {
  expect(await ran({ name: 'tool' })).toMatchObject({
    failed: true,
    msg: 'the host has none of apt-get, dnf, yum, zypper and apk',
  });
});
