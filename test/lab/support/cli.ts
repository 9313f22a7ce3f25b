import { spawn } from 'node:child_process';
import { Command, InvalidArgumentError, Option } from 'commander';
import { enterHost } from './host.ts';
import { reloadBalancer, startBalancer, stopBalancer } from './haproxy.ts';
import { publishImage } from './image.ts';
import { checkHost, checkLabName, defaultLabName, labDir, nameOption } from './layout.ts';
import type { Lab } from './fleet.ts';
import { attachLab, startLab } from './lab.ts';
import { readSettings } from './settings.ts';
import { cleanEnvironment } from './processes.ts';
import { formatStatus, readStatus } from './status.ts';
import { upAndDown, type Round } from './series.ts';
import { inits, parseSystem, releases } from './system.ts';
import { removeLab } from './teardown.ts';

interface Named {
  readonly name: string;
}

interface UpOptions extends Named {
  readonly balancers: number;
  readonly inter?: number;
  readonly fall?: number;
  readonly rise?: number;
  readonly latency: number;
  readonly system: string;
  readonly init: string;
  readonly containerdStore: boolean;
}

const program = new Command('lab')
  .description('A fleet of real hosts on this machine: sshd, dockerd, HAProxy and a registry. Linux, root.')
  // `exec` hands the options after its command on to the command.
  .enablePositionalOptions()
  .hook('preAction', (_, verb) => checkLabName(verb.opts<Named>().name));

addVerb('up', 'boot a lab of N hosts')
  .argument('<hosts>', 'how many', wholeNumber)
  .option('--balancers <n>', 'how many HAProxies', wholeNumber, 1)
  .option('--inter <ms>', "the balancers' check interval", wholeNumber)
  .option('--fall <n>', 'failed checks until a host is DOWN', wholeNumber)
  .option('--rise <n>', 'passed checks until a host is UP', wholeNumber)
  .option('--latency <ms>', 'longer round trips to the hosts', wholeNumber, 0)
  .addOption(
    new Option('--system <release>', "what the hosts are: the machine's own programs, or a Debian of their own")
      .choices(releases)
      .default('machine'),
  )
  .addOption(new Option('--init <init>', 'what starts the hosts').choices(inits).default('simple'))
  .option('--containerd-store', "docker keeps its images in containerd's store", false)
  .action(up);
addVerb('down', 'remove the lab and everything that belongs to it').action(down);
addVerb('status', 'what runs, and what the balancers say').action(status);
addVerb('image', 'push an image of the test program, as in: image shop/app 1.1 APP_FAULT=crash')
  .argument('<repository>')
  .argument('<tag>')
  .argument('[variables...]', 'NAME=VALUE, baked into the image')
  .action(image);
addHostVerb('host-down', 'a power failure: everything on the host ends at once, its disk stays', (lab, host) =>
  lab.hostDown(host),
);
addHostVerb('host-up', 'power back', (lab, host) => lab.hostUp(host));
addHostVerb('partition', "take the host's network away", (lab, host) => lab.partition(host));
addHostVerb('heal', 'give it back', (lab, host) => lab.heal(host));
addVerb('docker', "stop a host's docker daemon and its containers, or start it")
  .argument('<verb>', 'start or stop')
  .argument('<host>')
  .action(docker);
addVerb('registry', 'stop the registry, or start it').argument('<verb>', 'start or stop').action(registry);
addVerb('exec', 'run a command on a host, as root')
  .argument('<host>')
  .argument('<command...>')
  .passThroughOptions()
  .action(exec);
addVerb('latency', 'make round trips to the hosts longer; 0 takes it back')
  .argument('<ms>', 'round trip', wholeNumber)
  .action(latency);
addVerb('repeat', 'boot and remove a lab so many times in a row, and report what each left behind')
  .argument('<times>', 'how often', wholeNumber)
  .option('--hosts <n>', 'of each lab', wholeNumber, 6)
  .action(repeat);
addVerb('haproxy', 'start, reload or stop a balancer')
  .argument('<verb>', 'start, reload or stop')
  .argument('[balancer]', 'which one', wholeNumber, 1)
  .action(haproxy);

await program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});

function addVerb(name: string, description: string): Command {
  const which = 'which lab; several can run side by side';
  return program.command(name).description(description).option('--name <lab>', which, defaultLabName);
}

function addHostVerb(name: string, description: string, act: (lab: Lab, host: string) => Promise<void>): void {
  addVerb(name, description)
    .argument('<host>')
    .action(async (host: string, options: Named) => act(await attachLab(options.name), host));
}

async function up(hosts: number, options: UpOptions) {
  const { name, balancers, inter, fall, rise, latency: roundTripMs } = options;
  const system = parseSystem(options);
  const started = Date.now();
  const check = {
    ...(inter === undefined ? {} : { intervalMs: inter }),
    ...(fall === undefined ? {} : { fall }),
    ...(rise === undefined ? {} : { rise }),
  };
  const lab = await removedWhenInterrupted(name, () => startLab({ name, hosts, balancers, check, system, say }));
  if (roundTripMs > 0) await lab.setLatency(roundTripMs);
  say(`lab ${name} is up: ${hosts} hosts in ${((Date.now() - started) / 1000).toFixed(1)} s\n${nextSteps(lab)}`);
}

/** Ctrl-C while a lab boots: it is removed as soon as it can be, which is when nothing more is being started. */
async function removedWhenInterrupted(name: string, start: () => Promise<Lab>): Promise<Lab> {
  const interrupted = new AbortController();
  const interrupt = (): void => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
    say(
      `interrupted: removing the lab once it is up. Again to leave at once; then: npm run lab -- down${nameOption(name)}`,
    );
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    const lab = await start();
    if (!interrupted.signal.aborted) return lab;
    await lab.close();
    return process.exit(130);
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

async function repeat(times: number, { name, hosts }: Named & { readonly hosts: number }): Promise<void> {
  const rounds: Round[] = [];
  for (let count = 1; count <= times; count += 1) {
    const round = await upAndDown(name, hosts);
    rounds.push(round);
    const { bootMs, downMs, processes, leftovers } = round;
    say(`${count}: up ${bootMs} ms, down ${downMs} ms, ${processes} processes, ${leftovers.length} leftovers`);
    for (const leftover of leftovers) say(`   ${leftover}`);
  }
  const slowest = (values: readonly number[]): string => `${(Math.max(...values) / 1000).toFixed(1)} s`;
  const failed = rounds.filter(({ leftovers }) => leftovers.length > 0).length;
  say(
    `${times} labs of ${hosts} hosts: ${times - failed} clean, ${failed} with leftovers; slowest up ` +
      `${slowest(rounds.map(({ bootMs }) => bootMs))}, down ${slowest(rounds.map(({ downMs }) => downMs))}`,
  );
  if (failed > 0) process.exitCode = 1;
}

async function down({ name }: Named): Promise<void> {
  say((await removeLab(name)) ? `lab ${name} is gone` : `there is no lab ${name}`);
}

async function status({ name }: Named): Promise<void> {
  say(formatStatus(await readStatus(await readSettings(name))));
}

async function image(repository: string, tag: string, variables: readonly string[], { name }: Named): Promise<void> {
  const { reference, digest } = await publishImage(
    await readSettings(name),
    repository,
    tag,
    parseVariables(variables),
  );
  say(`${reference}@${digest}`);
}

async function exec(host: string, command: readonly string[], { name }: Named): Promise<void> {
  const lab = await readSettings(name);
  checkHost(lab, host);
  const [nsenter = '', ...words] = await enterHost(lab, host);
  const child = spawn(nsenter, [...words, ...command], {
    stdio: 'inherit',
    env: { ...cleanEnvironment, TERM: process.env['TERM'] },
  });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 137));
  });
}

async function latency(roundTripMs: number, { name }: Named): Promise<void> {
  await (await attachLab(name)).setLatency(roundTripMs);
}

async function docker(verb: string, host: string, { name }: Named): Promise<void> {
  const lab = await attachLab(name);
  if (verb === 'start') await lab.startDocker(host);
  else if (verb === 'stop') await lab.stopDocker(host);
  else throw new Error(`docker: must be start or stop; got ${verb}`);
}

async function registry(verb: string, { name }: Named): Promise<void> {
  const lab = await attachLab(name);
  if (verb === 'start') await lab.startRegistry();
  else if (verb === 'stop') await lab.stopRegistry();
  else throw new Error(`registry: must be start or stop; got ${verb}`);
}

async function haproxy(verb: string, balancer: number, { name }: Named): Promise<void> {
  const lab = await readSettings(name);
  if (balancer < 1 || balancer > lab.balancers)
    throw new Error(`lab ${name} has no balancer ${balancer}; it has ${lab.balancers}`);
  if (verb === 'start') await startBalancer(lab, balancer);
  else if (verb === 'reload') await reloadBalancer(lab, balancer);
  else if (verb === 'stop') await stopBalancer(lab, balancer);
  else throw new Error(`haproxy: must be start, reload or stop; got ${verb}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('must be a whole number.');
  return Number(text);
}

function parseVariables(variables: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    variables.map((variable) => {
      const equals = variable.indexOf('=');
      if (equals < 1) throw new Error(`image: variables are NAME=VALUE; got ${variable}`);
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
}

function nextSteps(lab: Lab): string {
  const { name } = lab.settings;
  const option = nameOption(name);
  const playbook = option === '' ? 'playbooks/lab.yaml' : lab.playbookFile;
  return `
  balancer   ${lab.balancers.map((balancer) => balancer.frontendUrl).join(' ')}
  stats      ${lab.balancers.map((balancer) => balancer.statsUrl).join(' ')}
  inventory  ${lab.inventoryFile}
  files      ${labDir(name)}

Publish a release and roll it out, then the next one:
  npm run lab -- image shop/health 1.0${option}
  npm run lab -- image shop/app 1.0${option}
  npx rollout ${playbook}
  npm run lab -- image shop/app 1.1${option}
  npx rollout ${playbook} -e app_version=1.1
A bad one, which the canary stops:
  npm run lab -- image shop/app 1.2 APP_FAULT=crash${option}
  npx rollout ${playbook} -e app_version=1.2
When done:
  npm run lab -- down${option}`;
}
