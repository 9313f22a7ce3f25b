import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkupCommand, loginCommand, parseCheckup, parseLogin, trickyWord } from '../../../src/docker/checkup.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'rollout-checkup-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const run = ([program = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): string =>
  execFileSync(program, args, { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env } });

test('a real shell gives the hard word back whole', () => {
  expect(parseLogin(run(loginCommand, { SHELL: '/bin/sh' }))).toEqual({
    word: trickyWord,
    shell: '/bin/sh',
    noise: '',
  });
});

test('what .bashrc prints in a session of sshd is seen, and cut', () => {
  writeFileSync(join(home, '.bashrc'), `echo "Welcome back!"; echo oops >&2; head -c 5000 /dev/zero | tr '\\0' x\n`);
  // So bash knows that sshd has started it.
  const env = { SHELL: '/bin/bash', SSH_CLIENT: '10.0.0.1 2 22', SHLVL: '3' };
  const { noise, word } = parseLogin(run(loginCommand, env));
  expect({ whole: word === trickyWord, begin: noise.slice(0, 20), length: noise.length }).toEqual({
    whole: true,
    begin: 'Welcome back!\noops\nx',
    length: 500,
  });
});

test('the time, what docker says, and commands that are missing', () => {
  const docker = join(home, 'docker');
  writeFileSync(docker, `#!/bin/sh\necho '{"ServerVersion":"20.10.24"}'\n`);
  chmodSync(docker, 0o755);
  const before = Math.floor(Date.now() / 1000) * 1000;
  const found = parseCheckup(
    run([...checkupCommand, 'no-such-tool'], { PATH: `${home}:${process.env['PATH'] ?? ''}` }),
  );
  expect({ info: found.info, missing: found.missingTools }).toEqual({
    info: { ServerVersion: '20.10.24' },
    missing: ['no-such-tool'],
  });
  expect(found.timeMs).toBeGreaterThanOrEqual(before);
});

test.each(['', 'Welcome', '\x1etime\nsoon\n\x1e0 \n\x1einfo\n{}\n\x1e0 \n\x1etools\n\n\x1e0 \n'])(
  'an answer that is none of it is refused: %j',
  (stdout) => {
    expect(() => parseCheckup(stdout)).toThrow();
  },
);
