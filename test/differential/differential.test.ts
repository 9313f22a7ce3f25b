import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { compareInventories } from '../../bench/inventory-comparison.ts';
import { registerInventory } from '../../src/cli/inventory.ts';
import { runTextCommand } from '../support/text-command.ts';
import { callAnsible, hasAnsible, type AnsibleResult } from './ansible.ts';
import { inventoriesFolder, inventoryCases, patternInventory, patterns } from './cases.ts';

const cases = inventoryCases();
const here = new URL('.', import.meta.url).pathname;

/** What `rollout inventory` prints on stdout. */
async function rollout(cwd: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runTextCommand(registerInventory, ['inventory', ...args], { cwd });
  // Nothing at all is what a pattern prints that selects no host.
  return stdout === '' && exitCode !== 0 ? `stderr: ${stderr}` : stdout;
}

/** The hosts that `ansible PATTERN --list-hosts` names, one a line. */
function listedHosts({ stdout }: AnsibleResult): string[] {
  return stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

describe.skipIf(!hasAnsible())('rollout and Ansible read the same from the same files', () => {
  const lists = new Map<string, AnsibleResult>();
  const graphs = new Map<string, AnsibleResult>();
  const hosts = new Map<string, { readonly host: string; readonly result: AnsibleResult }>();
  const selections = new Map<string, AnsibleResult>();

  beforeAll(async () => {
    const listed = await callAnsible(
      cases.flatMap(({ folder, args }) => [
        { argv: ['ansible-inventory', ...args, '--list'], cwd: folder },
        { argv: ['ansible-inventory', ...args, '--graph'], cwd: folder },
      ]),
    );
    for (const [index, { name }] of cases.entries()) {
      const [list, graph] = listed.slice(2 * index);
      if (list !== undefined) lists.set(name, list);
      if (graph !== undefined) graphs.set(name, graph);
    }
    const first = cases.flatMap((one) => {
      const listed = lists.get(one.name);
      if (listed?.code !== 0) return [];
      const { _meta } = JSON.parse(listed.stdout) as { _meta: { hostvars: object } };
      const host = Object.keys(_meta.hostvars)[0];
      return host === undefined ? [] : [{ ...one, host }];
    });
    const shown = await callAnsible([
      ...first.map(({ folder, args, host }) => ({ argv: ['ansible-inventory', ...args, '--host', host], cwd: folder })),
      ...patterns.map(({ pattern, limit }) => ({
        argv: [
          'ansible',
          '-i',
          patternInventory,
          ...(limit === undefined ? [] : ['-l', limit]),
          '--list-hosts',
          '--',
          pattern,
        ],
        cwd: here,
      })),
    ]);
    for (const [index, { name, host }] of first.entries()) {
      const result = shown[index];
      if (result !== undefined) hosts.set(name, { host, result });
    }
    for (const [index, one] of patterns.entries()) {
      const result = shown[first.length + index];
      if (result !== undefined) selections.set(JSON.stringify(one), result);
    }
  }, 300_000);

  test('there are at least 40 inventories and 60 patterns', () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
    expect(patterns.length).toBeGreaterThanOrEqual(60);
  });

  test.each(cases)('$name: --list gives the same groups, hosts and variables', async ({ name, folder, args }) => {
    const theirs = lists.get(name);
    expect(theirs).toMatchObject({ code: 0 });
    expect(JSON.parse(await rollout(folder, [...args, '--list']))).toEqual(JSON.parse(theirs?.stdout ?? ''));
  });

  test.each(cases)('$name: --graph draws the same tree', async ({ name, folder, args }) => {
    expect(await rollout(folder, [...args, '--graph'])).toBe(graphs.get(name)?.stdout);
  });

  test.each(cases)('$name: --host gives the same variables', async ({ name, folder, args }) => {
    const theirs = hosts.get(name);
    if (theirs === undefined) return;
    expect(JSON.parse(await rollout(folder, [...args, '--host', theirs.host]))).toEqual(
      JSON.parse(theirs.result.stdout),
    );
  });

  test.each(patterns)('the pattern $pattern (limit $limit) selects the same hosts in the same order', async (one) => {
    const { pattern, limit } = one;
    const theirs = selections.get(JSON.stringify(one));
    expect(theirs).toMatchObject({ code: 0 });
    const ours = await rollout(here, [
      '-i',
      patternInventory,
      ...(limit === undefined ? [] : ['-l', limit]),
      `--hosts=${pattern}`,
    ]);
    expect(ours.split('\n').filter((line) => line !== '')).toEqual(listedHosts(theirs as AnsibleResult));
  });

  test('5,000 hosts are listed in the very same words', () => {
    const { hosts, same } = compareInventories(inject('rolloutScript'), 1);
    expect({ hosts, same }).toEqual({ hosts: 5000, same: true });
  });

  test('the commands themselves print what their entry points print', () => {
    const one = cases.find(({ name }) => name === 'ini-children');
    const printed = execFileSync('ansible-inventory', ['-i', 'hosts', '--list'], {
      cwd: `${inventoriesFolder}/ini-children`,
      timeout: 60_000,
      encoding: 'utf8',
    });
    expect(printed).toBe(lists.get(one?.name ?? '')?.stdout);
  });
});
