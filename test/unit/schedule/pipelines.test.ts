import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';

// The pipelines of docs/schedule.md. GitHub's own parser reads its workflow. For files of GitLab and Jenkins no registry
// has a linter that needs no server of theirs: they are parsed as far as that goes, and hold words of their manuals only.
const manual = readFileSync('docs/schedule.md', 'utf8');
const blockWith = (head: string): string =>
  [...manual.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, text = '']) => text).find((text) => text.startsWith(head)) ??
  '';

interface Parser {
  parseWorkflow(
    file: { readonly name: string; readonly content: string },
    trace: object,
  ): { readonly context: { readonly errors: { getErrors(): readonly { readonly message: string }[] } } };
  readonly NoOperationTraceWriter: new () => object;
}
let faultsOf: (workflow: string) => readonly string[];

beforeAll(async () => {
  // Published for bundlers only: it imports JSON without saying so.
  const { outputFiles } = await build({
    stdin: { contents: "export * from '@actions/workflow-parser'", resolveDir: process.cwd() },
    ...{ bundle: true, write: false, format: 'esm', platform: 'browser', logLevel: 'error' },
  });
  const parser = (await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')}`
  )) as Parser;
  faultsOf = (content) =>
    parser
      .parseWorkflow({ name: 'maintenance.yml', content }, new parser.NoOperationTraceWriter())
      .context.errors.getErrors()
      .map(({ message }) => message);
}, 120_000);

test('GitHub reads the workflow of the manual, and would see a wrong key, a wrong time and a wrong expression in it', () => {
  const workflow = blockWith('# .github/workflows/');
  expect(workflow).toContain('rollout run playbooks/maintenance.yaml --quiet');
  expect(faultsOf(workflow)).toEqual([]);
  for (const [right, wrong] of [
    ['timeout-minutes:', 'timeout-minuts:'],
    ['steps:', 'step:'],
    ['github.run_id', 'githab.run_id'],
    ['runs-on: ubuntu-latest', 'needs: nobody'],
  ] as const) {
    expect(workflow).toContain(right);
    expect(faultsOf(workflow.replace(right, wrong)), wrong).not.toEqual([]);
  }
});

/** Keywords of a job in GitLab's reference of `.gitlab-ci.yml`. */
const gitlabKeywords = new Set(
  'after_script allow_failure artifacts before_script cache coverage dast_configuration dependencies environment extends identity image inherit interruptible manual_confirmation needs pages parallel release resource_group retry rules run script secrets services stage tags timeout trigger variables when'.split(
    ' ',
  ),
);

test("the job for GitLab is YAML, has GitLab's keywords and what GitLab asks of a job", () => {
  const jobs = parse(blockWith('# .gitlab-ci.yml'), { strict: true, uniqueKeys: true }) as Record<
    string,
    Readonly<Record<string, unknown>>
  >;
  expect(Object.keys(jobs)).toEqual(['maintenance']);
  const { maintenance = {} } = jobs;
  expect(Object.keys(maintenance).filter((key) => !gitlabKeywords.has(key))).toEqual([]);
  expect(maintenance).toMatchObject({
    image: expect.any(String) as string,
    rules: [{ if: '$CI_PIPELINE_SOURCE == "schedule"' }],
    interruptible: false,
    resource_group: expect.any(String) as string,
    timeout: expect.stringMatching(/^\d+ (?:hours?|minutes?)$/) as string,
    cache: { key: expect.any(String) as string, paths: ['.rollout/'] },
    script: expect.arrayContaining(['rollout run playbooks/maintenance.yaml --quiet --resume-paused']) as string[],
  });
});

/** The blocks of a declarative Jenkinsfile by their paths, and its steps; throws where a brace or a quote is not closed. */
function jenkinsBlocks(text: string): { readonly blocks: readonly string[]; readonly steps: readonly string[] } {
  const blocks: string[] = [];
  const steps: string[] = [];
  const open: string[] = [];
  const token = /\/\/[^\n]*|'''[\s\S]*?'''|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|[{}]|\n|[^'"{}\n/]+|\//g;
  let statement = '';
  let read = 0;
  for (const [part] of text.matchAll(token)) {
    read += part.length;
    if (part.startsWith('//')) continue;
    if (part === '{') {
      open.push(statement.trim().replace(/\(.*/s, ''));
      blocks.push(open.join('/'));
      statement = '';
    } else if (part === '}' || part === '\n') {
      if (statement.trim() !== '') steps.push(`${open.join('/')}: ${statement.trim()}`);
      statement = '';
      if (part === '}' && open.pop() === undefined) throw new Error('a brace too many');
    } else statement += part;
  }
  if (open.length > 0 || read !== text.length) throw new Error(`not closed: ${open.join('/')}`);
  return { blocks, steps };
}

test('the Jenkinsfile is whole, and a declarative pipeline has its sections where it has them', () => {
  const file = blockWith('// Jenkinsfile');
  expect(jenkinsBlocks(file)).toEqual({
    blocks: [
      'pipeline',
      'pipeline/options',
      'pipeline/triggers',
      'pipeline/stages',
      'pipeline/stages/stage',
      'pipeline/stages/stage/steps',
    ],
    steps: [
      'pipeline: agent any',
      'pipeline/options: disableConcurrentBuilds()',
      "pipeline/options: timeout(time: 3, unit: 'HOURS')",
      "pipeline/triggers: cron('''TZ=Europe/Amsterdam\n0 2 * * 6''')",
      "pipeline/stages/stage/steps: sh 'rollout run playbooks/maintenance.yaml --quiet --resume-paused'",
    ],
  });
  expect(() => jenkinsBlocks(file.replace(/\}\s*$/, ''))).toThrow('not closed');
  expect(() => jenkinsBlocks(`${file}}`)).toThrow('a brace too many');
  expect(() => jenkinsBlocks(file.replace("6'''", '6'))).toThrow('not closed');
});
