import type { Event, EventBody, Failure, HostResult, OpText, Outcome } from '../../src/events/event.ts';

/** Event streams as real runs write them, with a clock of their own: the same at every call. */
export const streams = {
  /** Six hosts, one already right: canary, bake, then one at a time. */
  rolling,
  /** The canary's new version crashes at start; it is put back. */
  canaryFails,
  /** Two hundred hosts, twenty at a time; the last one fails and is put back. */
  large: () => large(200),
  /** Six hosts take long over an image of 310 MB, of which two have some layers already; then it is interrupted. */
  pulling: () => pulling(6),
  /** Three hosts that alone reach the registry: nobody knows how large the layers are. */
  pullingUnseen,
  /** One of three hosts does not answer: nothing is touched. */
  unreachable,
  /** SIGINT during the fan-out: the started node finishes, the others stay untouched. */
  interrupted,
  /** Preflight finds what stands in the way; nothing is touched. */
  refused,
  /** Three hosts fail alike, one in its own way; the others go on. */
  alike,
  /** Nothing differs. */
  unchanged,
  /** The canary waits for a person. */
  paused,
  /** Two tiers, one after the other; the second one's canary fails, and the first tier is rolled back too. */
  twoPlays,
  /** A host that prints what it should not: escape sequences, bidi overrides, markup. */
  hostile,
  /** Too little traffic prolongs the canary's bake; a check is asked again and again; in fan-out what was updated fails. */
  judged,
  /** From another terminal: the canary is promoted, then the run paused. */
  steered,
  /** Without a bake, to a soak that passes; a check in dry run fails. */
  soaked,
  /** From a CI job, with tasks and with what the balancer counted, some of it errors. */
  counted,
} satisfies Record<string, () => readonly Event[]>;

const startMs = Date.UTC(2026, 10, 20, 15, 4, 32);

/** The script of one run: `say` an event, `pass` time. */
interface Script {
  readonly events: Event[];
  say(body: EventBody): void;
  pass(ms: number): void;
  elapsedMs(): number;
}

function script(run: string): Script {
  const events: Event[] = [];
  let now = startMs;
  return {
    events,
    say: (body) => events.push({ v: 1, at: now, run, ...body }),
    pass: (ms) => (now += ms),
    elapsedMs: () => now - startMs,
  };
}

const cause = 'image registry.example.com/shop/app:1.4 → registry.example.com/shop/app:1.5';

function begin(s: Script, hosts: readonly string[]): void {
  s.say({
    type: 'run_started',
    command: 'run',
    playbook: 'playbooks/prod.yaml',
    composition: 'c_20261120_1504',
    version: '0.1.0',
    user: 'deploy',
    plays: [{ play: 'web tier', hosts }],
  });
}

function connect(s: Script, host: string, ms = 40): void {
  s.pass(ms);
  s.say({
    type: 'host_connected',
    host,
    facts: {
      hostname: host,
      cpus: 4,
      memory_mb: 7936,
      arch: 'x86_64',
      os: 'Debian GNU/Linux 12',
      docker_version: '20.10.24',
    },
    durationMs: 34 + s.elapsedMs(),
  });
}

function plan(s: Script, all: readonly string[], changing: readonly string[], maxUnavailable: number): void {
  s.pass(180);
  const unchangedCount = all.length - changing.length;
  const order = `canary ${changing[0] ?? ''}, then at most ${maxUnavailable} at a time`;
  s.say({
    type: 'plan_ready',
    text:
      changing.length === 0
        ? `Play web tier: ${all.length} hosts, ${unchangedCount} unchanged\n\nPlan: ${all.length} hosts, nothing to do.`
        : [
            `Play web tier: ${all.length} hosts, ${changing.length} to update`,
            '',
            `  ${changing[0] ?? ''} … ${changing.at(-1) ?? ''} (${changing.length} hosts)`,
            `    ~ replace app: ${cause}`,
            '',
            `Plan: ${all.length} hosts, ${changing.length} to update; ${order}.`,
          ].join('\n'),
    plays: [
      {
        play: 'web tier',
        canaries: changing.slice(0, 1),
        maxUnavailable,
        minAvailable: 1,
        hosts: Object.fromEntries(
          all.map((host) => [host, changing.includes(host) ? [{ service: 'app', kind: 'replace', cause }] : []]),
        ),
      },
    ],
    images: {
      'registry.example.com/shop/app:1.5':
        'registry.example.com/shop/app:1.5@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    },
  });
}

function pull(s: Script, host: string): void {
  s.pass(15);
  s.say({ type: 'image_pulled', host, image: 'registry.example.com/shop/app:1.5', durationMs: 2140 });
}

const op = {
  create: { kind: 'create', text: 'create app.next from registry.example.com/shop/app:1.5', cause, service: 'app' },
  stop: { kind: 'stop', text: 'stop app', cause, service: 'app' },
  park: { kind: 'rename', text: 'rename app to app.previous', cause, service: 'app' },
  rename: { kind: 'rename', text: 'rename app.next to app', cause, service: 'app' },
  start: { kind: 'start', text: 'start app', cause, service: 'app' },
  verify: { kind: 'verify', text: 'verify app', cause, service: 'app' },
  unpark: { kind: 'rename', text: 'rename app.previous to app', cause: 'put back', service: 'app' },
  startOld: { kind: 'start', text: 'start app', cause: 'put back', service: 'app' },
} satisfies Record<string, OpText>;

const drainOp = (host: string): OpText => ({
  kind: 'drain',
  text: `stop health, drain ${host}`,
  cause: 'leave rotation',
});
const admitOp = (host: string): OpText => ({
  kind: 'admit',
  text: `start health, admit ${host}`,
  cause: 'return to rotation',
});

function run(s: Script, host: string, what: OpText, durationMs: number): void {
  s.say({ type: 'op_started', host, op: what });
  s.pass(durationMs);
  s.say({ type: 'op_finished', host, op: what, ok: true, durationMs });
}

function drain(s: Script, host: string, servers: number): void {
  s.say({ type: 'op_started', host, op: drainOp(host) });
  s.say({ type: 'drain_started', host, server: host, sessions: 14, pool: { up: servers, servers } });
  s.pass(2060);
  s.say({
    type: 'waiting',
    host,
    message: `${host} to drain: DOWN, 3 sessions open`,
    elapsedMs: 2060,
    limitMs: 30_000,
    sessions: 3,
    pool: { up: servers - 1, servers },
  });
  s.pass(1740);
  s.say({
    type: 'node_drained',
    host,
    durationMs: 3800,
    sessionsCut: 0,
    pool: { up: servers - 1, servers },
  });
  s.say({ type: 'op_finished', host, op: drainOp(host), ok: true, durationMs: 3800 });
}

function admit(s: Script, host: string, servers: number): void {
  s.say({ type: 'op_started', host, op: admitOp(host) });
  s.pass(2300);
  s.say({ type: 'node_admitted', host, durationMs: 2300, pool: { up: servers, servers } });
  s.say({ type: 'op_finished', host, op: admitOp(host), ok: true, durationMs: 2300 });
}

function replace(s: Script, host: string): void {
  run(s, host, op.create, 30);
  run(s, host, op.stop, 1240);
  run(s, host, op.park, 20);
  run(s, host, op.rename, 15);
  run(s, host, op.start, 210);
}

function update(s: Script, host: string, role: 'canary' | 'fan_out', servers: number, play = 'web tier'): void {
  const began = s.elapsedMs();
  s.say({ type: 'node_started', host, play, role, cause: `app: ${cause}`, ops: 8 });
  drain(s, host, servers);
  replace(s, host);
  s.say({ type: 'op_started', host, op: op.verify });
  s.pass(3400);
  s.say({ type: 'node_verified', host, durationMs: 3400 });
  s.say({ type: 'op_finished', host, op: op.verify, ok: true, durationMs: 3400 });
  admit(s, host, servers);
  s.say({ type: 'node_done', host, play: 'web tier', result: 'updated', durationMs: s.elapsedMs() - began });
}

function bake(s: Script, host: string): void {
  s.say({ type: 'bake_started', play: 'web tier', hosts: [host], bakeMs: 30_000 });
  for (let elapsedMs = 10_000; elapsedMs < 30_000; elapsedMs += 10_000) {
    s.pass(10_000);
    s.say({
      type: 'waiting',
      message: `the canary to bake: 0 of ${elapsedMs / 50} failed (0.0 %), peers 0.0 %`,
      elapsedMs,
      limitMs: 30_000,
    });
  }
  s.pass(10_000);
  s.say({
    type: 'bake_finished',
    play: 'web tier',
    hosts: [host],
    verdict: 'passed',
    reason: '0 of 604 failed (0.0 %), peers 0.0 %; 0.8 % or more would have been seen',
    canary: { requests: 604, errors: 0, errorRatio: 0, responseTimeMs: 12 },
    peers: { requests: 3011, errors: 0, errorRatio: 0, responseTimeMs: 13 },
    detectableRatio: 0.008,
  });
}

function finish(
  s: Script,
  outcome: Outcome,
  exitCode: number,
  results: readonly (readonly [string, HostResult, string?])[],
  more: { readonly error?: { message: string; details: string[] }; readonly next?: string } = {},
): void {
  s.pass(20);
  const durations = new Map(s.events.flatMap((e) => (e.type === 'node_done' ? [[e.host, e.durationMs] as const] : [])));
  s.say({
    type: 'run_finished',
    outcome,
    exitCode,
    durationMs: s.elapsedMs(),
    ...more,
    hosts: Object.fromEntries(
      results.map(([host, result, message]) => {
        const durationMs = durations.get(host);
        return [
          host,
          {
            result,
            ...(durationMs === undefined ? {} : { durationMs }),
            ...(message === undefined ? {} : { message }),
          },
        ];
      }),
    ),
  });
}

function names(amount: number): string[] {
  return Array.from({ length: amount }, (_, index) => `h${index + 1}`);
}

function rolling(): readonly Event[] {
  const s = script('20261120-150432-x7f3');
  const all = names(6);
  const changing = all.slice(0, 5);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, changing, 1);
  for (const host of changing) pull(s, host);
  for (const [index, host] of changing.entries()) {
    update(s, host, index === 0 ? 'canary' : 'fan_out', 6);
    if (index === 0) bake(s, host);
  }
  finish(s, 'changed', 0, [...changing.map((host) => [host, 'updated'] as const), ['h6', 'unchanged']]);
  return s.events;
}

const crash: Failure = {
  op: op.verify,
  message: 'container app exited with code 1, 0.4 s after its start',
  exitCode: 1,
  logs: [
    'shop 1.5 starting on :8080',
    'reading /etc/shop/app.toml',
    'panic: missing key "database.url"',
    '  at config.load (config.go:41)',
  ],
  next: 'Fix app and run the playbook again.',
};

function failAndRestore(s: Script, host: string, servers: number, role: 'canary' | 'fan_out', failure: Failure): void {
  s.say({ type: 'node_started', host, play: 'web tier', role, cause: `app: ${cause}`, ops: 8 });
  drain(s, host, servers);
  replace(s, host);
  s.say({ type: 'op_started', host, op: op.verify });
  s.pass(400);
  s.say({
    type: 'op_finished',
    host,
    op: op.verify,
    ok: false,
    durationMs: 400,
    exitCode: 1,
    message: failure.message,
  });
  s.say({ type: 'node_failed', host, failure });
  run(s, host, op.unpark, 40);
  run(s, host, op.startOld, 210);
  admit(s, host, servers);
  s.say({ type: 'node_restored', host, durationMs: 2500, serving: true });
}

function canaryFails(): readonly Event[] {
  const s = script('20261120-151007-b2kd');
  const all = names(6);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, all, 1);
  for (const host of all) pull(s, host);
  failAndRestore(s, 'h1', 6, 'canary', crash);
  finish(s, 'rolled_back', 5, [
    ['h1', 'restored', 'verify app: container app exited with code 1, 0.4 s after its start'],
    ...all.slice(1).map((host) => [host, 'untouched'] as const),
  ]);
  return s.events;
}

/** Nodes in flight side by side: each step is said for every node of the window before the next. */
function updateWave(s: Script, hosts: readonly string[], servers: number): void {
  const up = servers - hosts.length;
  for (const host of hosts) {
    s.say({ type: 'node_started', host, play: 'web tier', role: 'fan_out', cause: `app: ${cause}`, ops: 8 });
    s.say({ type: 'drain_started', host, server: host, sessions: 6, pool: { up: servers, servers } });
    s.pass(15);
  }
  s.pass(3000);
  for (const host of hosts) {
    s.say({ type: 'node_drained', host, durationMs: 3000, sessionsCut: 0, pool: { up, servers } });
    s.pass(11);
  }
  for (const what of [op.create, op.stop, op.park, op.rename, op.start, op.verify]) {
    for (const host of hosts) s.say({ type: 'op_started', host, op: what });
    s.pass(600);
    for (const host of hosts) s.say({ type: 'op_finished', host, op: what, ok: true, durationMs: 600 });
  }
  for (const host of hosts) s.say({ type: 'op_started', host, op: admitOp(host) });
  for (const host of hosts) {
    s.pass(90);
    s.say({ type: 'node_admitted', host, durationMs: 900, pool: { up: servers, servers } });
    s.say({ type: 'op_finished', host, op: admitOp(host), ok: true, durationMs: 900 });
    s.say({ type: 'node_done', host, play: 'web tier', result: 'updated', durationMs: 7500 });
  }
}

/** `size` hosts, a tenth of them at a time; the last one fails and is put back. */
export function large(size: number): readonly Event[] {
  const s = script('20261120-153000-9mqa');
  const all = Array.from({ length: size }, (_, index) => `web${String(index + 1).padStart(3, '0')}`);
  const width = Math.max(1, Math.floor(size / 10));
  begin(s, all);
  for (const host of all) connect(s, host, 3);
  plan(s, all, all, width);
  for (const host of all) pull(s, host);
  const [canary = '', ...others] = all;
  update(s, canary, 'canary', size);
  bake(s, canary);
  const doomed = others.at(-1) ?? '';
  for (let at = 0; at < others.length - 1; at += width)
    updateWave(s, others.slice(at, Math.min(at + width, others.length - 1)), size);
  failAndRestore(s, doomed, size, 'fan_out', { ...crash, next: `rollout logs playbooks/prod.yaml app -l ${doomed}` });
  finish(s, 'failed', 3, [
    ...all.slice(0, -1).map((host) => [host, 'updated'] as const),
    [doomed, 'restored', 'verify app: container app exited with code 1, 0.4 s after its start'],
  ]);
  return s.events;
}

const pulledImage = 'registry.example.com/shop/app:1.5';

/** Every host takes its own time over a large image. */
export function pulling(size: number): readonly Event[] {
  const s = script('20261120-153500-p4ll');
  const all = names(size);
  begin(s, all);
  for (const host of all) connect(s, host, 3);
  plan(s, all, all, 1);
  const startedMs = s.elapsedMs();
  const seconds = (index: number): number => 12 + (index % 15);
  const totalBytes = (index: number): number => (index % 3 === 2 ? 48_200_000 : 310_400_000);
  for (let second = 1; second <= 27; second += 1) {
    s.pass(startedMs + second * 1000 - s.elapsedMs());
    for (const [index, host] of all.entries()) {
      const lasts = seconds(index);
      if (second > lasts || second < 2) continue;
      const [share, total] = [second / lasts, index % 3 === 2 ? 2 : 5];
      if (second === lasts) {
        s.say({ type: 'image_pulled', host, image: pulledImage, durationMs: lasts * 1000 });
        continue;
      }
      const bytes = totalBytes(index);
      s.say({
        type: 'image_progress',
        host,
        image: pulledImage,
        by: 'pull',
        // What was fetched last is still unpacked.
        layers: { total, fetched: second === lasts - 1 ? total : Math.floor(share * total), unpacked: 0 },
        ...(second < 3
          ? {}
          : {
              doneBytes: second === lasts - 1 ? bytes : Math.round(share * bytes),
              totalBytes: bytes,
              bytesPerSecond: Math.round(bytes / lasts),
            }),
        durationMs: second * 1000,
      });
    }
    if (second % 9 === 0)
      s.say({ type: 'waiting', message: 'h1 to get its images', elapsedMs: second * 1000, limitMs: 0 });
  }
  update(s, 'h1', 'canary', size);
  finish(s, 'interrupted', 130, [['h1', 'updated'], ...all.slice(1).map((host) => [host, 'untouched'] as const)]);
  return s.events;
}

function pullingUnseen(): readonly Event[] {
  const s = script('20261120-153600-un5n');
  const all = names(3);
  begin(s, all);
  for (const host of all) connect(s, host, 3);
  plan(s, all, all, 1);
  for (let second = 2; second <= 12; second += 1) {
    s.pass(second === 2 ? 2000 : 1000);
    for (const [index, host] of all.entries()) {
      const fetched = Math.min(9, second + index - 2);
      s.say({
        type: 'image_progress',
        host,
        image: pulledImage,
        by: 'pull',
        layers: { total: 9, fetched, unpacked: Math.max(0, fetched - 3) },
        durationMs: second * 1000,
      });
    }
    if (second === 9) s.say({ type: 'waiting', message: 'h1 to get its images', elapsedMs: 9000, limitMs: 0 });
  }
  finish(
    s,
    'interrupted',
    130,
    all.map((host) => [host, 'untouched'] as const),
  );
  return s.events;
}

function unreachable(): readonly Event[] {
  const s = script('20261120-160000-c5te');
  begin(s, names(3));
  connect(s, 'h1');
  connect(s, 'h3');
  s.pass(10_000);
  s.say({ type: 'waiting', message: 'h2 to answer (192.0.2.12:22)', elapsedMs: 10_000, limitMs: 15_000 });
  s.pass(5000);
  s.say({
    type: 'host_unreachable',
    host: 'h2',
    message: '192.0.2.12:22 did not answer within 15.0 s',
    hint: 'ssh -p 22 deploy@192.0.2.12',
  });
  finish(s, 'failed', 4, [
    ['h1', 'untouched'],
    ['h2', 'unreachable', '192.0.2.12:22 did not answer within 15.0 s'],
    ['h3', 'untouched'],
  ]);
  return s.events;
}

function interrupted(): readonly Event[] {
  const s = script('20261120-170000-h8wn');
  const all = names(4);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, all, 1);
  update(s, 'h1', 'canary', 4);
  bake(s, 'h1');
  s.say({
    type: 'warning',
    message: 'interrupted: h2 is being finished, no further node starts; press again to stop at once',
  });
  update(s, 'h2', 'fan_out', 4);
  finish(
    s,
    'interrupted',
    130,
    [
      ['h1', 'updated'],
      ['h2', 'updated'],
      ['h3', 'untouched'],
      ['h4', 'untouched'],
    ],
    { next: 'rollout resume 20261120-170000-h8wn -e app_version=…' },
  );
  return s.events;
}

function refused(): readonly Event[] {
  const s = script('20261120-220000-r5ne');
  const all = names(2);
  begin(s, all);
  for (const host of all) connect(s, host);
  finish(
    s,
    'failed',
    4,
    all.map((host) => [host, 'untouched']),
    {
      error: {
        message: 'images could not be pulled on 1 hosts; nothing was touched',
        details: ['h2: docker pull: no space left on device'],
      },
    },
  );
  return s.events;
}

function alike(): readonly Event[] {
  const s = script('20261120-230000-w3hc');
  const all = names(4);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, all, 4);
  const logFile = '.rollout/runs/20261120-230000-w3hc/h1-app.log';
  for (const host of all.slice(0, 3))
    failAndRestore(s, host, 4, 'fan_out', host === 'h1' ? { ...crash, logFile } : crash);
  failAndRestore(s, 'h4', 4, 'fan_out', { ...crash, exitCode: 137, message: 'container app exited with code 137' });
  finish(
    s,
    'rolled_back',
    5,
    all.map((host) => [host, 'restored']),
  );
  return s.events;
}

function unchanged(): readonly Event[] {
  const s = script('20261120-180000-a4zr');
  const all = names(3);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, [], 1);
  finish(
    s,
    'unchanged',
    0,
    all.map((host) => [host, 'unchanged']),
  );
  return s.events;
}

function paused(): readonly Event[] {
  const s = script('20261120-190000-k3vb');
  const all = names(3);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, all, 1);
  update(s, 'h1', 'canary', 3);
  bake(s, 'h1');
  s.say({
    type: 'run_paused',
    reason: 'the canary passed, and promote is manual',
    next: 'rollout resume 20261120-190000-k3vb',
  });
  finish(s, 'paused', 7, [
    ['h1', 'updated'],
    ['h2', 'untouched'],
    ['h3', 'untouched'],
  ]);
  return s.events;
}

function twoPlays(): readonly Event[] {
  const s = script('20261120-210000-p7dg');
  const tiers = { database: ['db1', 'db2'], 'web tier': ['h1', 'h2'] };
  const plays = Object.entries(tiers);
  s.say({
    type: 'run_started',
    command: 'run',
    playbook: 'playbooks/prod.yaml',
    version: '0.1.0',
    user: 'deploy',
    plays: plays.map(([play, hosts]) => ({ play, hosts })),
  });
  for (const host of Object.values(tiers).flat()) connect(s, host);
  s.pass(150);
  s.say({
    type: 'plan_ready',
    text: 'Plan: 4 hosts, 4 to update, in 2 plays, one after the other.',
    images: {},
    plays: plays.map(([play, hosts]) => ({
      play,
      canaries: hosts.slice(0, 1),
      maxUnavailable: 1,
      minAvailable: 0,
      hosts: Object.fromEntries(hosts.map((host) => [host, [{ service: 'app', kind: 'replace', cause }]])),
    })),
  });
  for (const host of tiers.database) update(s, host, 'fan_out', 2, 'database');
  failAndRestore(s, 'h1', 2, 'canary', crash);
  for (const host of tiers.database.toReversed()) {
    const why = 'h1 failed';
    s.say({ type: 'node_started', host, play: 'database', role: 'rollback', cause: why, ops: 4 });
    drain(s, host, 2);
    run(s, host, op.unpark, 40);
    run(s, host, op.startOld, 210);
    admit(s, host, 2);
    s.say({ type: 'node_restored', host, durationMs: 6350, serving: true });
  }
  finish(s, 'rolled_back', 5, [
    ['db1', 'restored'],
    ['db2', 'restored'],
    ['h1', 'restored', 'verify app: container app exited with code 1, 0.4 s after its start'],
    ['h2', 'untouched'],
  ]);
  return s.events;
}

function hostile(): readonly Event[] {
  const s = script('20261120-200000-m6sy');
  begin(s, ['h1']);
  connect(s, 'h1');
  plan(s, ['h1'], ['h1'], 1);
  failAndRestore(s, 'h1', 1, 'canary', {
    ...crash,
    message: 'container app exited\u001b[2J\u001b[H with code 1\r\nand a second line',
    logs: [
      '\u001b[31mred\u001b[0m and \u001b]0;title\u0007 and bell \u0007',
      'trojan \u202e txt.exe and zero\u200bwidth',
      '</pre><script>alert(1)</script> & "quotes"',
      '日本語のログ 🚀 ok',
      '\u009b2Jeight bit, \ud800 alone',
    ],
  });
  finish(s, 'rolled_back', 5, [['h1', 'restored', '<b>bold</b>\u001b[5m']]);
  return s.events;
}

interface Answer {
  readonly check: string;
  readonly hosts: readonly string[];
  readonly phase: 'bake' | 'fan_out' | 'soak';
  readonly outcome: 'passed' | 'failed' | 'unanswered';
  readonly message: string;
  readonly failures?: number;
  readonly dryRun?: boolean;
}

function answer(s: Script, { failures = 0, ...others }: Answer): void {
  s.say({ type: 'check_result', play: 'web tier', failures, failureLimit: 2, ...others });
}

function takeBack(s: Script, hosts: readonly string[], servers: number, why: string): void {
  for (const host of hosts) {
    s.say({ type: 'node_started', host, play: 'web tier', role: 'rollback', cause: why, ops: 4 });
    drain(s, host, servers);
    run(s, host, op.unpark, 40);
    run(s, host, op.startOld, 210);
    admit(s, host, servers);
    s.say({ type: 'node_restored', host, durationMs: 6350, serving: true });
  }
}

function judged(): readonly Event[] {
  const s = script('20261120-231500-v2mk');
  const all = names(4);
  const wave = 'canary';
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, all, 1);
  update(s, 'h1', 'canary', 4);
  s.say({ type: 'bake_started', play: 'web tier', wave, hosts: ['h1'], bakeMs: 30_000 });
  const p99 = { check: 'p99', hosts: ['h1'], phase: 'bake' } as const;
  answer(s, { ...p99, outcome: 'unanswered', message: 'answered 503 with a page that is no JSON' });
  s.pass(2000);
  answer(s, { ...p99, outcome: 'passed', message: '0.21' });
  s.pass(9000);
  const few = '41 requests are too few, 50 are needed';
  const waits = `the canary to bake: ${few}`;
  s.say({ type: 'waiting', message: waits, elapsedMs: 11_000, limitMs: 30_000 });
  s.pass(19_000);
  s.say({ type: 'bake_prolonged', play: 'web tier', wave, bakeMs: 300_000, reason: few });
  s.pass(9000);
  s.say({ type: 'waiting', message: waits, elapsedMs: 39_000, limitMs: 300_000 });
  s.pass(3000);
  s.say({
    type: 'bake_finished',
    play: 'web tier',
    wave,
    hosts: ['h1'],
    verdict: 'passed',
    reason:
      '0 of 50 failed (0.0 %), peers 0.1 % without h4, which fails far more; 14.3 % or more would have been seen; passed: p99',
    canary: { requests: 50, errors: 0, errorRatio: 0 },
    peers: { requests: 1011, errors: 1, errorRatio: 0.00099 },
    detectableRatio: 0.143,
  });
  const gate = { play: 'web tier', hosts: ['h1'], gate: './smoke.sh at the controller' };
  s.say({ type: 'gate_started', ...gate, timeoutMs: 600_000 });
  s.pass(4000);
  const output = ['basket: 200', 'checkout: 200'];
  s.say({ type: 'gate_finished', ...gate, ok: true, message: 'exit code 0', exitCode: 0, output, durationMs: 4000 });
  update(s, 'h2', 'fan_out', 4);
  answer(s, {
    check: 'smoke',
    hosts: ['h1', 'h2'],
    phase: 'fan_out',
    outcome: 'failed',
    message: 'exit code 3: no basket',
    failures: 1,
  });
  s.say({
    type: 'fan_out_judged',
    play: 'web tier',
    hosts: ['h1', 'h2'],
    verdict: 'failed',
    reason:
      '31 of 902 failed (3.4 %), peers 0.1 %; at most 0.2 % more is allowed, and chance alone does this once in 48,000',
    canary: { requests: 902, errors: 31, errorRatio: 0.0344 },
    peers: { requests: 911, errors: 1, errorRatio: 0.0011 },
  });
  s.say({
    type: 'warning',
    message:
      'what was updated (h1, h2) fails: 31 of 902 failed (3.4 %): every node that this run has changed is put back',
  });
  takeBack(s, ['h2', 'h1'], 4, 'what was updated (h1, h2) fails');
  finish(s, 'rolled_back', 5, [
    ['h1', 'restored'],
    ['h2', 'restored'],
    ['h3', 'untouched'],
    ['h4', 'untouched'],
  ]);
  return s.events;
}

function steered(): readonly Event[] {
  const s = script('20261120-233000-t8qd');
  const all = names(3);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, all, 1);
  update(s, 'h1', 'canary', 3);
  s.say({ type: 'bake_started', play: 'web tier', wave: 'canary', hosts: ['h1'], bakeMs: 600_000 });
  s.pass(3000);
  s.say({ type: 'run_steered', steering: 'promote', by: 'ops', message: 'the canary h1 goes on' });
  s.say({
    type: 'bake_finished',
    play: 'web tier',
    wave: 'canary',
    hosts: ['h1'],
    verdict: 'promoted',
    reason: 'by ops after 3.0 s; 0 of 60 failed (0.0 %), peers 0.0 %',
  });
  s.say({ type: 'run_steered', steering: 'pause', by: 'ops', message: 'no further node starts' });
  update(s, 'h2', 'fan_out', 3);
  s.say({
    type: 'run_paused',
    reason: 'an operator has paused it',
    next: 'rollout resume 20261120-233000-t8qd',
  });
  finish(s, 'paused', 7, [
    ['h1', 'updated'],
    ['h2', 'updated'],
    ['h3', 'untouched'],
  ]);
  return s.events;
}

function soaked(): readonly Event[] {
  const s = script('20261120-234500-s4wn');
  const all = names(2);
  begin(s, all);
  for (const host of all) connect(s, host);
  plan(s, all, all, 1);
  update(s, 'h1', 'canary', 2);
  s.say({
    type: 'bake_finished',
    play: 'web tier',
    wave: 'canary',
    hosts: ['h1'],
    verdict: 'skipped',
    reason: 'the shop is down',
  });
  update(s, 'h2', 'fan_out', 2);
  s.say({ type: 'bake_started', play: 'web tier', wave: 'soak', hosts: all, bakeMs: 20_000 });
  const basket = { check: 'basket', hosts: ['h2'], phase: 'soak', dryRun: true } as const;
  answer(s, { ...basket, outcome: 'failed', message: 'answered 500, not 200', failures: 1 });
  s.pass(20_000);
  s.say({
    type: 'bake_finished',
    play: 'web tier',
    wave: 'soak',
    hosts: all,
    verdict: 'inconclusive',
    reason: 'no server of the backend got a request in that time, so there is nothing to judge',
    canary: { requests: 0, errors: 0, errorRatio: 0 },
  });
  finish(
    s,
    'changed',
    0,
    all.map((host) => [host, 'updated'] as const),
  );
  return s.events;
}

function counted(): readonly Event[] {
  const s = script('20261121-000000-c7nt');
  const all = names(4);
  const play = 'web tier';
  s.say({
    type: 'run_started',
    command: 'run',
    playbook: 'playbooks/prod.yaml',
    composition: 'c_20261120_1504',
    version: '0.1.0',
    user: 'deploy',
    controller: 'runner-7',
    cwd: '/builds/shop/deploy',
    commit: '5b5bf85c0ffee5b5bf85c0ffee5b5bf85c0ffee1',
    source: 'v1.5.0',
    ciJob: 'https://ci.example.com/shop/deploy/actions/runs/17',
    options: { limit: 'web', tags: ['app'], becomes: false },
    plays: [{ play, hosts: all }],
  });
  for (const host of all) connect(s, host);
  plan(s, all, all, 1);
  const task = (host: string, status: 'ok' | 'changed' | 'skipped' | 'failed' | 'ignored', more: object = {}): void =>
    s.say({ type: 'task_finished', host, task: 'warm the cache', module: 'command', status, durationMs: 310, ...more });
  const count = (requests: number, errors: number, up: number): void =>
    s.say({ type: 'traffic_seen', play, pool: { up, servers: 4 }, sessions: 9, requests, errors, spanMs: 2000 });
  s.say({ type: 'traffic_seen', play, pool: { up: 4, servers: 4 }, sessions: 9, spanMs: 0 });
  for (const [index, host] of all.entries()) {
    update(s, host, index === 0 ? 'canary' : 'fan_out', 4);
    count(800, 0, 4);
    if (index === 0) {
      s.say({ type: 'bake_started', play, wave: 'canary', hosts: [host], bakeMs: 8000 });
      for (const errors of [0, 2, 1, 0]) {
        s.pass(2000);
        count(820, errors, 4);
        const message = `the canary to bake: ${errors} of 205 failed (${(errors / 2.05).toFixed(1)} %), peers 0.1 %`;
        s.say({ type: 'waiting', message, elapsedMs: 2000, limitMs: 8000 });
      }
      s.say({
        type: 'bake_finished',
        play,
        wave: 'canary',
        hosts: [host],
        verdict: 'passed',
        reason: '3 of 820 failed (0.4 %), peers 0.2 %; 1.9 % or more would have been seen',
        canary: { requests: 820, errors: 3, errorRatio: 0.0037, responseTimeMs: 11 },
        peers: { requests: 2460, errors: 4, errorRatio: 0.0016, responseTimeMs: 12 },
        detectableRatio: 0.019,
      });
    }
    if (index === 3)
      task(host, 'ignored', { rc: 3, message: 'exit code 3', stdout: '', stderr: 'cache: <cold> & slow' });
    else
      task(host, 'changed', {
        rc: 0,
        stdout: 'warmed 120 keys',
        diff: ['--- cache', '+++ cache', '@@ -1 +1 @@', '-0', '+120'],
      });
    if (index === 1) task(host, 'skipped', { item: 'b' });
  }
  s.say({ type: 'warning', host: 'h4', message: 'task warm the cache failed, which is ignored' });
  finish(
    s,
    'changed',
    0,
    all.map((host) => [host, 'updated'] as const),
  );
  return s.events;
}
