import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { completionProject } from '../../support/completion.ts';
import { onTerminal } from '../../support/on-terminal.ts';
import type { Project } from '../../support/project.ts';
import { installPrograms } from '../support/packages.ts';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const shells = [
  ['zsh', 'zsh'],
  ['fish', 'fish'],
] as const;
if (!isRoot) console.warn('completion in zsh and fish is skipped: it needs Linux, and root to install them');

describe.skipIf(!isRoot)('completion in zsh and fish', () => {
  let project: Project;
  let path: string;
  beforeAll(async () => {
    await installPrograms(shells, (line) => console.log(line));
    project = completionProject(inject('rolloutScript'));
    path = `${join(project.dir, 'bin')}:${process.env['PATH'] ?? ''}`;
  });
  afterAll(() => project[Symbol.dispose]());

  test('fish: what it offers for a line, from files alone', () => {
    const offered = (line: string): readonly string[] => {
      const script = 'rollout completion fish | source; complete -C "$argv[1]"';
      const env = { PATH: path, HOME: project.dir, TERM: 'dumb' };
      const stdout = execFileSync('fish', ['--no-config', '-c', script, line], {
        cwd: project.dir,
        env,
        encoding: 'utf8',
      });
      return stdout
        .split('\n')
        .map((each) => each.split('\t')[0] ?? '')
        .filter((each) => each !== '');
    };
    const wanted = {
      'rollout stat': ['status'],
      'rollout plan --det': ['--detailed-exitcode'],
      'rollout playbooks/prod.yaml --limit h1,e': ['h1,eu'],
      'rollout logs playbooks/prod.yaml ': ['app', 'db'],
      'rollout resume 2026': ['20261127-101500-k3fd'],
    };
    expect(Object.fromEntries(Object.keys(wanted).map((line) => [line, offered(line)]))).toEqual(wanted);
    expect(existsSync(join(project.dir, 'was-run'))).toBe(false);
  });

  test('zsh: at a real terminal the tabulator completes the word', async () => {
    const zsh = onTerminal(['env', `PATH=${path}`, 'zsh', '-f', '-i'], project.dir);
    // Ctrl-G prints the line as it is by then, whatever zsh has drawn, and begins a new one.
    const show = 'show() { zle -I; print -r -- "<$BUFFER>"; BUFFER= }; zle -N show; bindkey "^G" show';
    const setUp = 'PROMPT="> "; autoload -U compinit; compinit -D -u; source <(rollout completion zsh)';
    zsh.type(`${setUp}; ${show}; echo is-"ready"\n`);
    await zsh.said('is-ready');
    const lines = [
      'rollout compositi\t',
      'rollout composition ver\t--plat\t',
      'rollout playbooks/prod.yaml --limit e\t',
    ];
    const completed = [
      'rollout composition ',
      'rollout composition verify --platform ',
      'rollout playbooks/prod.yaml --limit eu ',
    ];
    for (const [index, line] of lines.entries()) {
      zsh.type(`${line}\u0007`);
      await zsh.said(`<${completed[index] ?? ''}>`);
    }
    zsh.type('\u0015exit\n');
    await zsh.exited;
  });
});
