import { expect, test } from 'vitest';
import { recordExtraVars, resumeCommandOf, resumedExtraVars } from '../../../src/api/extra-vars-record.ts';

const run = '20261120-150432-x7f3';
const given = ['version=1.5 password=hunter2', '@vars/prod.yaml', '{"token": "s3cr3t"}', `motd='two words' a=b`];

async function refusal(
  attempt: () => Promise<unknown>,
): Promise<{ message: string; details: readonly string[]; exitCode: number } | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    const { message, details, exitCode } = error as { message: string; details: readonly string[]; exitCode: number };
    return { message, details, exitCode };
  }
}

test('the record of -e has files and names, no value, and a hash that differs from run to run', async () => {
  const record = await recordExtraVars(given, run);
  expect(record).toEqual({
    given: ['version=… password=…', '@vars/prod.yaml', '{…}', 'motd=…'],
    hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
  expect((await recordExtraVars(given, '20261120-150432-aaaa'))?.hash).not.toBe(record?.hash);
  expect(await recordExtraVars([], run)).toBeUndefined();
});

test.each(['a=b=c', `a="x y" b='z'`, 'a=\\ secret', '=secret', `"a"=secret`])(
  'no part of a value of %s is recorded',
  async (text) => {
    expect((await recordExtraVars([text], run))?.given.join('')).toMatch(/^(?:a=…|=…)$/);
  },
);

test('the same extra variables, given again, are what a resumed run goes on with', async () => {
  expect(await resumedExtraVars(run, await recordExtraVars(given, run), given)).toEqual(given);
  expect(await resumedExtraVars(run, undefined, [])).toEqual([]);
});

test('files of extra variables need not be given again', async () => {
  expect(await resumedExtraVars(run, await recordExtraVars(['@a.yaml', '@b.yaml'], run), [])).toEqual([
    '@a.yaml',
    '@b.yaml',
  ]);
});

test('missing or other extra variables are refused with the command to type', async () => {
  const record = await recordExtraVars(given, run);
  const command = `rollout resume ${run} -e 'version=… password=…' -e @vars/prod.yaml -e '{…}' -e 'motd=…'`;
  expect(resumeCommandOf(run, record?.given ?? [])).toBe(command);
  expect(await refusal(() => resumedExtraVars(run, record, []))).toEqual({
    message: `run ${run} had extra variables, whose values no journal keeps; give them again`,
    details: [command],
    exitCode: 2,
  });
  expect(await refusal(() => resumedExtraVars(run, record, ['version=1.6']))).toEqual({
    message: `these are not the extra variables of run ${run}; give the same, in the same order`,
    details: [command, 'or run the playbook again, for other values'],
    exitCode: 2,
  });
  expect((await refusal(() => resumedExtraVars(run, undefined, ['a=b'])))?.message).toBe(
    `run ${run} had no extra variables, and goes on without: leave out -e`,
  );
});
