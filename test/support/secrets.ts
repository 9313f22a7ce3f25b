import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { emptyFleet } from './containers.ts';
import type { Fleet } from './fleet.ts';
import { writePlaybook } from './playbooks.ts';
import { runProgram } from './program.ts';
import { keyFile, leaksIn, secretValues, vaultText } from './secret-values.ts';

const vaultPassword = 'the-vault-password';

/**
 * Twelve secrets and a key file, from every source to every sink at `-vvv`, with a container that prints its
 * environment and fails. `moreTasks` fail or print on fleets whose hosts have a shell; `hostFiles` searches a host.
 */
export function secretTests(fleetOf: () => Fleet, onHost: OnHost = {}): void {
  let cwd: string;
  let sources: string;
  let scratch: string;
  let playbook: string;
  let groupVars: string;
  let images: { readonly health: string; readonly app: string };
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'rollout-secrets-'));
    sources = await mkdtemp(join(tmpdir(), 'rollout-sources-'));
    scratch = join(sources, 'tmp');
    await mkdir(scratch);
    const fleet = fleetOf();
    const [health, app] = [await fleet.publish('shop/health', '1'), await fleet.publish('shop/secrets', '1')];
    images = { health, app };
    env = {
      SECRET_PLAIN: value('plain'),
      SECRET_QUOTES: value('quotes'),
      SECRET_UNICODE: value('unicode'),
      TMPDIR: scratch,
    };
    for (const name of ['prefix', 'dollars']) await writeFile(join(sources, name), `${value(name)}\n`, { mode: 0o600 });
    await writeFile(join(sources, 'long'), vaultText(`${value('long')}\n`, vaultPassword));
    await writeFile(join(sources, 'key'), `${keyFile}\n`, { mode: 0o600 });
    await writeFile(join(sources, 'print'), '#!/bin/sh\ncat "$0.$1"\n');
    await chmod(join(sources, 'print'), 0o700);
    for (const name of ['base64', 'markup', 'url']) await writeFile(join(sources, `print.${name}`), value(name));
    await writeFile(join(sources, 'password'), `${vaultPassword}\n`);
    // Inline, as `ansible-vault encrypt_string` writes it.
    const encrypted = vaultText(value('vaulted'), vaultPassword).trimEnd().replaceAll(/^/gm, '  ');
    groupVars = join(fleet.dir, 'group_vars');
    await mkdir(groupVars, { recursive: true });
    await writeFile(join(groupVars, 'web.yaml'), `vaulted: !vault |\n${encrypted}\n`);
    await writeFile(join(sources, 'extra.yaml'), vaultText(JSON.stringify({ extra: value('extra') }), vaultPassword));
    const file = (name: string): object => ({ [name]: { file: join(sources, name) } });
    const command = (name: string): object => ({ [name]: { command: [join(sources, 'print'), name] } });
    const names = Object.keys(secretValues).filter((name) => name !== 'vaulted' && name !== 'extra');
    const environment = {
      ...Object.fromEntries(names.map((name) => [name, { secret: name }])),
      vaulted: '{{ vaulted }}',
      extra: '{{ extra }}',
      JOINED: 'before{{ vaulted }}after',
    };
    playbook = await writePlaybook(fleet, {
      file: 'secrets',
      health,
      app,
      appKeys: {
        environment: { ...environment, APP_PRINT_ENV: '1' },
        configs: [{ source: 'key', target: '/key' }],
        restart: 'no',
      },
      strategy: { canary: { hosts: 1 }, min_available: 0, healthy_deadline: '3s' },
      top: {
        secrets: {
          plain: { env: 'SECRET_PLAIN' },
          quotes: { env: 'SECRET_QUOTES' },
          unicode: { env: 'SECRET_UNICODE' },
          spaces: inlineVault(vaultText(value('spaces'), vaultPassword)),
          ...Object.assign({}, ...['prefix', 'dollars', 'long', 'key'].map(file)),
          ...Object.assign({}, ...['base64', 'markup', 'url'].map(command)),
        },
      },
      play: {
        configs: { key: { content: { secret: 'key' } } },
        ...(onHost.failingTask === undefined
          ? {}
          : { pre_tasks: [{ shell: onHost.failingTask, environment, ignore_errors: false, tags: ['failing'] }] }),
      },
    });
    await writeInlineVaults(playbook);
  });
  afterAll(async () => {
    await rm(groupVars, { recursive: true, force: true });
    await rm(cwd, { recursive: true, force: true });
    await rm(sources, { recursive: true, force: true });
  });
  beforeEach(() => emptyFleet(fleetOf()));

  const rollout = (...args: string[]): ReturnType<typeof runProgram> =>
    runProgram(process.execPath, [inject('rolloutScript'), ...commonArgs(), ...args], { cwd, env });
  const vaultArgs = (): string[] => ['--vault-password-file', join(sources, 'password')];
  const commonArgs = (): string[] => [
    playbook,
    ...['-e', `@${join(sources, 'extra.yaml')}`, ...vaultArgs(), '-vvv'],
    ...['--report', 'report.html'],
  ];

  test.each([
    ['plain', ['--output', 'plain', '--skip-tags', 'failing']],
    ['json', ['--output', 'json', '--skip-tags', 'failing']],
  ])('no secret of a failing container shows in --output %s, the journal or the report', async (_, args) => {
    const { exitCode, stdout, stderr, commandLines, environments } = await rollout(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 5, stderr: '' });
    // The controller and what it starts have the environment that they were given; a container has its own.
    const holders = environments.filter(({ environment }) => leaksIn(environment).length > 0);
    const own = [process.execPath, inject('rolloutScript'), join(sources, 'print'), 'cat '];
    const others = holders.filter(({ commandLine }) => !own.some((word) => commandLine.includes(word)));
    expect(others.map(({ commandLine }) => commandLine).filter((line) => line !== '/app')).toEqual([]);
    expect(holders.length).toBeGreaterThan(0);
    // The container did print them all: otherwise nothing is shown here.
    for (const name of Object.keys(secretValues)) expect(stdout).toContain(`${name}=[secret `);
    expect(stdout).toContain('docker create');
    expect(leaksIn(stdout)).toEqual([]);
    expect(leaksIn(commandLines)).toEqual([]);
    expect(await leaksBelow(cwd)).toEqual([]);
    expect(await leaksBelow(scratch)).toEqual([]);
    for (const host of onHost.filesOf === undefined ? [] : fleetOf().hosts)
      expect({ host, leaks: await onHost.filesOf?.(host) }).toEqual({ host, leaks: '' });
  });

  test('no secret shows on a terminal', async () => {
    const script = [process.execPath, inject('rolloutScript'), ...commonArgs(), '--skip-tags', 'failing'];
    const line = script.map((word) => `'${word}'`).join(' ');
    const { stdout } = await runProgram('script', ['-qec', line, '/dev/null'], { cwd, env: { ...env, TERM: 'xterm' } });
    expect(stdout).toContain('plain=[secret plain]');
    expect(leaksIn(stdout)).toEqual([]);
    expect(await leaksBelow(cwd)).toEqual([]);
  });

  test('a secret that changes is a change, shown as changed only, with neither value anywhere', async () => {
    const changing = async (file: string) =>
      writePlaybook(fleetOf(), {
        file,
        health: images.health,
        app: images.health,
        appKeys: { environment: { TOKEN: { secret: 'plain' } }, secrets: [{ source: 'quotes', target: '/token' }] },
        strategy: { canary: { hosts: 0 }, max_unavailable: '100%', min_available: 0 },
        top: { secrets: { plain: { env: 'SECRET_PLAIN' }, quotes: { env: 'SECRET_QUOTES' } } },
      });
    const run = async (args: readonly string[], variables: Readonly<Record<string, string>>) => {
      const words = [
        inject('rolloutScript'),
        ...args,
        await changing('changing'),
        '-vvv',
        '--output',
        'plain',
        ...vaultArgs(),
      ];
      return runProgram(process.execPath, words, { cwd, env: { ...env, ...variables } });
    };
    expect((await run([], {})).exitCode).toBe(0);
    const next = { SECRET_PLAIN: value('unicode'), SECRET_QUOTES: value('url') };
    const { stdout: plan } = await run(['plan'], next);
    expect(plan).toMatch(/environment\.TOKEN +changed \(secret\)/);
    expect(plan).toMatch(/secrets\.\/token +changed \(secret\)/);
    const { exitCode, stdout, stderr, commandLines } = await run([], next);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('environment.TOKEN changed');
    expect([plan, stdout, commandLines].map(leaksIn)).toEqual([[], [], []]);
    expect(await leaksBelow(cwd)).toEqual([]);
    expect((await run(['plan'], next)).stdout).toContain('nothing to do');
  });

  test('a failing source of one secret does not show another', async () => {
    const file = await writePlaybook(fleetOf(), {
      ...images,
      file: 'sources',
      top: {
        secrets: {
          plain: { env: 'SECRET_PLAIN' },
          failing: { command: ['sh', '-c', 'echo "no answer for $SECRET_PLAIN" >&2; exit 3'] },
        },
      },
    });
    const { exitCode, stdout, stderr } = await runProgram(
      process.execPath,
      [inject('rolloutScript'), file, ...vaultArgs()],
      {
        cwd,
        env,
      },
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain('sh failed: exit code 3; it said: no answer for [secret plain]');
    expect(leaksIn(stdout + stderr)).toEqual([]);
  });

  test.runIf(onHost.failingTask !== undefined)("no secret that stands in docker's own words shows", async () => {
    const file = await writePlaybook(fleetOf(), {
      ...images,
      file: 'words',
      // Docker looks for the user when it starts the container, and says whom it has not found.
      appKeys: { user: value('plain'), environment: { TOKEN: { secret: 'plain' } } },
      strategy: { canary: { hosts: 1 }, min_available: 0 },
      top: { secrets: { plain: { env: 'SECRET_PLAIN' } } },
    });
    const words = [
      inject('rolloutScript'),
      file,
      '-vvv',
      '--output',
      'plain',
      '--report',
      'report.html',
      ...vaultArgs(),
    ];
    const { exitCode, stdout, stderr } = await runProgram(process.execPath, words, { cwd, env });
    expect(exitCode).toBe(5);
    expect(stdout).toContain('unable to find user [secret plain]');
    expect(leaksIn(stdout + stderr)).toEqual([]);
    expect(await leaksBelow(cwd)).toEqual([]);
  });

  test.runIf(onHost.failingTask !== undefined)('no secret of a failing task shows', async () => {
    const { exitCode, stdout, stderr, commandLines } = await rollout('--output', 'plain');
    expect(exitCode).toBe(5);
    expect(stdout).toContain('[secret ');
    expect(leaksIn(stdout + stderr)).toEqual([]);
    expect(leaksIn(commandLines)).toEqual([]);
    expect(await leaksBelow(cwd)).toEqual([]);
  });
}

/** What only a fleet with real hosts can answer. */
interface OnHost {
  /** A line for sh that prints the secrets of its environment and fails. */
  readonly failingTask?: string;
  /** The files of a host that hold a secret and should not, one a line. */
  readonly filesOf?: (host: string) => Promise<string>;
}

const vaultMark = '@vault:';

/** Stands for a `!vault` value, which JSON cannot write, until {@link writeInlineVaults}. */
function inlineVault(ciphertext: string): string {
  return vaultMark + ciphertext;
}

async function writeInlineVaults(playbook: string): Promise<void> {
  const text = await readFile(playbook, 'utf8');
  await writeFile(playbook, text.replaceAll(`"${vaultMark}`, '!vault "'));
}

function value(name: string): string {
  const found = secretValues[name];
  if (found === undefined) throw new Error(`no secret ${name}`);
  return found;
}

/** `file: names` of every file that shows a secret. */
async function leaksBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const leaks: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const found = leaksIn(await readFile(path, 'utf8'));
    if (found.length > 0) leaks.push(`${path}: ${found.join(', ')}`);
  }
  return leaks;
}
