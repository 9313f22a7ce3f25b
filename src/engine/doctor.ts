import pLimit from 'p-limit';
import { checkupCommand, loginShellCommand } from '../docker/checkup.ts';
import { DockerError } from '../docker/errors.ts';
import { RegistryError } from '../docker/registry-error.ts';
import type { Host } from '../model/host.ts';
import type { ImageRef } from '../model/image.ts';
import { hasGate } from '../model/play.ts';
import type { HostDesired } from '../model/service.ts';
import { balancerFindings } from '../plan/doctor-balancer.ts';
import { failedFinding, hostFindings, lookFindings, type Finding, type HostAnswers } from '../plan/doctor.ts';
import type { HostFinding, PlayFinding } from '../plan/status-model.ts';
import { newPorts, takenPortErrors } from '../plan/taken-ports.ts';
import { RemoteError } from '../ssh/remote.ts';
import type { RunContext } from './context.ts';
import type { FleetInput } from './fleet.ts';
import { FleetReader } from './look.ts';
import { peek, type Surveying } from './peek.ts';
import { assertForwarding } from './probe.ts';
import type { HostSession } from './session.ts';

type ReadHost = Extract<HostFinding, { kind: 'read' }>;

/** A fleet of which everything is asked that a run will need; nothing is changed. */
export class FleetExaminer {
  /** It looks with the command that tells of the rest too. */
  readonly reader: FleetReader;
  readonly #input: FleetInput;
  readonly #context: RunContext;
  /** Of hosts that have been looked at. */
  readonly #answers = new Map<string, HostAnswers>();

  constructor(input: FleetInput, context: RunContext) {
    this.#input = input;
    this.#context = context;
    this.reader = new FleetReader(input, context, (session) => this.#readSurvey(session));
  }

  /** All hosts and balancers at once. @throws ConfigError where a template cannot be rendered for a host */
  async examine(): Promise<readonly Finding[]> {
    const { plays } = this.#input.playbook;
    const limit = pLimit(this.#context.forks);
    const hosts = new Map(plays.flatMap((play) => play.hosts.map((host) => [host.name, host] as const)));
    const asked = new Map<string, Promise<readonly Finding[]>[]>([...hosts.keys()].map((name) => [name, []]));
    const looks = await this.reader.look((found) => {
      const host = hosts.get(found.host);
      if (found.kind === 'unreachable' || host === undefined) return;
      const further = limit(() => this.#askFurther(host, found));
      // Where the look itself ends with an error, that one is told.
      further.catch(() => undefined);
      asked.get(host.name)?.push(further);
    });
    const ofHosts = await Promise.all(
      [...asked].map(async ([host, further]) => [
        ...this.#findingsOf(host, looks),
        ...(await Promise.all(further)).flat(),
      ]),
    );
    const ofBalancers = looks.flatMap((look) => {
      const play = plays.find(({ name }) => name === look.play);
      return balancerFindings(look, play !== undefined && hasGate(play));
    });
    // Of a host in several plays some things are found for each.
    return [...new Map(ofHosts.flat().map((each) => [JSON.stringify(each), each])).values(), ...ofBalancers];
  }

  /** With the same command as the survey: a docker process is what costs a host most. */
  async #readSurvey(session: HostSession): Promise<Surveying> {
    const { host, docker, clock } = session;
    const askedMs = clock.now();
    const { lock, rest, noise } = await peek(session, checkupCommand);
    const answeredMs = clock.now();
    const survey = { ...docker.readSurvey(rest), atMs: askedMs };
    const { timeMs, info, missingTools, isWordWhole, room } = docker.readCheckup(rest);
    this.#answers.set(host.name, {
      host: host.name,
      skewMs: timeMs === undefined ? 0 : skewOf(timeMs, askedMs, answeredMs),
      info,
      missingTools,
      login: { noise, ...(isWordWhole ? {} : { manglingShell: await loginShellOf(session) }) },
      room: room === 'unknown' ? await docker.room() : room,
    });
    return { lock, survey };
  }

  /** What can be asked only once a host was read. */
  async #askFurther(host: Host, found: ReadHost): Promise<readonly Finding[]> {
    const session = await this.reader.session(host);
    const parts = await Promise.all([
      platformFindings(this.#answersOf(host.name), found.desired, this.#input.images),
      gathered(host, () => forwardingFindings(found, session)),
      gathered(host, () => portFindings(found, session)),
    ]);
    return parts.flat();
  }

  /** What a host has said by itself. */
  #findingsOf(host: string, looks: readonly PlayFinding[]): readonly Finding[] {
    const found = looks.flatMap(({ hosts }) => hosts.filter((each) => each.host === host));
    const [first] = found;
    // A host in several plays is away from all of them.
    if (first?.kind === 'unreachable') return lookFindings(first);
    const desired = found.flatMap((each) => (each.kind === 'read' ? [each.desired] : []));
    return [...found.flatMap(lookFindings), ...hostFindings(this.#answersOf(host), desired)];
  }

  #answersOf(host: string): HostAnswers {
    const answers = this.#answers.get(host);
    if (answers === undefined) throw new Error(`host ${host} has not answered`);
    return answers;
  }
}

/** It was read at some moment in between. */
function skewOf(timeMs: number, askedMs: number, answeredMs: number): number {
  return timeMs > answeredMs ? timeMs - answeredMs : Math.min(0, timeMs - askedMs);
}

const loginLimitMs = 20_000;

async function loginShellOf({ remote }: HostSession): Promise<string> {
  return (await remote.exec(loginShellCommand, { timeoutMs: loginLimitMs, withoutBecome: true })).stdout;
}

/** What a host's failure to answer says, as a finding. */
async function gathered(host: Host, work: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RemoteError || error instanceof DockerError)) throw error;
    const { message, kind: reason, hint } = error;
    return [failedFinding(host.name, { reason, message, ...(hint === undefined ? {} : { hint }) })];
  }
}

async function forwardingFindings({ desired }: ReadHost, { remote }: HostSession): Promise<readonly Finding[]> {
  await assertForwarding(desired.services, remote);
  return [];
}

async function portFindings({ host, plan, desired, observed }: ReadHost, session: HostSession): Promise<Finding[]> {
  const wanted = newPorts(plan, desired.services, observed.containers);
  if (wanted.length === 0) return [];
  const taken = await session.docker.takenPorts();
  return takenPortErrors(plan, wanted, taken).map((message) => ({ level: 'error', area: 'ports', host, message }));
}

const platforms: Readonly<Record<string, string>> = {
  x86_64: 'linux/amd64',
  amd64: 'linux/amd64',
  aarch64: 'linux/arm64',
  arm64: 'linux/arm64',
  armv7l: 'linux/arm/v7',
  ppc64le: 'linux/ppc64le',
  s390x: 'linux/s390x',
  riscv64: 'linux/riscv64',
};

/** Images whose registry has none for the host's kind of machine; what else the registry says is told elsewhere. */
async function platformFindings(
  { host, info }: HostAnswers,
  { services }: HostDesired,
  images: FleetInput['images'],
): Promise<readonly Finding[]> {
  const own = platforms[String(info['Architecture'])];
  const found = await Promise.all(
    services.map(async ({ image, spec }) => {
      const platform = typeof spec['platform'] === 'string' ? spec['platform'] : own;
      return platform === undefined ? undefined : lacksPlatform(image, platform, images);
    }),
  );
  const lacks = new Map(found.flatMap((error) => (error === undefined ? [] : [[error.message, error] as const])));
  return [...lacks.values()].map(({ message, hint }) => ({
    level: 'error',
    area: 'registry',
    host,
    message,
    ...(hint === undefined ? {} : { fix: hint }),
  }));
}

async function lacksPlatform(
  image: ImageRef,
  platform: string,
  images: FleetInput['images'],
): Promise<RegistryError | undefined> {
  try {
    await images.assertPlatform(image, platform);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return error.kind === 'platform_missing' ? error : undefined;
  }
}
