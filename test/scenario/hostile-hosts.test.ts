import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { runProgram } from '../support/program.ts';
import { startStage, type Stage } from './support/stage.ts';

/** What a host does with what it is given, and how it looks to somebody who only plans. */
describe('hosts that are not what they seem', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
    await stage.deploy('1');
  });
  afterEach(() => {
    for (const host of stage.fleet.hosts) stage.fleet.sandbox.host(host).machine.interpose = undefined;
  });
  afterAll(() => stage.close());

  test('two names of one machine are said in the plan, and refused by the run', async () => {
    const own = await readFile(stage.fleet.inventoryFile, 'utf8');
    const [, port = ''] = /h1: \{ ansible_port: (\d+) \}/.exec(own) ?? [];
    const inventory = join(stage.cwd, 'twins.yaml');
    await writeFile(inventory, `${own}        again: { ansible_port: ${port} }\n`);
    const file = await stage.playbook(await stage.app('2'), { play: { load_balancer: { type: 'none' } } });
    const plan = await stage.plain('plan', file, '-i', inventory);
    expect(`${plan.stdout}${plan.stderr}`.replace(/\s+/g, ' ')).toContain(
      'h1 and again look like one machine: the same docker, hostname and containers. A run refuses that.',
    );
    const run = await stage.plain(file, '-i', inventory);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toMatch(/(?:h1 and again|again and h1) are one machine: this run has its lock already/);
    expect(await stage.versions()).toEqual({ h1: '1', h2: '1' });
  });

  test("credentials of docker's config.json that a host prints are in no output, journal or report", async () => {
    const password = 'p4ss "word"/ü+&';
    const auth = Buffer.from(`deploy:${password}`).toString('base64');
    const token = 'identity-t0ken-of-another-registry';
    const home = join(stage.cwd, 'home');
    await mkdir(join(home, '.docker'), { recursive: true });
    const auths = { [stage.fleet.registry]: { auth }, 'other.example': { identitytoken: token } };
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths }));
    let printed = '';
    for (const host of stage.fleet.hosts)
      stage.fleet.sandbox.host(host).machine.interpose = async (line, io, run) => {
        if (!line.includes('rollout-pull')) return run(io);
        printed = (await io.readStdin()).toString();
        const forms = [printed, auth, password, token, JSON.stringify(password), encodeURIComponent(password)];
        io.stdout(forms.join('\n'));
        io.stderr(`${forms.join('\n')}\ndenied: ${printed}\n`);
        return 1;
      };
    const file = await stage.playbook(await stage.app('3'));
    const env = { HOME: home, DOCKER_CONFIG: join(home, '.docker'), NO_COLOR: '1' };
    const results = [];
    for (const output of ['plain', 'json']) {
      const args = [file, '-vvv', '--report', join(stage.cwd, 'report.html'), '--output', output];
      results.push(await runProgram(process.execPath, [inject('rolloutScript'), ...args], { cwd: stage.cwd, env }));
    }
    expect(results.map(({ exitCode }) => exitCode)).toEqual([results[0]?.exitCode, results[0]?.exitCode]);
    // The host was given it, and did print it.
    expect(printed).toContain(auth);
    const journals = await readdir(join(stage.cwd, '.rollout/runs'));
    const sinks = [
      ...results.flatMap(({ stdout, stderr }) => [stdout, stderr]),
      await readFile(join(stage.cwd, 'report.html'), 'utf8'),
      ...(await Promise.all(
        journals
          .filter((name) => name.endsWith('.jsonl'))
          .map((name) => readFile(join(stage.cwd, '.rollout/runs', name), 'utf8')),
      )),
    ];
    const forms = [auth, password, token, JSON.stringify(password).slice(1, -1), encodeURIComponent(password), 'p4ss'];
    for (const form of forms) expect([form, sinks.filter((sink) => sink.includes(form)).length]).toEqual([form, 0]);
    expect(sinks.some((sink) => sink.includes('[secret '))).toBe(true);
  });
});
