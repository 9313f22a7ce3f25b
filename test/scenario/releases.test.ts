import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { shlexRules, splitWords } from '../../src/shell/words.ts';
import { startStage, type Stage } from './support/stage.ts';

const page = fileURLToPath(new URL('../../docs/releases.md', import.meta.url));

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
afterAll(() => stage.close());

/** The code blocks of the page, by their language, with the sandbox's registry in place of the example's. */
async function blocks(language: string): Promise<readonly string[]> {
  const text = await readFile(page, 'utf8');
  const found = text.matchAll(new RegExp('^```' + language + '\\n([^]*?)^```$', 'gm'));
  return [...found].map(([, code = '']) => code.replaceAll('registry.example.com', stage.fleet.registry));
}

interface Inventory {
  readonly all: {
    readonly vars: Readonly<Record<string, unknown>>;
    readonly children: { readonly web: { readonly hosts: Readonly<Record<string, unknown>> } };
  };
}

/** The page's files: its playbook, and the fleet's inventory cut in two. */
async function writeProject(): Promise<void> {
  for (const folder of ['playbooks', 'inventories']) await mkdir(join(stage.cwd, folder));
  const [playbook = ''] = await blocks('yaml');
  await writeFile(join(stage.cwd, 'playbooks/shop.yaml'), playbook);
  const { all } = parse(await readFile(stage.fleet.inventoryFile, 'utf8')) as Inventory;
  const vars = { ...all.vars, balancer_stats: stage.fleet.statsUrl };
  const write = async (name: string, wanted: readonly string[]): Promise<void> => {
    const hosts = Object.fromEntries(Object.entries(all.children.web.hosts).filter(([host]) => wanted.includes(host)));
    const inventory = { all: { vars, children: { web: { hosts } } } };
    await writeFile(join(stage.cwd, 'inventories', `${name}.yaml`), stringify(inventory));
  };
  await write('integration', ['h1']);
  await write('production', ['h2', 'h3']);
}

/** Digests of `app:dev`, in the order of their pushes. */
const pushed: string[] = [];

async function push(image: string): Promise<void> {
  const [repository = '', tag = ''] = image.slice(stage.fleet.registry.length + 1).split(':');
  await stage.fleet.publish(repository, tag, { BUILD: String(pushed.length + 1) });
  const url = `http://${stage.fleet.registry}/v2/${repository}/manifests/${tag}`;
  pushed.push((await fetch(url, { method: 'HEAD' })).headers.get('docker-content-digest') ?? '');
}

/** Which push each host runs, by digest: `1 1 -`. */
async function running(): Promise<string> {
  const found = await Promise.all(
    stage.fleet.hosts.map(async (host) => {
      const label = '{{index .Config.Labels "rollout.image"}}';
      const image = await stage.fleet.docker(host, ['container', 'inspect', '--format', label, 'app']).catch(() => '');
      const digest = image.trim().split('@')[1];
      return digest === undefined ? '-' : String(pushed.indexOf(digest) + 1);
    }),
  );
  return found.join(' ');
}

/** A line of the page in short, how it ended, and what runs afterwards. */
async function carryOut(line: string): Promise<string> {
  const [program, ...words] = splitWords(line, shlexRules);
  if (program === 'docker') {
    await push(words[1] ?? '');
    return 'push';
  }
  expect(program).toBe('rollout');
  await rm(join(stage.cwd, '.rollout'), { recursive: true, force: true });
  const { exitCode, events, stderr, stdout } = await stage.rollout(...words);
  if (exitCode !== 0) throw new Error(`${line}\nended with ${exitCode ?? '?'}\n${stderr}${stdout}`);
  const end = events.find((event) => event.type === 'run_finished')?.outcome ?? 'ok';
  const [first = '', second = ''] = words;
  const what =
    first === 'composition' ? second : first === 'rollback' ? first : (/(\w+)\.yaml/.exec(words[2] ?? '')?.[1] ?? '');
  return `${what}: ${end}, ${await running()}`;
}

test("the manual's release goes its whole way, without the controller's folder, and every host has exactly its digests", async () => {
  await writeProject();
  const lines = (await blocks('sh')).flatMap((code) => code.split('\n').filter((line) => line !== ''));
  const story: string[] = [];
  for (const line of lines) story.push(await carryOut(line));
  expect(story).toEqual([
    'push',
    'new: ok, - - -',
    'verify: ok, - - -',
    'integration: changed, 1 - -',
    'promote: ok, 1 - -',
    'production: changed, 1 1 1',
    'push',
    'production: unchanged, 1 1 1',
    'new: ok, 1 1 1',
    'diff: ok, 1 1 1',
    'integration: changed, 2 1 1',
    'promote: ok, 2 1 1',
    'production: changed, 2 2 2',
    'rollback: changed, 2 1 1',
    'where: ok, 2 1 1',
  ]);
}, 180_000);
