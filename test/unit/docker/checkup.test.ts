import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkupCommand, loginShellCommand, parseCheckup } from '../../../src/docker/checkup.ts';
import { surveyCommand } from '../../../src/docker/commands.ts';
import { parseSurvey } from '../../../src/docker/observe.ts';
import { readRecording } from '../../support/recorded.ts';

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'rollout-checkup-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Puts a program before all others. */
function install(name: string, text: string): void {
  mkdirSync(join(home, 'bin'), { recursive: true });
  writeFileSync(join(home, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

/** A docker that says of itself what `info` holds, runs nothing, and notes what it is asked. */
function installDocker(info: Readonly<Record<string, unknown>>): void {
  writeFileSync(join(home, 'info.json'), `${JSON.stringify(info)}\n`);
  install('docker', `echo "$*" >>'${home}/asked'; [ "$1" != info ] || cat '${home}/info.json'`);
}

const run = (command: readonly string[] = checkupCommand, env: Readonly<Record<string, string>> = {}): string => {
  const [program = '', ...args] = command;
  const path = `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`;
  return execFileSync(program, args, { encoding: 'utf8', env: { PATH: path, HOME: home, ...env } });
};

const docker = { ServerVersion: '28.5.2', SystemTime: '2026-11-27T10:16:44.692316123+01:00' };

test('a host in order: the word whole, its clock, nothing missing, and what is free where docker is', () => {
  const folder = join(home, 'docker root');
  mkdirSync(folder);
  // As docker prints it: others beside it hold quotes and commas.
  installDocker({ ...docker, Runtimes: { runc: '{"a":"b","DockerRootDir":"/x"}' }, DockerRootDir: folder, Name: 'h1' });
  const { room, ...found } = parseCheckup(run());
  expect(found).toEqual({
    timeMs: Date.UTC(2026, 10, 27, 9, 16, 44, 692),
    info: expect.objectContaining({ Name: 'h1' }) as unknown,
    missingTools: [],
    isWordWhole: true,
  });
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  expect(room).toEqual({
    folder,
    freeBytes: near(bavail * bsize),
    freeInodes: files === 0 ? undefined : near(ffree),
  });
});

/** Others write to the same disk. */
const near = (wanted: number): unknown => expect.closeTo(wanted, -Math.log10(wanted / 5)) as unknown;

test('a stat that knows no file systems: what df says', () => {
  install('stat', 'echo "stat: invalid option -- f" >&2; exit 1');
  installDocker({ ...docker, DockerRootDir: home });
  const { bavail, bsize } = statfsSync(home);
  expect(parseCheckup(run()).room).toMatchObject({ folder: home, freeBytes: near(bavail * bsize) });
});

test('a docker whose folder is not here: nobody knows its room', () => {
  installDocker({ ...docker, DockerRootDir: join(home, 'elsewhere') });
  expect(parseCheckup(run()).room).toBeUndefined();
});

test.each(['/data,docker', '/data"docker', '/data\\docker', '/data&docker'])(
  'a folder whose name the shell does not read as docker means it is to be asked for: %s',
  (folder) => {
    installDocker({});
    // Go writes & as \\u0026.
    writeFileSync(
      join(home, 'info.json'),
      JSON.stringify({ ...docker, DockerRootDir: folder }).replace('&', '\\u0026'),
    );
    expect(parseCheckup(run()).room).toBe('unknown');
  },
);

test('a docker that does not tell the time, or its folder', () => {
  installDocker({ ServerVersion: '20.10.24' });
  expect(parseCheckup(run())).toMatchObject({ timeMs: undefined, room: 'unknown' });
});

test('commands that are missing', () => {
  installDocker(docker);
  expect(parseCheckup(run([...checkupCommand, 'no-such-tool', 'nor-this'])).missingTools).toEqual([
    'no-such-tool',
    'nor-this',
  ]);
});

test('a word that has changed', () => {
  installDocker(docker);
  expect(parseCheckup(run(checkupCommand.map((word) => word.replace('$HOME', '/root')))).isWordWhole).toBe(false);
});

test('it starts the docker processes of a survey, and no other', () => {
  installDocker(docker);
  run(surveyCommand);
  const asked = readFileSync(join(home, 'asked'), 'utf8');
  rmSync(join(home, 'asked'));
  run();
  expect(readFileSync(join(home, 'asked'), 'utf8')).toBe(asked);
});

test('a docker that fails ends it, in its own words', () => {
  install('docker', `echo "$*" >>'${home}/asked'; echo 'permission denied' >&2; exit 1`);
  const stdout = run();
  expect(() => parseCheckup(stdout)).toThrow('permission denied');
  expect(() => parseSurvey(stdout)).toThrow('permission denied');
  expect(readFileSync(join(home, 'asked'), 'utf8').split('\n')).toHaveLength(2);
});

test('what it prints is a survey too', async () => {
  installDocker(docker);
  const survey = await readRecording('28.5', 'survey.txt');
  const beside = run().split('\x1einfo')[0] ?? '';
  expect(parseSurvey(`${beside}${survey}`)).toEqual(parseSurvey(survey));
});

test.each(['', 'Welcome', '\x1eword\nsoon\n\x1e0 \n\x1einfo\n{}\n\x1e0 \n\x1etools\n\n'])(
  'an answer that is none of it is refused: %j',
  (stdout) => {
    expect(() => parseCheckup(stdout)).toThrow();
  },
);

test('the login shell by its name', () => {
  expect(run(loginShellCommand, { SHELL: '/usr/bin/fish' })).toBe('/usr/bin/fish');
  expect(existsSync(join(home, 'asked'))).toBe(false);
});
