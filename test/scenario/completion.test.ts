import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { completionProject } from '../support/completion.ts';
import { onTerminal } from '../support/on-terminal.ts';
import type { Project } from '../support/project.ts';

let project: Project;
beforeAll(() => {
  project = completionProject(inject('rolloutScript'));
});
afterAll(() => project[Symbol.dispose]());

/** What bash's own completion makes of lines, by the function that it calls. */
function completed(lines: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const asked = lines.map((line) => {
    const words = line.split(/(?<=[=:])|\s+|(?=[=:])/);
    return `COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _rollout; printf '%s\\t%s\\n' "$COMP_LINE" "\${COMPREPLY[*]}"`;
  });
  const script = ['source <(rollout completion bash)', 'compopt() { :; }', ...asked].join('\n');
  const env = { PATH: `${join(project.dir, 'bin')}:${process.env['PATH'] ?? ''}` };
  const stdout = execFileSync('bash', ['--norc', '-c', script], { cwd: project.dir, env, encoding: 'utf8' });
  return Object.fromEntries(
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [asked = '', found = ''] = line.split('\t');
        return [asked, found.split(' ').filter((word) => word !== '')];
      }),
  );
}

test('commands, flags, playbooks, hosts, groups, services, tags and runs, from files alone', () => {
  const wanted = {
    'rollout stat': ['status'],
    'rollout composition ver': ['verify'],
    'rollout plan --det': ['--detailed-exitcode'],
    'rollout --accept': ['--accept-new'],
    'rollout plan --output p': ['plain'],
    'rollout plan --output=p': ['plain'],
    'rollout plan playbooks/': ['playbooks/prod.yaml'],
    'rollout playbooks/p': ['playbooks/prod.yaml'],
    'rollout playbooks/prod.yaml -l h': ['h1', 'h2', 'h3'],
    'rollout playbooks/prod.yaml --limit h1,e': ['h1,eu'],
    'rollout status playbooks/prod.yaml --limit=web:&h3': ['&h3'],
    'rollout exec playbooks/prod.yaml we': ['web'],
    'rollout exec -s d playbooks/prod.yaml h1': ['h1'],
    'rollout exec playbooks/prod.yaml h1 -- l': [],
    'rollout logs playbooks/prod.yaml ': ['app', 'db'],
    'rollout plan playbooks/prod.yaml -t fast,n': ['fast,night'],
    'rollout resume ': ['latest', '20261127-101500-k3fd'],
    'rollout inventory -i inventories/hosts.yaml --host h': ['h1', 'h2', 'h3'],
    'rollout completion z': ['zsh'],
    'rollout nothing-like-it --x': [],
  };
  expect(completed(Object.keys(wanted))).toEqual(wanted);
  expect(existsSync(join(project.dir, 'was-run'))).toBe(false);
});

test('a name that a shell would run is not offered, and a broken playbook offers nothing', () => {
  expect(completed(['rollout plan $', 'rollout logs compose.yaml ', 'rollout logs missing.yaml '])).toEqual({
    'rollout plan $': [],
    'rollout logs compose.yaml ': [],
    'rollout logs missing.yaml ': [],
  });
});

test('at a real terminal the tabulator completes the word', async () => {
  const bash = onTerminal(
    ['env', `PATH=${join(project.dir, 'bin')}:${process.env['PATH'] ?? ''}`, 'bash', '--norc', '--noprofile', '-i'],
    project.dir,
  );
  bash.type('bind "set bell-style none"; source <(rollout completion bash); echo is-"ready"\n');
  await bash.said('is-ready');
  bash.type('rollout compositi\t');
  await bash.said('rollout composition ');
  bash.type('ver\t');
  await bash.said('rollout composition verify ');
  bash.type('--plat\t');
  await bash.said('rollout composition verify --platform ');
  // The line is given up, and the shell left.
  bash.type('\u0015exit\n');
  await bash.exited;
});
