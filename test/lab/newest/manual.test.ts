import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { manualLines } from '../../support/manual.ts';
import { onTerminal } from '../../support/on-terminal.ts';
import { runRollout, startRollout, type RunningRollout } from '../../support/rollout.ts';
import { startStage, type Stage } from '../../scenario/support/stage.ts';

/** How a line of the manual is run where it does not simply end by itself with 0. */
interface How {
  readonly exitCode?: number;
  /** It goes on until Ctrl-C, which comes when this has been printed. */
  readonly until?: RegExp;
  /** Beside a run that bakes, which then ends with this code. */
  readonly during?: number;
  /** In an empty folder, with these files of the project. */
  readonly emptyWith?: readonly string[];
  /** At a terminal, where these questions are answered so. */
  readonly answers?: readonly (readonly [question: string, answer: string])[];
  readonly before?: () => Promise<unknown>;
}

/** Lines that no sandbox can run, and where they are run or why not. */
const elsewhere: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/playbooks\/shop\.yaml|c_20261121_0930|^composition new c_20261120_1504 /, 'scenario/releases runs the whole page'],
  [/^playbooks\/lab\.yaml/, 'lab/fleet: the playbook of the lab'],
  [/^demo/, 'scenario/demo, and the first step of CI'],
  [/^schedule (?:install (?!.*--crontab)|list|remove)/, 'needs systemd: unit/schedule, with systemd-analyze'],
  [/--push /, 'needs docker at the controller: lab/newest/push'],
  [/^exec /, 'needs programs and a terminal of a real host: lab/newest/operator runs each'],
];

describe('the manual’s command lines', () => {
  let stage: Stage;
  let story: readonly (readonly [line: string, how?: How])[];
  let ids: { first: string; paused: string };
  const settings = (cwd = stage.cwd) => ({ script: inject('rolloutScript'), cwd });

  beforeAll(async () => {
    stage = await startStage({ hosts: 4 });
    const { fleet, cwd } = stage;
    for (const folder of ['inventories', 'playbooks', 'compositions']) await mkdir(join(cwd, folder));
    for (const stageName of ['prod', 'integration'])
      await copyFile(fleet.inventoryFile, join(cwd, `inventories/${stageName}.yaml`));
    await writeFile(join(cwd, 'hosts.yaml'), 'web: { hosts: { web1: {}, web2: {} } }\neu: { hosts: { web1: {} } }\n');
    const images = { app: await stage.app('1.4'), health: `${fleet.registry}/shop/health:1` };
    for (const version of ['1.5', '1.5.1', 'dev']) await stage.app(version);
    await fleet.publish('shop/health', '1.2');
    const components = `name: c_1\ncomponents: ${JSON.stringify(images)}\n`;
    await writeFile(join(cwd, 'compositions/prod.yaml'), components);
    await writeFile(join(cwd, 'compose.yaml'), `services: { app: { image: ${images.app}, ports: ['8080:8080'] } }\n`);
    const keys = { appKeys: { image: undefined }, healthKeys: { image: undefined } };
    const top = (file: string) => ({ top: { composition: `${cwd}/compositions/${file}` } });
    for (const [name, parts] of [
      ['prod', { ...keys, ...top('prod.yaml') }],
      ['dev', {}],
      ['maintenance', {}],
    ] as const)
      await copyFile(
        await stage.playbook(`${fleet.registry}/shop/app:dev`, parts),
        join(cwd, `playbooks/${name}.yaml`),
      );
    ids = { first: '', paused: '' };

    const cut =
      (name: string, ...images: readonly string[]) =>
      () =>
        runRollout(['composition', 'new', name, '--lock', ...images.map((image) => withFleet(image))], settings());
    const example = 'registry.example.com/shop';
    const release = [`app=${example}/app:1.5`, `health=${example}/health:1.2`];
    const init = (...emptyWith: readonly string[]): How => ({ emptyWith });
    const mailed = async () => {
      await rm(join(cwd, 'compositions/rc_20261120_1504.yaml'));
      await cut('rc_20261120_1504', ...release, `mail=${example}/app:1.4`)();
    };
    story = [
      // The tutorial.
      ['--version'],
      [
        'init',
        {
          ...init(),
          answers: [
            ['Name of', 'shop'],
            ['Hosts, as', 'deploy@10.0.0.11'],
            ['User to', ''],
            ['group', ''],
            ['Image of', ''],
            ['Port', ''],
            ['statistics', ''],
          ],
        },
      ],
      ['init --from-host deploy@10.0.0.11 --from-host deploy@10.0.0.12', { ...init(), exitCode: 4 }],
      ['init --from-compose compose.yaml --host deploy@10.0.0.11', init('compose.yaml')],
      ['init --from-ansible inventories/prod.yaml --group web', init('inventories/prod.yaml')],
      ['inventory -i inventories/prod.yaml --graph'],
      ['inventory -i inventories/prod.yaml --list'],
      ...['--list', '--host web1', '--graph [--vars]', "--hosts 'web:&eu'"].map(
        (flag) => [`inventory -i hosts.yaml ${flag}`] as const,
      ),
      ['validate hosts.yaml'],
      ['validate playbooks/prod.yaml'],
      ['plan playbooks/prod.yaml'],
      ['playbooks/prod.yaml'],
      ['plan playbooks/prod.yaml --diff'],
      ['playbooks/prod.yaml --output plain'],
      ['playbooks/prod.yaml --lock-timeout 1m'],
      ['playbooks/prod.yaml --output json | jq -c \'select(.type == "run_finished") | {outcome, exitCode}\''],
      ['history'],
      ['report'],
      // Looking at a fleet.
      ['status playbooks/prod.yaml'],
      [
        "status playbooks/prod.yaml --output json | jq '.plays[].hosts[] | select(.asWanted | not) | {host, drift, problems}'",
      ],
      ['doctor playbooks/prod.yaml'],
      ['doctor playbooks/prod.yaml --drain h3'],
      ['logs playbooks/prod.yaml'],
      ['logs playbooks/prod.yaml app -f', { until: /listening/ }],
      ['logs playbooks/prod.yaml app -f --tail 20', { until: /listening/ }],
      ["logs playbooks/prod.yaml app -l h1 --since 10m --grep 'timeout|refused'"],
      ['completion bash >~/.local/share/bash-completion/completions/rollout'],
      ['completion fish >~/.config/fish/completions/rollout.fish'],
      ['history --from-hosts playbooks/prod.yaml'],
      // Compositions.
      [`composition new --lock ${release.join(' ')}`],
      [
        'playbooks/prod.yaml -i inventories/integration.yaml -c compositions/c_20261120_1504.yaml',
        { before: cut('c_20261120_1504', ...release) },
      ],
      ['composition promote compositions/c_20261120_1504.yaml --as rc --tag'],
      ['playbooks/prod.yaml -c compositions/rc_20261120_1504.yaml'],
      ['composition new --from-run latest'],
      ['composition new as_it_runs --from-hosts playbooks/prod.yaml'],
      [
        'composition diff compositions/rc_20261113_0930.yaml compositions/rc_20261120_1504.yaml',
        { before: cut('rc_20261113_0930', `app=${example}/app:1.4`, `health=${example}/health:1`) },
      ],
      ['rollback playbooks/prod.yaml --to compositions/rc_20261113_0930.yaml'],
      ['rollback playbooks/prod.yaml'],
      ['rollback playbooks/prod.yaml --to 20261120-150432-x7f3'],
      [
        'composition new hotfix --from compositions/rc_20261120_1504.yaml app=:1.5.1 --without mail --lock',
        { before: mailed },
      ],
      // Steering.
      ['promote 20261120-150432-x7f3', { during: 0 }],
      ['abort 20261120', { during: 130 }],
      ['pause latest', { during: 7 }],
      ['resume 20261120-150432-x7f3 --from-hosts playbooks/prod.yaml'],
      // At its time.
      ['playbooks/maintenance.yaml'],
      ['schedule install playbooks/maintenance.yaml --cron "0 2 * * 6" --crontab'],
      ['watch playbooks/dev.yaml --once'],
      ['watch playbooks/dev.yaml --every 60s', { until: /./ }],
      ['watch playbooks/dev.yaml --min-age 1h', { until: /./ }],
      ['watch playbooks/dev.yaml --metrics watch.prom', { until: /./ }],
    ];
  }, 120_000);
  afterAll(() => stage.close());

  /** Of the fleet that there is: its registry, and its runs. */
  const withFleet = (word: string): string =>
    word
      .replaceAll('registry.example.com', stage.fleet.registry)
      .replace('20261120-150432-x7f3', ids.paused === '' ? ids.first : ids.paused)
      .replace(/^20261120$/, ids.paused.slice(0, -1));

  test('each is run on a sandbox fleet, or is listed with where it is run instead', async () => {
    const whole = new Map(manualLines().flatMap((line) => (line.isWhole ? [[line.text, line] as const] : [])));
    const others = [...whole.keys()].filter((line) => elsewhere.some(([pattern]) => pattern.test(line)));
    expect([...story.map(([line]) => line), ...others].toSorted()).toEqual([...whole.keys()].toSorted());

    const wrong: string[] = [];
    for (const [line, how = {}] of story) {
      await how.before?.();
      const words = (whole.get(line)?.words ?? []).map(withFleet);
      const found = await carryOut(words, how);
      const wanted = how.exitCode ?? 0;
      if (found.exitCode !== wanted)
        wrong.push(`rollout ${line}: exit code ${found.exitCode}, not ${wanted}\n${found.said}`);
    }
    expect(wrong).toEqual([]);
    const reasons = elsewhere.map(
      ([pattern, reason]) => `${others.filter((line) => pattern.test(line)).length}: ${reason}`,
    );
    console.log(
      `${whole.size} command lines of the manual: ${story.length} run here; ${others.length} elsewhere (${reasons.join('; ')})`,
    );
  }, 600_000);

  async function carryOut(
    words: readonly string[],
    how: How,
  ): Promise<{ readonly exitCode: number | null; readonly said: string }> {
    if (how.during !== undefined) return steer(words, how.during);
    if (how.emptyWith !== undefined) return inEmptyFolder(words, how);
    if (how.until === undefined) {
      const { exitCode, stdout, stderr } = await runRollout(words, settings());
      ids.first ||= /run (\d{8}-\d{6}-\w+)/.exec(stdout)?.[1] ?? '';
      return { exitCode, said: stdout + stderr };
    }
    const running = startRollout(words, settings());
    await printed(running, how.until);
    running.process.kill('SIGINT');
    const { exitCode, stdout, stderr } = await running.finished;
    return { exitCode, said: stdout + stderr };
  }

  /** Beside a run whose canary bakes for ten minutes. */
  async function steer(
    words: readonly string[],
    runEnds: number,
  ): Promise<{ readonly exitCode: number | null; readonly said: string }> {
    const strategy = { canary: { hosts: 1, bake: '10m', promote: 'manual' } };
    const image = await stage.app(`steered-${runEnds}`);
    const slow = await stage.playbook(image, { strategy });
    const run = stage.start(slow);
    const { run: id } = await run.event(({ type }: Event) => type === 'bake_started');
    ids.paused = id;
    const steering = words.map((word) => (/^\d{8}/.test(word) ? (words[0] === 'abort' ? id.slice(0, -1) : id) : word));
    const { exitCode, stdout, stderr } = await runRollout(steering, settings());
    const finished = await run.finished;
    expect(finished.exitCode, finished.stderr).toBe(runEnds);
    // What goes on afterwards does not bake for so long.
    await copyFile(await stage.playbook(image), join(stage.cwd, 'playbooks/prod.yaml'));
    return { exitCode, said: stdout + stderr };
  }

  async function inEmptyFolder(
    words: readonly string[],
    { emptyWith = [], answers }: How,
  ): Promise<{ readonly exitCode: number | null; readonly said: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'rollout-manual-'));
    try {
      for (const file of emptyWith) {
        await mkdir(join(folder, file, '..'), { recursive: true });
        await copyFile(join(stage.cwd, file), join(folder, file));
      }
      if (answers === undefined) {
        const { exitCode, stdout, stderr } = await runRollout(words, settings(folder));
        return { exitCode, said: stdout + stderr };
      }
      const terminal = onTerminal([process.execPath, inject('rolloutScript'), ...words], folder);
      for (const [question, answer] of answers) {
        await terminal.said(question);
        terminal.type(`${answer}\r`);
      }
      return { exitCode: await terminal.exited, said: terminal.text() };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
});

function printed(running: RunningRollout, wanted: RegExp): Promise<void> {
  let text = '';
  return new Promise((resolve) => {
    running.process.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (wanted.test(text)) resolve();
    });
    void running.finished.then(() => resolve());
  });
}
