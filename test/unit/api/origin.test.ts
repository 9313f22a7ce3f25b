import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { originOf } from '../../../src/api/origin.ts';

const commit = '5b5bf85c0ffee5b5bf85c0ffee5b5bf85c0ffee1';
const other = 'f666801c0ffeef666801c0ffeef666801c0ffee2';

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollout-origin-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.replaceAll('FOLDER', folder));
  }
  return folder;
}

test('the commit of a working tree is read from its branch, packed or loose, or its detached head', () => {
  const trees: readonly (readonly [Readonly<Record<string, string>>, string | undefined])[] = [
    [{ '.git/HEAD': 'ref: refs/heads/main\n', '.git/refs/heads/main': `${commit}\n` }, commit],
    [
      {
        '.git/HEAD': 'ref: refs/heads/a/b\n',
        '.git/packed-refs': `# pack-refs\n${other} refs/heads/a\n${commit} refs/heads/a/b\n^${other}\n`,
      },
      commit,
    ],
    [{ '.git/HEAD': `${commit}\n` }, commit],
    // A loose branch is newer than a packed one.
    [
      {
        '.git/HEAD': 'ref: refs/heads/main\n',
        '.git/refs/heads/main': commit,
        '.git/packed-refs': `${other} refs/heads/main\n`,
      },
      commit,
    ],
    // `git worktree add`, and a submodule.
    [
      {
        '.git': 'gitdir: FOLDER/elsewhere/worktrees/x\n',
        'elsewhere/worktrees/x/HEAD': 'ref: refs/heads/topic\n',
        'elsewhere/worktrees/x/commondir': '../..\n',
        'elsewhere/refs/heads/topic': commit,
      },
      commit,
    ],
    [{ '.git': 'gitdir: modules/x\n', 'modules/x/HEAD': commit }, commit],
    // Nothing committed yet, nothing of git, nonsense.
    [{ '.git/HEAD': 'ref: refs/heads/main\n' }, undefined],
    [{ 'playbooks/x': '' }, undefined],
    [{ '.git/HEAD': 'ref: refs/../../../etc/passwd\n' }, undefined],
    [{ '.git/HEAD': 'nonsense\n' }, undefined],
    [{ '.git/HEAD': 'ref: refs/heads/main\n', '.git/refs/heads/main': 'no commit' }, undefined],
  ];
  expect(trees.map(([files]) => originOf(join(folderWith(files), 'playbooks/prod.yaml'), {}).commit)).toEqual(
    trees.map(([, found]) => found),
  );
});

test('the CI job is the page of it', () => {
  const jobs: readonly (readonly [NodeJS.ProcessEnv, string | undefined])[] = [
    [
      { GITHUB_SERVER_URL: 'https://git.example.com', GITHUB_REPOSITORY: 'shop/deploy', GITHUB_RUN_ID: '17' },
      'https://git.example.com/shop/deploy/actions/runs/17',
    ],
    [{ CI_JOB_URL: 'https://gitlab.example.com/shop/-/jobs/4' }, 'https://gitlab.example.com/shop/-/jobs/4'],
    [{ BUILD_URL: 'http://jenkins.example.com/job/shop/5/' }, 'http://jenkins.example.com/job/shop/5/'],
    [{ CI_JOB_URL: 'javascript:alert(1)' }, undefined],
    [{ GITHUB_RUN_ID: '17' }, undefined],
    [{}, undefined],
  ];
  expect(jobs.map(([env]) => originOf('/prod.yaml', env).ciJob)).toEqual(jobs.map(([, job]) => job));
});
