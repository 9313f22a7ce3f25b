import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { writePlaybook } from '../../support/playbooks.ts';
import { runRollout } from '../../support/rollout.ts';
import { inventoryOf } from '../support/examples.ts';
import { describeOnLab } from '../support/lab-test.ts';
import { addSudoUsers, type SudoUser } from '../support/sudo-users.ts';

const password = `it's "s3cret" $HOME \\ `;
const needs = (name: string): string => `${name} ALL=(ALL:ALL) ALL`;
const lecture = 'Only authorised use. password: is never\nrollout: what a banner may say';

/** The sudo in Rust has no lectures, insults, logs and requiretty. */
const isRust = inject('labSystem').release === 'resolute';
const isKnown = (user: string): boolean => !isRust || ['free', 'asked', 'few', 'nobody2'].includes(user);

// The sudo of the newest Debian, with what is set for it in the field; and the one of Ubuntu.
describeOnLab(
  'become with a real sudo',
  (lab) => {
    let cwd: string;
    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'rollout-become-'));
      const users: readonly SudoUser[] = [
        { name: 'free', password, rules: ['free ALL=(ALL:ALL) NOPASSWD: ALL'] },
        { name: 'asked', password, rules: [needs('asked'), 'Defaults:asked timestamp_timeout=0'] },
        { name: 'noterm', password, rules: ['noterm ALL=(ALL:ALL) NOPASSWD: ALL', 'Defaults:noterm requiretty'] },
        {
          name: 'lectured',
          password,
          rules: [
            needs('lectured'),
            'Defaults:lectured lecture=always, lecture_file=/etc/sudo_lecture_lectured, timestamp_timeout=0',
          ],
          lecture,
        },
        {
          name: 'insulted',
          password,
          rules: [needs('insulted'), 'Defaults:insulted insults, passwd_tries=5, badpass_message="Nope, not you"'],
        },
        { name: 'pty', password, rules: [needs('pty'), 'Defaults:pty use_pty, log_input, log_output'] },
        { name: 'few', password, rules: ['few ALL=(ALL:ALL) NOPASSWD: /usr/bin/id'] },
        { name: 'nobody2', password, rules: ['# nothing'] },
      ];
      await addSudoUsers(
        lab(),
        'h1',
        users.filter(({ name }) => isKnown(name)),
      );
    });
    afterAll(() => rm(cwd, { recursive: true, force: true }));

    async function become(user: string, given: string | undefined, ...words: readonly string[]) {
      const inventory = join(cwd, `${user}.yaml`);
      const vars = `ansible_user: ${user}\n    ansible_become: true`;
      const secret = given === undefined ? '' : `\n    ansible_become_password: ${JSON.stringify(given)}`;
      const all = inventoryOf(lab().settings).replace('ansible_user: root', `${vars}${secret}`);
      await writeFile(inventory, all);
      const playbook = await writePlaybook(lab(), { health: 'a:1', app: 'a:1' });
      const { exitCode, stdout, stderr } = await runRollout(
        ['exec', '-i', inventory, '--output', 'json', playbook, 'h1', '--', ...words],
        { script: inject('rolloutScript'), cwd },
      );
      expect(stdout + stderr).not.toContain(password.slice(0, 12));
      const outcome = JSON.parse(stdout) as {
        readonly stdout?: string;
        readonly stderr?: string;
        readonly error?: string;
      };
      return { exitCode, outcome };
    }

    const becoming: readonly (readonly [string, string | undefined])[] = [
      ['free', undefined],
      ['free', password],
      ['asked', password],
      ['lectured', password],
      ['pty', password],
      ['insulted', password],
    ];
    test.each(becoming.filter(([user]) => isKnown(user)))(
      'as %s with the password %j: the command runs as root, and what sudo says is not its output',
      async (user, given) => {
        const { exitCode, outcome } = await become(user, given, 'id -un; echo said >&2; exit 3');
        expect(exitCode).toBe(3);
        expect(outcome).toMatchObject({ stdout: 'root\n', stderr: 'said\n' });
      },
    );

    const refused: readonly (readonly [string, string | undefined, RegExp])[] = [
      ['asked', undefined, /a password is required/],
      ['lectured', undefined, /a password is required/],
      ['asked', 'not that one', /the password is wrong/],
      ['lectured', 'not that one', /the password is wrong/],
      ['insulted', 'not that one', /the password is wrong/],
      ['noterm', undefined, /it wants a terminal/],
      ['noterm', password, /it wants a terminal/],
      ['few', undefined, isRust ? /the user may not/ : /a password is required/],
      ['nobody2', password, /the user may not/],
    ];
    test.each(refused.filter(([user]) => isKnown(user)))(
      'as %s with the password %j: refused with the reason, before anything runs',
      async (user, given, reason) => {
        const { exitCode, outcome } = await become(user, given, 'touch /run/became');
        expect(exitCode).toBe(4);
        expect(outcome.error).toMatch(/sudo does not make the user root: /);
        expect(outcome.error).toMatch(reason);
        expect((await lab().exec('h1', ['test', '-e', '/run/became'])).exitCode).toBe(1);
      },
    );
  },
  { hosts: 1 },
);
