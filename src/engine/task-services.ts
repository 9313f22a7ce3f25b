import { createOptions } from '../docker/create.ts';
import { stopCommand } from '../docker/commands.ts';
import { isOneOff } from '../docker/names.ts';
import { oneOffLabels, oneOffName, oneOffService, type OneOffSettings } from '../docker/one-off.ts';
import { changeTimeoutMs, startStep } from '../docker/steps.ts';
import type { Secret } from '../model/secret.ts';
import { keyOf, type Service } from '../model/service.ts';
import { jobsOf } from '../plan/dependencies.ts';
import { startAgain } from '../plan/progress.ts';
import type { ExecOptions } from '../ssh/remote.ts';
import type { CommandResult } from '../task/query.ts';
import type { OneOff, TaskServices } from '../task/module.ts';
import { readThroughAbsence } from './absence.ts';
import type { RunContext } from './context.ts';
import { createWithImage } from './create.ts';
import type { Node, Tier } from './node.ts';
import { verify } from './verify.ts';

/** What a task may do with the services of its play on its host. */
export interface ServiceTask {
  readonly environment: Readonly<Record<string, string | Secret>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A command on the host, as whoever runs docker there, with the task's environment. */
  readonly run: (argv: readonly string[], options?: { readonly stdin?: string }) => Promise<CommandResult>;
  readonly onOutput: NonNullable<ExecOptions['onOutput']>;
  /** Nothing more comes: a last line without an end counts too. */
  readonly endOutput: () => void;
}

export function taskServices(node: Node, task: ServiceTask, context: RunContext): TaskServices {
  return {
    imageDigests: node.services.flatMap(({ image }) => image.digest ?? []),
    runOnce: (name, how) => runOnce(serviceNamed(name, node), how, { node, task, context }).finally(task.endOutput),
    exec: (name, { command, user, workingDir, stdin }) => {
      const { containerName } = serviceNamed(name, node);
      const options = [
        ...(stdin === undefined ? [] : ['--interactive']),
        ...(user === undefined ? [] : [`--user=${user}`]),
        ...(workingDir === undefined ? [] : [`--workdir=${workingDir}`]),
        // Without values: docker takes them from around it, and argv shows none.
        ...Object.keys(task.environment).map((variable) => `--env=${variable}`),
      ];
      const argv = ['docker', 'exec', ...options, containerName, ...command];
      return task.run(argv, stdin === undefined ? {} : { stdin }).finally(task.endOutput);
    },
    noteRunning: () => noteRunning(node, context),
  };
}

function serviceNamed(name: string, { services, desired }: Node): Service {
  const found = services.find((service) => service.name === name) ?? services.find((each) => keyOf(each) === name);
  if (found !== undefined) return found;
  const isLeftOut = desired.leftOut?.includes(name) === true;
  const names = services.map((service) => service.name).join(', ');
  throw new Error(
    isLeftOut
      ? `service ${name} is not part of this run (--tags, --skip-tags)`
      : `the play has no service ${name} on this host; it has: ${names === '' ? 'none' : names}`,
  );
}

interface Surroundings {
  readonly node: Node;
  readonly task: ServiceTask;
  readonly context: RunContext;
}

/** Created, run to its end with its output, removed; what a run that was cut off has left is removed by the next. */
async function runOnce(service: Service, how: OneOff, { node, task, context }: Surroundings): Promise<CommandResult> {
  const { session } = node;
  const settings: OneOffSettings = { ...how, environment: task.environment };
  const oneOff = oneOffService(service, settings);
  const name = oneOffName(service);
  await session.docker.remove(name);
  await createResources(oneOff, node);
  const id = await createWithImage(oneOff, name, oneOffLabels(context.run, service), node, context);
  try {
    const { timeoutMs, signal, onOutput } = task;
    return await session.remote.exec(['docker', 'start', '--attach', '--', id], { timeoutMs, signal, onOutput });
  } finally {
    // An interrupt removes it too: its process has nobody left to report to.
    await removeOneOff(node, service, id, context);
  }
}

async function createResources(service: Service, { desired, observed, session }: Node): Promise<void> {
  const { networks } = createOptions(service);
  for (const network of desired.networks)
    if (networks.includes(network.name) && !network.external && !observed.networks.has(network.name))
      await session.docker.createNetwork(network);
  for (const volume of desired.volumes)
    if (!volume.external && !observed.volumes.has(volume.name)) await session.docker.createVolume(volume);
}

const absenceLimitMs = 60_000;

async function removeOneOff(node: Node, service: Service, id: string, context: RunContext): Promise<void> {
  const { session } = node;
  try {
    await readThroughAbsence(session, context, absenceLimitMs, async () => {
      await stopAndRemove(session, id, service.stopGraceMs);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `container ${oneOffName(service)} of a task could not be removed: ${why}; the next run removes it`;
    context.emit({ type: 'warning', host: node.name, message });
  }
}

async function stopAndRemove({ remote, docker }: Node['session'], container: string, graceMs: number): Promise<void> {
  // One that has ended is stopped at once; whatever it says, what counts is that it goes.
  await remote.exec(stopCommand(container, graceMs), { timeoutMs: graceMs + changeTimeoutMs });
  await docker.removeWithVolumes(container);
}

/** Containers of tasks whose run was cut off in the middle of them. */
export async function sweepOneOffs(tiers: readonly Tier[], context: RunContext): Promise<void> {
  const sessions = new Set(tiers.flatMap((tier) => tier.nodes).map(({ session }) => session));
  await Promise.all(
    [...sessions].map(async (session) => {
      for (const name of session.containerNames.filter(isOneOff)) {
        const message = `removes ${name}, which a task of a run that was cut off has left`;
        context.emit({ type: 'warning', host: session.host.name, message });
        await stopAndRemove(session, name, defaultGraceMs);
      }
    }),
  );
}

const defaultGraceMs = 10_000;

/** What runs now is to run again, and well, when it is asked for: before that the host is rebooted. */
async function noteRunning(node: Node, context: RunContext): Promise<() => Promise<void>> {
  const { services, session, gate, order } = node;
  const jobs = jobsOf(services);
  const read = () => session.docker.inspect(services.map(({ containerName }) => containerName));
  const before = await read();
  const ran = services.filter(
    ({ name, containerName }) => !jobs.has(name) && before.get(containerName)?.state.running === true,
  );
  return async () => {
    const cause = 'the host was rebooted';
    const containers = await readThroughAbsence(session, context, absenceLimitMs, read);
    const starts = startAgain({ services: ran, gate, order }, containers).filter((op) => op.kind === 'start');
    await session.docker.carryOut(starts.map(({ container }) => startStep(container)));
    for (const service of ran)
      await verify({ kind: 'verify', service, container: service.containerName, cause }, node, context);
  };
}
