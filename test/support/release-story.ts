import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { shlexRules, splitWords } from '../../src/shell/words.ts';
import type { Fleet } from './fleet.ts';
import type { FinishedRollout } from './rollout.ts';

const page = fileURLToPath(new URL('../../docs/releases.md', import.meta.url));

/** The fleet that the manual's release goes its way on: its first host is integration, the others are production. */
export interface ReleaseStage {
  readonly fleet: Fleet;
  readonly cwd: string;
  readonly rollout: (...args: readonly string[]) => Promise<FinishedRollout>;
  /** Deletes the controller's folder before every command. */
  readonly forgets: boolean;
  /** Where the registry speaks plain HTTP: the page's has TLS. */
  readonly isPlain: boolean;
  /** Where a gate finds the hosts, to ask what they serve; none: it asks nobody. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** What each line of the page comes to: the line in short, how it ended, and which push each host runs afterwards. */
export const releaseStory: readonly string[] = [
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
];

/** Releases that the gate was asked about, with the canary that each ran on. */
export const gatedReleases: readonly string[] = [
  'c_20261120_1504 on h1',
  'rc_20261120_1504 on h2',
  'c_20261121_0930 on h1',
  'rc_20261121_0930 on h2',
];

/** What a fleet went through, and what is left of it. */
export interface ToldRelease {
  readonly story: readonly string[];
  /** The lines of the gate: what it was told, and where it asked, what the canary serves. */
  readonly gate: readonly string[];
  /** `service=name@digest` of each production host, as its docker has it. */
  readonly production: Readonly<Record<string, readonly string[]>>;
  /** What the release that was gone back to says. */
  readonly release: readonly string[];
}

/** Types every command of the page, from the first to the last. */
export async function tellRelease(stage: ReleaseStage): Promise<ToldRelease> {
  const { fleet, cwd } = stage;
  await writeProject(stage);
  await fleet.publish('shop/health', '1');
  const lines = (await blocks(stage, 'sh')).flatMap((code) => code.split('\n').filter((line) => line !== ''));
  const pushed: string[] = [];
  const story: string[] = [];
  for (const line of lines) story.push(await carryOut(line, stage, pushed));
  const production = fleet.hosts.slice(1).map(async (host) => {
    const found = await Promise.all(
      ['app', 'health'].map(async (service) => `${service}=${await imageOf(stage, host, service)}`),
    );
    return [host, found] as const;
  });
  const written = parse(await readFile(join(cwd, 'compositions/rc_20261120_1504.yaml'), 'utf8')) as {
    readonly components: Readonly<Record<string, string>>;
  };
  return {
    story,
    gate: (await readFile(gateLog(cwd), 'utf8')).trimEnd().split('\n'),
    production: Object.fromEntries(await Promise.all(production)),
    release: ['app', 'health'].map(
      (service) => `${service}=${(written.components[service] ?? '').replace(/:[\w.-]+@/, '@')}`,
    ),
  };
}

/** The code blocks of the page, by their language, with the fleet's registry in place of the example's. */
async function blocks({ fleet }: ReleaseStage, language: string): Promise<readonly string[]> {
  const text = await readFile(page, 'utf8');
  const found = text.matchAll(new RegExp('^```' + language + '\\n([^]*?)^```$', 'gm'));
  return [...found].map(([, code = '']) => code.replaceAll('registry.example.com', fleet.registry));
}

interface Group {
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly hosts?: Readonly<Record<string, unknown>>;
  readonly children?: Readonly<Record<string, Group>>;
}

/** The page's files: its playbook, the program of its gate, and the fleet's inventory cut in two. */
async function writeProject(stage: ReleaseStage): Promise<void> {
  const { fleet, cwd, addresses, isPlain } = stage;
  for (const folder of ['playbooks', 'inventories']) await mkdir(join(cwd, folder));
  const registries = isPlain ? `registries: ${JSON.stringify({ [fleet.registry]: { insecure: true } })}\n` : '';
  const [playbook = ''] = await blocks(stage, 'yaml');
  await writeFile(join(cwd, 'playbooks/shop.yaml'), registries + playbook);
  await writeFile(join(cwd, access), `name: access\n${registries}plays: [{ name: all, hosts: web, services: {} }]\n`);
  const smoke = join(cwd, 'playbooks/smoke.sh');
  await writeFile(smoke, smokeProgram(addresses, gateLog(cwd)));
  await chmod(smoke, 0o755);
  const groups = parse(await readFile(fleet.inventoryFile, 'utf8')) as Readonly<Record<string, Group>>;
  const web = groups['web'] ?? groups['all']?.children?.['web'];
  const vars = { ...groups['all']?.vars, ...web?.vars, balancer_stats: fleet.statsUrl };
  const write = async (name: string, wanted: readonly string[]): Promise<void> => {
    const hosts = Object.fromEntries(Object.entries(web?.hosts ?? {}).filter(([host]) => wanted.includes(host)));
    await writeFile(
      join(cwd, 'inventories', `${name}.yaml`),
      stringify({ all: { vars, children: { web: { hosts } } } }),
    );
  };
  await write('integration', fleet.hosts.slice(0, 1));
  await write('production', fleet.hosts.slice(1));
}

/** A playbook for its registries alone. */
const access = 'playbooks/access.yaml';

const gateLog = (cwd: string): string => join(cwd, 'gate.log');

/** What stands for the page's test: it asks the canary, and keeps what it was told. */
const smokeProgram = (addresses: ReleaseStage['addresses'], log: string): string => `#!${process.execPath}
const { ROLLOUT_COMPOSITION: release, ROLLOUT_CANARIES: canaries } = process.env;
const address = ${JSON.stringify(addresses)}[canaries];
const served = async () => {
  const answer = await fetch('http://' + address + ':8080/');
  if (!answer.ok) throw new Error(canaries + ' answers ' + answer.status);
  return ': ' + (await answer.json()).version;
};
Promise.resolve(address === undefined ? '' : served()).then(
  (more) => require('node:fs').appendFileSync(${JSON.stringify(log)}, release + ' on ' + canaries + more + '\\n'),
  (error) => { console.log(String(error)); process.exitCode = 1; },
);
`;

/** A line of the page in short, how it ended, and what runs afterwards. */
async function carryOut(line: string, stage: ReleaseStage, pushed: string[]): Promise<string> {
  const [program, ...words] = splitWords(line, shlexRules);
  if (program === 'docker') {
    await push(words[1] ?? '', stage, pushed);
    return 'push';
  }
  if (program !== 'rollout') throw new Error(`no command of the story: ${line}`);
  if (stage.forgets) await rm(join(stage.cwd, '.rollout'), { recursive: true, force: true });
  const [first = '', second = ''] = words;
  const asksRegistry = first === 'composition' && ['new', 'promote', 'diff', 'verify'].includes(second);
  const how = stage.isPlain && asksRegistry ? ['--playbook', access, ...(words.includes('-i') ? [] : inventory)] : [];
  const { exitCode, events, stderr, stdout } = await stage.rollout(...words, ...how);
  if (exitCode !== 0) throw new Error(`${line}\nended with ${exitCode ?? '?'}\n${stderr}${stdout}`);
  const end = events.find((event) => event.type === 'run_finished')?.outcome ?? 'ok';
  const what =
    first === 'composition' ? second : first === 'rollback' ? first : (/(\w+)\.yaml/.exec(words[2] ?? '')?.[1] ?? '');
  return `${what}: ${end}, ${await running(stage, pushed)}`;
}

const inventory = ['-i', 'inventories/integration.yaml'];

/** Each push is another image under the same tag. */
async function push(image: string, { fleet }: ReleaseStage, pushed: string[]): Promise<void> {
  const [repository = '', tag = ''] = image.slice(fleet.registry.length + 1).split(':');
  await fleet.publish(repository, tag, { APP_VERSION: `build-${pushed.length + 1}` });
  const url = `http://${fleet.registry}/v2/${repository}/manifests/${tag}`;
  const headers = { accept: 'application/vnd.docker.distribution.manifest.v2+json' };
  pushed.push((await fetch(url, { method: 'HEAD', headers })).headers.get('docker-content-digest') ?? '');
}

/** Which push each host runs, by digest: `1 1 -`. */
async function running(stage: ReleaseStage, pushed: readonly string[]): Promise<string> {
  const found = await Promise.all(
    stage.fleet.hosts.map(async (host) => {
      const image = await imageOf(stage, host, 'app').catch(() => '');
      return image === '' ? '-' : String(pushed.indexOf(image.split('@')[1] ?? '') + 1);
    }),
  );
  return found.join(' ');
}

/** `name@digest` of the image that a container runs, as its host's docker says. */
async function imageOf({ fleet }: ReleaseStage, host: string, container: string): Promise<string> {
  const id = (await fleet.docker(host, ['container', 'inspect', '--format', '{{.Image}}', container])).trim();
  const digests = await fleet.docker(host, ['image', 'inspect', '--format', '{{json .RepoDigests}}', id]);
  return (JSON.parse(digests) as readonly string[])[0] ?? '';
}
