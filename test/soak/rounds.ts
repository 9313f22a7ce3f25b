import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event } from '../../src/events/event.ts';
import { endOf, outcomeOf, seededRandom, type Arena, type Round, type Struck } from '../support/chaos.ts';
import { runProgram } from '../support/program.ts';
import { runRollout, startRollout, type FinishedRollout, type RolloutOptions } from '../support/rollout.ts';

/** Nothing waits for ever; a round that takes longer is wrong. */
const mostRunMs = 300_000;

/**
 * Whoever reads what the run prints stops reading: a pipe that fills up, a terminal on hold. The run goes on to its end,
 * which is in its journal; whoever reads again then gets the rest.
 */
export function readerStops(arena: Arena, at: number): Promise<Round> {
  return arena.observe(at, async () => {
    const playbook = await arena.nextPlaybook();
    const state = await mkdtemp(join(arena.options.cwd, 'state-'));
    const isTerminal = at < 0.5;
    const args = [
      arena.options.script,
      playbook,
      '-vvv',
      '--output',
      isTerminal ? 'tty' : at < 0.75 ? 'json' : 'plain',
    ];
    const env = { ...process.env, ROLLOUT_STATE_DIR: state, TERM: 'xterm' };
    const line = [process.execPath, ...args].map((word) => `'${word}'`).join(' ');
    const [program, ...words] = isTerminal
      ? ['script', '--quiet', '--return', '--command', line, '/dev/null']
      : [process.execPath, ...args];
    const child = spawn(program, words, { cwd: arena.options.cwd, env, stdio: ['ignore', 'pipe', 'ignore'] });
    let printed = '';
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const startedMs = Date.now();
    await journalHas(state, ({ type }) => type === 'node_started');
    hold(child, isTerminal, true);
    const struckAfterMs = Date.now() - startedMs;
    const finished = await journalHas(state, ({ type }) => type === 'run_finished').catch((error: unknown) => error);
    const isDone = !(finished instanceof Error);
    hold(child, isTerminal, false);
    const exitCode = await Promise.race([ended, sleep(20_000, 'no end' as const)]);
    if (exitCode === 'no end') child.kill('SIGKILL');
    const wrong = [
      ...(isDone ? [] : [`the run did not end while nobody read: ${String(finished)}`]),
      ...(exitCode === 0 ? [] : [`it ended with ${String(exitCode)}`]),
      ...(/run_finished|updated/.test(printed.slice(-4000)) ? [] : [`the end was not printed: ${printed.slice(-300)}`]),
      ...(await leftWrong(arena)),
    ];
    await rm(state, { recursive: true, force: true });
    const words2 = isTerminal ? 'terminal' : 'pipe';
    return {
      struckAfterMs,
      hadEnded: false,
      exitCodes: [Number(exitCode)],
      wrong: wrong.map((each) => `${words2}: ${each}`),
    };
  });
}

function hold(child: ChildProcess, isTerminal: boolean, isHeld: boolean): void {
  // script's end of the terminal is not read while script stands still.
  if (isTerminal) child.kill(isHeld ? 'SIGSTOP' : 'SIGCONT');
  else if (isHeld) child.stdout?.pause();
  else child.stdout?.resume();
}

async function journalHas(state: string, wanted: (event: Event) => boolean): Promise<Event> {
  const endMs = Date.now() + mostRunMs;
  while (Date.now() < endMs) {
    const found = (await eventsBelow(state)).find(wanted);
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`not in the journal after ${mostRunMs / 1000} s`);
}

async function eventsBelow(state: string): Promise<readonly Event[]> {
  const folder = join(state, 'runs');
  const names = await readdir(folder).catch(() => []);
  const texts = await Promise.all(
    names.filter((name) => name.endsWith('.jsonl')).map((name) => readFile(join(folder, name), 'utf8')),
  );
  const lines = texts.flatMap((text) => text.split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line) as Event);
}

async function leftWrong(arena: Arena): Promise<readonly string[]> {
  return [...(await arena.unlikeWanted()), ...(await arena.silent()).map((host) => `${host} does not serve`)];
}

const diskStates = [
  'full from the start',
  'full in the middle',
  'read-only from the start',
  'removed in the middle',
  'full, and the output with it',
  'a file in its place',
] as const;

/** The controller's own disk takes nothing more: the run says so once, and goes on. Linux and root: a small disk. */
export function stateIsFull(arena: Arena, at: number): Promise<Round> {
  return arena.observe(at, async () => {
    const how = diskStates[Math.floor(at * diskStates.length)] ?? 'full from the start';
    const playbook = await arena.nextPlaybook();
    const disk = await mkdtemp(join(arena.options.cwd, 'disk-'));
    await mounted(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    try {
      const state = join(disk, 'state');
      const fill = (): Promise<unknown> =>
        mounted(['sh', '-c', `dd if=/dev/zero of='${disk}/filled' bs=4k 2>/dev/null; true`]);
      const seal = (): Promise<unknown> => mounted(['mount', '-o', 'remount,ro', disk]);
      if (how === 'full from the start') await fill();
      if (how === 'read-only from the start') await seal();
      if (how === 'a file in its place') await writeFile(state, '');
      const settings = { ...arena.options, env: { ROLLOUT_STATE_DIR: state, TMPDIR: disk } };
      const startedMs = Date.now();
      const args = [playbook, '--output', 'json'];
      const isSilent = how === 'full, and the output with it';
      const fillInTheMiddle = async (hasBegun: Promise<unknown>): Promise<void> => {
        await hasBegun.catch(() => undefined);
        if (how === 'full in the middle' || isSilent) await fill();
        if (how === 'removed in the middle') await rm(state, { recursive: true });
      };
      const running = isSilent ? undefined : startRollout(args, settings);
      await fillInTheMiddle(running?.event(({ type }) => type === 'node_started') ?? Promise.resolve());
      const struckAfterMs = Date.now() - startedMs;
      const run = await (running?.finished ?? intoFile(join(disk, 'output'), args, settings));
      const warned = run.events.filter((event) => event.type === 'warning' && event.message.includes('journal'));
      const wrong = [
        ...(run.exitCode === 0 ? [] : [endOf(run)]),
        ...(isSilent || warned.length === (how === 'removed in the middle' ? 0 : 1)
          ? []
          : [`${warned.length} warnings of the journal`]),
        ...(await leftWrong(arena)),
      ];
      return {
        struckAfterMs,
        hadEnded: false,
        exitCodes: [run.exitCode],
        wrong: wrong.map((each) => `${how}: ${each}`),
      };
    } finally {
      await mounted(['umount', '-l', disk]);
    }
  });
}

/** With its output in a file. */
function intoFile(
  file: string,
  args: readonly string[],
  { script, cwd, env }: RolloutOptions,
): Promise<FinishedRollout> {
  const output = openSync(file, 'w');
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, 'ignore'],
  });
  return new Promise((resolve) =>
    child.once('close', (exitCode, signal) => {
      closeSync(output);
      resolve({ exitCode, signal, stdout: '', stderr: '', events: [] });
    }),
  );
}

async function mounted(argv: readonly [string, ...string[]]): Promise<void> {
  const [program, ...args] = argv;
  const { exitCode, stderr } = await runProgram(program, args, { cwd: '/', env: {} });
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

/** What a second balancer says that does not agree with the first, of a page of truth and the one before the run. */
const disagreements: Readonly<Record<string, (now: string, before: string, hosts: readonly string[]) => string>> = {
  'as it was before the run': (_now, before) => before,
  'one server DOWN': (now, _before, hosts) => withStatus(now, hosts.slice(0, 1), 'DOWN'),
  'all DOWN': (now, _before, hosts) => withStatus(now, hosts, 'DOWN'),
  'all in MAINT': (now, _before, hosts) => withStatus(now, hosts, 'MAINT'),
  'all UP': (now, _before, hosts) => withStatus(now, hosts, 'UP'),
  'one server missing': (now, _before, hosts) =>
    now
      .split('\n')
      .filter((line) => !line.includes(`,${hosts[0] ?? ''},`))
      .join('\n'),
  nothing: () => '',
};

function withStatus(page: string, hosts: readonly string[], status: string): string {
  const columns = (page.split('\n')[0] ?? '').split(',');
  const at = columns.indexOf('status');
  return page
    .split('\n')
    .map((line) => {
      const cells = line.split(',');
      if (!hosts.includes(cells[1] ?? '')) return line;
      return cells.map((cell, index) => (index === at ? status : cell)).join(',');
    })
    .join('\n');
}

/** Two balancers, of which one tells something else for a while, or all the time. No request is lost, and the next run is right. */
export function balancersDisagree(arena: Arena, at: number): Promise<Round> {
  return arena.observe(at, async () => {
    const names = Object.keys(disagreements);
    const name = names[Math.floor(at * names.length)] ?? '';
    const isLong = Math.floor(at * 1000) % 4 === 0;
    const csvUrl = `${arena.fleet.statsUrl};csv`;
    const before = await (await fetch(csvUrl)).text();
    let isLying = false;
    const second = createServer((_request, response) => {
      fetch(csvUrl)
        .then((answer) => answer.text())
        .then((now) => response.end(isLying ? disagreements[name]?.(now, before, arena.fleet.hosts) : now))
        .catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve));
    const secondUrl = `http://127.0.0.1:${(second.address() as AddressInfo).port}/stats`;
    try {
      const versionBefore = arena.version;
      const balancer = { type: 'haproxy', stats: [arena.fleet.statsUrl, secondUrl], backend: 'web' };
      const strategy = {
        healthy_deadline: '4s',
        progress_deadline: '10s',
        drain: { timeout: '3s', on_timeout: 'fail' },
      };
      const playbook = await arena.nextPlaybook({ play: { load_balancer: balancer }, strategy });
      const running = startRollout([playbook, '--output', 'json'], arena.options);
      const startedMs = Date.now();
      await running.event(({ type }) => type === 'node_started').catch(() => undefined);
      isLying = true;
      const struckAfterMs = Date.now() - startedMs;
      const over = isLong ? running.finished.then(() => true) : sleep(3000, true);
      await Promise.race([over, running.finished]);
      if (!isLong) isLying = false;
      const isOver = await Promise.race([running.finished.then(() => true), sleep(mostRunMs, false)]);
      if (!isOver) running.process.kill('SIGKILL');
      const run = await running.finished;
      isLying = false;
      const wrong = [
        ...(isOver ? [] : ['it did not end']),
        ...([0, 3, 5].includes(run.exitCode ?? 1) ? [] : [endOf(run)]),
        ...(run.exitCode === 0 ? [] : await arena.unlikeSaid(run, versionBefore)),
      ];
      const again = await arena.run(playbook, '--lock-timeout', '20s');
      if (again.exitCode !== 0) wrong.push(`run again: ${endOf(again)}`);
      wrong.push(...(await leftWrong(arena)));
      return {
        struckAfterMs,
        hadEnded: false,
        exitCodes: [run.exitCode, again.exitCode],
        wrong: wrong.map((each) => `${name}${isLong ? ', to the end' : ', 3 s'}: ${each}`),
      };
    } finally {
      second.closeAllConnections();
      second.close();
    }
  });
}

/** What somebody does by hand on a host, between a run that was interrupted and its `resume`. */
const byHand: Readonly<Record<string, (image: string) => readonly (readonly string[])[]>> = {
  'app.previous removed': () => [['rm', '-f', 'app.previous']],
  'app removed': () => [['rm', '-f', 'app']],
  'app stopped': () => [['stop', 'app']],
  'app killed': () => [['kill', 'app']],
  'health stopped': () => [['stop', 'health']],
  'health removed': () => [['rm', '-f', 'health']],
  'app renamed': () => [['rename', 'app', 'theirs']],
  'restart policy changed': () => [['update', '--restart', 'no', 'app']],
  'an app of their own': (image) => [
    ['rm', '-f', 'app'],
    ['run', '-d', '--name', 'app', '-p', '8080:8080', '--restart', 'always', image],
  ],
  'a stranger in app.next': (image) => [['create', '--name', 'app.next', image]],
  'app.previous started': () => [['start', 'app.previous']],
  everything: () => [['rm', '-f', 'app', 'health', 'app.previous']],
};

/** A run is interrupted or killed, hosts are changed by hand, and it is resumed; then once more as usual. */
export function resumedAfterHands(arena: Arena, at: number): Promise<Round> {
  return arena.observe(at, async () => {
    const random = seededRandom(at * 2 ** 32);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    const image = `${arena.fleet.registry}/shop/app:${arena.version}`;
    const playbook = await arena.nextPlaybook();
    const signal = random() < 0.5 ? 'SIGINT' : 'SIGKILL';
    const { run, struckAfterMs, hadEnded } = await arena.strike(playbook, 0.2 + at * 0.7, signal);
    const id = run.events[0]?.run;
    const changed: string[] = [];
    for (const host of arena.fleet.hosts.filter(() => random() < 0.5)) {
      const what = pick(Object.keys(byHand));
      changed.push(`${what} on ${host}`);
      for (const args of byHand[what]?.(image) ?? []) await arena.fleet.docker(host, args).catch(() => undefined);
    }
    const resumed =
      id === undefined
        ? undefined
        : await runRollout(['resume', id, '--output', 'json', '--lock-timeout', '20s'], arena.options);
    // Strangers are refused; what rollout did not make is removed by who made it.
    for (const host of arena.fleet.hosts) {
      const label = ['container', 'inspect', '--format', '{{index .Config.Labels "rollout.service"}}', 'app.next'];
      const owner = await arena.fleet.docker(host, label).catch(() => 'none');
      if (owner.trim() === '' || owner.trim() === '<no value>')
        await arena.fleet.docker(host, ['rm', '-f', 'app.next']);
      await arena.fleet.docker(host, ['rm', '-f', 'theirs']).catch(() => undefined);
    }
    const again = await arena.run(playbook, '--lock-timeout', '20s');
    const third = await arena.run(playbook);
    const wrong = [
      ...([0, 2, 3, 4, 5, undefined].includes(resumed?.exitCode ?? undefined)
        ? []
        : [`resume: ${resumed === undefined ? '' : endOf(resumed)}`]),
      ...(again.exitCode === 0 ? [] : [`run again: ${endOf(again)}`]),
      ...(outcomeOf(third) === 'unchanged' ? [] : [`the third run: ${endOf(third)}`]),
      ...(await leftWrong(arena)),
    ];
    return {
      struckAfterMs,
      hadEnded: hadEnded && signal === 'SIGKILL',
      exitCodes: [run.exitCode, resumed?.exitCode ?? null, again.exitCode, third.exitCode],
      wrong: wrong.map((each) => `${signal}, ${changed.join(', ')}: ${each}`),
      maySuffer: true,
    };
  });
}

/** A playbook that is written anew: names, the balancer, how many. What it cannot do it refuses, and touches nothing. */
export function rewritten(arena: Arena, at: number): Promise<Round> {
  const kinds = Object.keys(rewrites);
  const kind = kinds[Math.floor(at * kinds.length)] ?? '';
  return arena.observe(at, async () => {
    const { steps, mayLose = false } = rewrites[kind] ?? { steps: [] };
    const wrong: string[] = [];
    const exitCodes: (number | null)[] = [];
    for (const step of steps) {
      const playbook = await arena.nextPlaybook(step.parts(arena));
      const run = await arena.run(playbook);
      exitCodes.push(run.exitCode);
      if (!step.exits.includes(run.exitCode ?? -1)) wrong.push(`${step.title}: ${endOf(run)}`);
      wrong.push(...(await arena.silent()).map((host) => `${step.title}: ${host} does not serve`));
      if (run.exitCode !== 0) continue;
      const twice = await arena.run(playbook);
      if (outcomeOf(twice) !== 'unchanged') wrong.push(`${step.title}, again: ${endOf(twice)}`);
    }
    const last = await arena.run(await arena.nextPlaybook({ play: { remove_orphans: true } }));
    exitCodes.push(last.exitCode);
    if (last.exitCode !== 0) wrong.push(`as it was: ${endOf(last)}`);
    wrong.push(...(await leftWrong(arena)));
    return {
      struckAfterMs: 0,
      hadEnded: false,
      exitCodes,
      wrong: wrong.map((each) => `${kind}: ${each}`),
      maySuffer: mayLose,
    } satisfies Struck;
  });
}

interface Step {
  readonly title: string;
  readonly parts: (arena: Arena) => Parameters<Arena['nextPlaybook']>[0];
  readonly exits: readonly number[];
}

const app = (arena: Arena): object => ({
  image: `${arena.fleet.registry}/shop/app:${arena.version}`,
  ports: ['8080:8080'],
  restart: 'always',
  stop_grace_period: '10s',
  probe: { http: { port: 8080, path: '/ready' }, interval: '100ms' },
});
const gate = (arena: Arena): object => ({ image: arena.health, ports: ['8081:8080'], restart: 'always' });
const worker = (arena: Arena, scale: number): object => ({ image: arena.health, scale, restart: 'always' });
const services = (arena: Arena, more: object): object => ({ health: gate(arena), app: app(arena), ...more });

const rewrites: Readonly<Record<string, { readonly steps: readonly Step[]; readonly mayLose?: boolean }>> = {
  'service renamed': {
    steps: [
      {
        title: 'renamed',
        parts: (arena) => ({ play: { remove_orphans: true, services: { health: gate(arena), shop: app(arena) } } }),
        exits: [0],
      },
    ],
  },
  'service renamed, its orphan kept': {
    steps: [
      {
        title: 'renamed',
        parts: (arena) => ({ play: { services: { health: gate(arena), shop: app(arena) } } }),
        exits: [2, 3, 4, 5],
      },
    ],
  },
  'play renamed': {
    steps: [{ title: 'renamed', parts: () => ({ play: { name: 'web nodes' } }), exits: [0, 2] }],
  },
  'playbook renamed': {
    steps: [{ title: 'renamed', parts: () => ({ top: { name: 'store' } }), exits: [0, 2] }],
  },
  'health container renamed': {
    steps: [
      {
        title: 'renamed',
        parts: (arena) => ({
          play: { remove_orphans: true, health_container: 'gate', services: { gate: gate(arena), app: app(arena) } },
        }),
        exits: [0],
      },
    ],
  },
  'balancer removed': {
    mayLose: true,
    steps: [
      {
        title: 'without',
        parts: () => ({ play: { load_balancer: { type: 'none' }, health_container: undefined } }),
        exits: [0],
      },
    ],
  },
  'scale 3 → 1 → 3': {
    steps: [3, 1, 3].map((scale) => ({
      title: `scale ${scale}`,
      parts: (arena) => ({
        play: { remove_orphans: true, services: services(arena, { worker: worker(arena, scale) }) },
      }),
      exits: [0],
    })),
  },
};
