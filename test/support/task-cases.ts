import { createHash } from 'node:crypto';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { files, given, taskCases, type TaskCase } from '../differential/task-cases.ts';
import { localInventory } from './local-tasks.ts';

export type Result = Readonly<Record<string, unknown>>;

/** What Ansible and rollout must agree on. */
export interface Compared {
  readonly changed: unknown;
  readonly failed: boolean;
  readonly skipped: boolean;
  readonly rc?: unknown;
  readonly stdout?: unknown;
  readonly items?: readonly Compared[];
}

/** A case's check, its run, its second run where it has one, and the files afterwards. */
export interface CaseOutcome {
  readonly runs: Readonly<Record<string, Compared>>;
  readonly tree: readonly string[];
}

/** Writes the files that every case finds, each case in a folder of its own. */
export function prepare(side: string): void {
  write(side, { 'hosts.yaml': localInventory, ...files });
  cpSync(new URL('../cases/tasks/archives', import.meta.url), join(side, 'files'), { recursive: true });
  for (const index of taskCases.keys()) {
    write(folderOf(side, index), given);
    symlinkSync('hello.txt', join(folderOf(side, index), 'link'));
    if (taskCases[index]?.name === 'fetch: for its owner')
      writeFileSync(join(folderOf(side, index), 'private.txt'), 'private\n', { mode: 0o600 });
  }
}

export const folderOf = (side: string, index: number): string => join(side, `case${index}`);

/** Every case in check mode, for real, and once more; each registers its result and goes on when it fails. */
export function tasksOf(side: string): readonly Readonly<Record<string, unknown>>[] {
  return taskCases.flatMap((each, index) => {
    const named = (run: string, more: Result = {}): Result => ({
      name: `${each.name}${run}`,
      ...(JSON.parse(
        JSON.stringify(each.task).replaceAll('DIR', folderOf(side, index)).replaceAll('result.', `r${index}${run}.`),
      ) as Result),
      register: `r${index}${run}`,
      ignore_errors: true,
      ...more,
    });
    return [named('_check', { check_mode: true }), named(''), ...(each.again ? [named('_again')] : [])];
  });
}

export function outcomesOf(results: Result, side: string): Readonly<Record<string, CaseOutcome>> {
  const outcome = (each: TaskCase, index: number): CaseOutcome => ({
    runs: Object.fromEntries(
      ['_check', '', ...(each.again ? ['_again'] : [])].map((run) => [
        run,
        comparedOf(results[`r${index}${run}`], side),
      ]),
    ),
    tree: treeOf(folderOf(side, index)).map((line) => line.replaceAll(basename(side), 'SIDE')),
  });
  return Object.fromEntries(taskCases.map((each, index) => [each.name, outcome(each, index)]));
}

function comparedOf(result: unknown, side: string): Compared {
  const { changed, failed, skipped, rc, stdout, results } = (result ?? {}) as Result;
  return {
    changed: changed ?? false,
    failed: failed === true,
    skipped: skipped === true,
    ...(rc === undefined || rc === null ? {} : { rc }),
    ...(typeof stdout === 'string' && rc !== undefined ? { stdout: stdout.replaceAll(side, 'SIDE') } : {}),
    ...(Array.isArray(results) ? { items: results.map((item) => comparedOf(item, side)) } : {}),
  };
}

export function write(folder: string, contents: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Every entry below a folder: its kind, mode, owner and content. */
function treeOf(folder: string, below = ''): readonly string[] {
  return readdirSync(join(folder, below))
    .sort()
    .flatMap((name) => {
      const path = join(below, name);
      const stat = lstatSync(join(folder, path));
      const access = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
      if (stat.isDirectory()) return [`${path}/ ${access}`, ...treeOf(folder, path)];
      if (stat.isSymbolicLink())
        return [`${path} -> ${readlinkSync(join(folder, path)).replace(/^.*\/case\d+\//, '')}`];
      const content = readFileSync(join(folder, path));
      const text = content.length > 200 ? createHash('sha1').update(content).digest('hex') : content.toString();
      return [`${path} ${access} ${stat.nlink} ${JSON.stringify(text)}`];
    });
}
