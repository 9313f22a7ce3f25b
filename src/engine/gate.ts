import { lastLines, runGateCommand, type GateAnswer } from '../check/gate-command.ts';
import { DockerError } from '../docker/errors.ts';
import { labels } from '../docker/names.ts';
import { someOf } from '../model/alike.ts';
import { formatDuration } from '../model/duration.ts';
import { describeGate, type Gate, type GateContainer } from '../model/gate.ts';
import { Secret } from '../model/secret.ts';
import type { Canonical, Service } from '../model/service.ts';
import type { Wave } from '../plan/waves.ts';
import { RemoteError } from '../ssh/remote.ts';
import { readThroughAbsence } from './absence.ts';
import { RunRefused, type RunContext } from './context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { createWithImage } from './create.ts';
import type { ImageResolver } from './images.ts';
import { failCanary, updatedIn } from './judge.ts';
import type { Node, Tier } from './node.ts';
import { OpError, withHint } from './op-error.ts';
import { askedStop, type Stop } from './stop.ts';

/** The images of gates, on the hosts where they will run: nothing is drained before they are there. @throws RunRefused */
export async function pullForGates(
  gated: readonly { readonly tier: Tier; readonly waves: readonly Wave[] }[],
  images: ImageResolver,
  context: RunContext,
): Promise<void> {
  for (const { tier, waves } of gated) {
    const asks = tier.play.gate?.asks;
    const wave = waves.find(({ isGated }) => isGated);
    if (asks?.kind !== 'container' || wave === undefined) continue;
    const node = nodeFor(asks, wave, tier);
    const image = node?.desired.gate?.image;
    if (node === undefined || image === undefined || node.desired.gate?.pullPolicy === 'never') continue;
    const startedMs = context.clock.now();
    try {
      await images.pull(image, node.session, { signal: context.interrupt.soon });
    } catch (error) {
      if (!(error instanceof DockerError || error instanceof RemoteError)) throw error;
      const message = 'the image of the gate could not be pulled; nothing was touched';
      throw new RunRefused(exitCodes.unreachable, message, [`${node.name}: ${withHint(error)}`]);
    }
    const durationMs = context.clock.now() - startedMs;
    context.emit({ type: 'image_pulled', host: node.name, image: image.written, durationMs });
  }
}

/** Asks the play's gate once its canary has held. @returns why the play does not go on; its canaries have failed then */
export async function passGate(wave: Wave, tier: Tier, context: RunContext): Promise<Stop | undefined> {
  const { gate, name: play } = tier.play;
  if (gate === undefined || !wave.isGated) return undefined;
  const canaries = updatedIn(wave, tier);
  const about = { play, hosts: canaries.map(({ name }) => name), gate: describeGate(gate) };
  context.emit({ type: 'gate_started', ...about, timeoutMs: gate.timeoutMs });
  const startedMs = context.clock.now();
  const answer = await ask(gate, wave, tier, context);
  // Cut off by whoever wants the run to end, it has said nothing: a run that goes on asks again.
  if (answer.exitCode === undefined && context.interrupt.isRequested) return askedStop(context.interrupt);
  const ok = answer.exitCode === 0;
  context.emit({ type: 'gate_finished', ...about, ok, ...answer, durationMs: context.clock.now() - startedMs });
  if (ok) return undefined;
  const step = { kind: 'gate', text: 'gate', cause: about.gate };
  const { exitCode } = answer;
  const error = new OpError(step, answer.message, {
    exitCode,
    hint: 'Fix what the gate found and run the playbook again.',
  });
  const reason = `the gate after the canary ${someOf(about.hosts)} failed: ${answer.message}`;
  await failCanary(canaries, reason, error, tier, context);
  return { kind: 'failures', isRestored: false, reason };
}

async function ask(gate: Gate, wave: Wave, tier: Tier, context: RunContext): Promise<GateAnswer> {
  using _wait = context.heartbeat.wait(undefined, { message: 'the gate', limitMs: gate.timeoutMs });
  const told = toldOf(wave, tier, context);
  if (gate.asks.kind === 'command') {
    const environment = { ...revealed(gate.environment), ...told };
    return await runGateCommand(gate.asks, environment, { timeoutMs: gate.timeoutMs, signal: context.interrupt.soon });
  }
  const node = nodeFor(gate.asks, wave, tier);
  const service = node?.desired.gate;
  if (node === undefined || service === undefined) {
    const where = node === undefined ? 'its host is not part of this run' : `${node.name} does not get it`;
    return { message: `the container of ${gate.asks.service} cannot run: ${where}`, output: [] };
  }
  try {
    return await runContainer(node, withEnvironment(service, { ...gate.environment, ...told }), gate, context);
  } catch (error) {
    if (!(error instanceof DockerError || error instanceof RemoteError)) throw error;
    return { message: `${node.name}: ${withHint(error)}`, output: [] };
  }
}

/** What a gate is told of the run that it decides about. */
function toldOf(wave: Wave, tier: Tier, { run }: RunContext): Readonly<Record<string, string>> {
  return {
    ROLLOUT_RUN: run,
    ROLLOUT_PLAYBOOK: tier.playbook.name,
    ROLLOUT_PLAY: tier.play.name,
    ROLLOUT_COMPOSITION: tier.composition ?? '',
    ROLLOUT_HOSTS: tier.nodes.map(({ name }) => name).join(','),
    ROLLOUT_CANARIES: [...wave.finished, ...wave.hosts].join(','),
  };
}

function revealed(environment: Gate['environment']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  );
}

function withEnvironment(service: Service, environment: Gate['environment']): Service {
  const known = Object.entries(service.spec['environment'] ?? {});
  const all: Canonical = { ...Object.fromEntries(known), ...environment };
  return { ...service, spec: { ...service.spec, environment: all } };
}

function nodeFor({ host }: GateContainer, wave: Wave, { nodes }: Tier): Node | undefined {
  const wanted = host === undefined ? [...wave.finished, ...wave.hosts] : [host];
  return nodes.find(({ name }) => wanted.includes(name));
}

/** How often a container at a gate is looked at. */
const lookEveryMs = 500;
/** How long its host or daemon may be away. */
const absenceLimitMs = 60_000;
const mostLines = 50;

/** Runs a container to its end, and removes it in any case: one that a run was cut off from goes before the next. */
async function runContainer(
  node: Node,
  service: Service,
  { timeoutMs }: Gate,
  context: RunContext,
): Promise<GateAnswer> {
  const { session } = node;
  const { clock, interrupt } = context;
  const container = `${service.containerName}.gate`;
  const deadlineMs = clock.now() + timeoutMs;
  await session.docker.remove(container);
  try {
    await createWithImage(service, container, { [labels.run]: context.run }, node, context);
    await session.docker.run(['docker', 'start', '--', container]);
    for (;;) {
      const look = async () => (await session.docker.inspect([container])).get(container)?.state;
      const state = await readThroughAbsence(session, context, absenceLimitMs, look);
      if (state === undefined) return { message: 'its container is gone: somebody has removed it', output: [] };
      const isOver = !state.running && state.status !== 'created';
      const output = isOver || clock.now() >= deadlineMs ? await session.docker.logs(container, mostLines) : [];
      const lines = lastLines(output.join('\n'));
      if (isOver) return { exitCode: state.exitCode, message: `exit code ${state.exitCode}`, output: lines };
      if (clock.now() >= deadlineMs)
        return { message: `it did not end within ${formatDuration(timeoutMs)}`, output: lines };
      await clock.sleep(lookEveryMs, interrupt.soon);
    }
  } catch (error) {
    if (interrupt.isRequested) return { message: 'it was stopped', output: [] };
    throw error;
  } finally {
    await session.docker.remove(container).catch(() => undefined);
  }
}
