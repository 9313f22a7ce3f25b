import { expect, test } from 'vitest';
import { Found, keyOf } from '../../../../src/task/query.ts';
import { aptParams, aptQuery, planApt, type AptParams } from '../../../../src/task/modules/apt.ts';
import { parseApt } from '../../../../src/task/modules/apt-script.ts';
import type { Verdict } from '../../../../src/task/module.ts';

function planned(input: Parameters<typeof aptParams>[0], stdout: string): Verdict {
  const params: AptParams = aptParams(input);
  return planApt(params, new Found(new Map([[keyOf(aptQuery(params)), { exitCode: 0, stdout, stderr: '' }]])));
}

// Recorded from apt 2.6.1 with LC_ALL=C.
const upgrade = `age 5000
step dist-upgrade
Reading package lists...
Building dependency tree...
The following packages will be upgraded:
  libssl3 openssl
Inst openssl [3.0.14-1~deb12u2] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64]) []
Inst libssl3 [3.0.14-1~deb12u2] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])
Inst linux-image-6.1.0-28-amd64 (6.1.119-1 Debian-Security:12/stable-security [amd64])
Remv old-lib [1.2]
Conf libssl3 (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])
code 0
`;
const idle = 'age 5000\nstep dist-upgrade\nReading package lists...\n0 upgraded, 0 newly installed.\ncode 0\n';
const missing = 'age 5000\nstep install nope\nReading package lists...\nE: Unable to locate package nope\ncode 100\n';

test('what an upgrade would do is a difference of packages', () => {
  const verdict = planned({ upgrade: 'dist' }, upgrade);
  expect(verdict.kind === 'change' && verdict.diff).toEqual({
    path: 'packages',
    before: 'openssl 3.0.14-1~deb12u2\nlibssl3 3.0.14-1~deb12u2\nold-lib 1.2\n',
    after: 'openssl 3.0.15-1~deb12u1\nlibssl3 3.0.15-1~deb12u1\nlinux-image-6.1.0-28-amd64 6.1.119-1\n',
  });
});

test.each<readonly [string, Parameters<typeof aptParams>[0], string, string]>([
  ['nothing to upgrade, by lists that count', { upgrade: 'dist', cache_valid_time: 6000 }, idle, 'done'],
  ['nothing to upgrade, by lists that are too old', { upgrade: 'dist', cache_valid_time: 4000 }, idle, 'act'],
  ['lists that are not asked for', { upgrade: 'dist' }, idle, 'done'],
  ['old lists', { update_cache: true }, 'age 1\n', 'change'],
  ['lists that still count', { update_cache: true, cache_valid_time: 3600 }, 'age 3599\n', 'done'],
  ['all there, whatever the lists say', { name: 'openssl', update_cache: true }, 'age 99\n', 'done'],
  ['no such package, by lists that are read anew', { name: 'nope', update_cache: true }, missing, 'act'],
])('%s', (_, input, stdout, kind) => {
  expect(planned(input, stdout).kind).toBe(kind);
});

test('a package that is nowhere fails in the plan already, in the words of Ansible', () => {
  expect(planned({ name: 'nope' }, missing)).toEqual({
    kind: 'done',
    result: { failed: true, msg: "No package matching 'nope' is available" },
  });
});

test('what was done is told from what would be', () => {
  const done = `updated\nage 0\nstep install hello\nInst hello (2.10-3 Debian:12.0/stable [amd64])\ndid\nUnpacking hello (2.10-3) ...\nInst is no longer simulated\nend\ncode 0\n`;
  expect(parseApt(done)).toEqual({
    ageSeconds: 0,
    isUpdated: true,
    changes: [{ name: 'hello', from: undefined, to: '2.10-3' }],
    output: 'Unpacking hello (2.10-3) ...\nInst is no longer simulated',
    error: undefined,
  });
  const broken = done.replace('end\ncode 0', 'E: Sub-process /usr/bin/dpkg returned an error code (1)\nend\ncode 100');
  expect(parseApt(broken).error).toBe('Sub-process /usr/bin/dpkg returned an error code (1)');
});

test.each([
  [{ name: 'a', upgrade: 'dist' }, 'must have name or upgrade, and not both'],
  [{}, 'must have name, upgrade, update_cache, autoremove or autoclean'],
  [{ name: '-o evil' }, "must be a package's name"],
  [{ name: 'a b' }, "must be a package's name"],
  [{ name: '' }, 'not empty'],
])('%j is refused', (input, words) => {
  expect(() => aptParams(input as Parameters<typeof aptParams>[0])).toThrow(words);
});

test('names may stand in a list or with commas, with versions', () => {
  expect(aptParams({ name: 'a, b=1.2*' }).name).toEqual(['a', 'b=1.2*']);
  expect(aptParams({ name: ['libc6:amd64', 'g++'] }).name).toEqual(['libc6:amd64', 'g++']);
});
