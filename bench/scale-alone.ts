// What decides, without any fleet: `npm run bench:scale:alone [-- HOSTS…]`. One process loads an inventory and a playbook
// of so many hosts, renders every host's services, compares them with containers of the version before, and rolls the
// window over all of them with the engine's own drain and admit, on a clock that does not wait.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPlaybook, type LoadedPlaybook } from '../src/config/load.ts';
import type { HostDesired } from '../src/model/service.ts';
import { assemblePlan } from '../src/plan/assemble.ts';
import type { NodePlan } from '../src/plan/plan.ts';
import { contextOf, isUnchanged, reconcile } from '../src/plan/reconcile.ts';
import { wavesOf } from '../src/plan/waves.ts';
import { formatPlan } from '../src/render/plan-text.ts';
import { rollThrough } from '../test/support/rolling-window.ts';
import { container, digestOf, observed } from '../test/support/simulated-host.ts';

const sizes = process.argv.slice(2).map(Number);

const inventory = (hosts: number): string => `web:\n  hosts:\n    h[00001:${String(hosts).padStart(5, '0')}]:\n`;

const playbook = `name: shop
inventory: inventory.yaml
plays:
  - name: web tier
    hosts: web
    load_balancer: { type: haproxy, stats: ["http://10.0.0.2:8404/stats"], backend: web }
    health_container: health
    services:
      health: { image: "registry.example.com/shop/health:v1@${digestOf('v1')}", ports: ["8081:8080"] }
      app:
        image: "registry.example.com/shop/app:v2@${digestOf('v2')}"
        ports: ["8080:8080"]
        environment: { HOST: "{{ inventory_hostname }}", LOG_LEVEL: info }
        mem_limit: "{{ (facts.memory_mb * 0.7) | int }}m"
`;

const facts = { hostname: 'h', cpus: 2, memory_mb: 4096, arch: 'x86_64', os: 'linux', docker_version: '28.5.2' };

for (const hosts of sizes.length === 0 ? [1000, 5000, 20_000] : sizes) await measure(hosts);

async function measure(hosts: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rollout-scale-'));
  try {
    await writeFile(join(folder, 'inventory.yaml'), inventory(hosts));
    await writeFile(join(folder, 'prod.yaml'), playbook);
    const loaded = await timed(hosts, 'load', () => load(folder));
    const wanted = await timed(hosts, 'render', () => Promise.resolve(render(loaded)));
    const plans = await timed(hosts, 'compare', () => Promise.resolve(compare(loaded, wanted)));
    await timed(hosts, 'print the plan', () => Promise.resolve(print(loaded, plans)));
    await timed(hosts, 'schedule', () => rollThrough(hosts));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Prints what a step took of this process. */
async function timed<T>(hosts: number, step: string, work: () => Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000;
  const { rss } = process.memoryUsage();
  console.log(
    `${hosts} hosts, ${step}: ${(cpuMs / 1000).toFixed(2)} s CPU, ${((cpuMs * 1000) / hosts).toFixed(0)} µs a host; ${(rss / 1024 ** 2).toFixed(0)} MB`,
  );
  return result;
}

function load(folder: string): Promise<LoadedPlaybook> {
  return loadPlaybook({
    playbook: 'prod.yaml',
    inventories: [],
    extraVars: [],
    tags: [],
    skipTags: [],
    become: false,
    env: {},
    cwd: folder,
  });
}

function render(loaded: LoadedPlaybook): readonly (readonly [string, HostDesired])[] {
  return loaded.plays.flatMap((play) =>
    play.hosts.map((host) => [host.name, loaded.desired(play, host, facts)] as const),
  );
}

/** Every host runs the version before. */
function compare(loaded: LoadedPlaybook, wanted: readonly (readonly [string, HostDesired])[]): readonly NodePlan[] {
  const [play] = loaded.plays;
  if (play === undefined) throw new Error('the playbook has no play');
  const plays = [play.name];
  return wanted.map(([host, desired]) => {
    const before = desired.services.map((service) =>
      service.name === 'app' ? { ...service, image: { ...service.image, tag: 'v1', digest: digestOf('v1') } } : service,
    );
    const plan = reconcile(
      desired,
      observed(before.map((service) => container(service, { play: play.name, restart: 'no' }))),
      contextOf(host, play, { name: loaded.name, plays }),
    );
    if (isUnchanged(plan)) throw new Error(`${host} is to be changed, and its plan is empty`);
    return plan;
  });
}

function print(loaded: LoadedPlaybook, plans: readonly NodePlan[]): string {
  const tiers = loaded.plays.map((play) => ({
    play,
    nodes: plans.map((plan) => ({ name: plan.host, services: [], plan })),
    unreachable: [],
  }));
  const plan = assemblePlan(tiers, ({ play, nodes }) =>
    wavesOf(
      play.strategy,
      nodes.map(({ name }) => ({ name, isChanging: true, isFinished: false })),
      'careful',
      () => false,
    ),
  );
  return formatPlan(plan);
}
