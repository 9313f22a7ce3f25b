import pLimit from 'p-limit';
import { checkupCommand, loginCommand, parseCheckup, parseLogin, trickyWord } from '../docker/checkup.ts';
import { DockerError } from '../docker/errors.ts';
import { RegistryError } from '../docker/registry-error.ts';
import { FailedReading, UnreadableAnswer } from '../docker/unreadable.ts';
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
import type { FleetReader } from './look.ts';
import { assertForwarding } from './probe.ts';
import type { HostSession } from './session.ts';

type ReadHost = Extract<HostFinding, { kind: 'read' }>;

/** Everything that a run will need of every host and balancer, asked of all at once; nothing is changed. */
export async function examineFleet(
  reader: FleetReader,
  input: FleetInput,
  context: RunContext,
): Promise<readonly Finding[]> {
  const { plays } = input.playbook;
  const looks = await reader.look();
  const limit = pLimit(context.forks);
  const hosts = new Map(plays.flatMap((play) => play.hosts.map((host) => [host.name, host] as const)));
  const ofHosts = await Promise.all(
    [...hosts.values()].map((host) => limit(() => examineHost(host, looks, { reader, input, context }))),
  );
  const ofBalancers = looks.flatMap((look) => {
    const play = plays.find(({ name }) => name === look.play);
    return balancerFindings(look, play !== undefined && hasGate(play));
  });
  return [...ofHosts.flat(), ...ofBalancers];
}

interface Means {
  readonly reader: FleetReader;
  readonly input: FleetInput;
  readonly context: RunContext;
}

async function examineHost(host: Host, looks: readonly PlayFinding[], means: Means): Promise<readonly Finding[]> {
  const found = looks.flatMap(({ hosts }) => hosts.filter((each) => each.host === host.name));
  const [first] = found;
  // A host in several plays is away from all of them.
  if (first?.kind === 'unreachable') return lookFindings(first);
  const read = found.filter((each): each is ReadHost => each.kind === 'read');
  const session = await means.reader.session(host);
  const parts = await Promise.all([
    gathered(host, async () => {
      const answers = await answersOf(session, means.context);
      const desired = read.map((each) => each.desired);
      const ofPlatforms = desired.map((each) => platformFindings(answers, each, means));
      return [...hostFindings(answers, desired), ...(await Promise.all(ofPlatforms)).flat()];
    }),
    ...read.map((each) => gathered(host, () => forwardingFindings(each, session))),
    ...read.map((each) => gathered(host, () => portFindings(each, session))),
  ]);
  return [
    ...new Map([...read.flatMap(lookFindings), ...parts.flat()].map((each) => [JSON.stringify(each), each])).values(),
  ];
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

async function answersOf(session: HostSession, { clock }: RunContext): Promise<HostAnswers> {
  const { docker, remote, host } = session;
  const askedMs = clock.now();
  const [checkup, login, room] = await Promise.all([
    docker.run(checkupCommand).then(({ stdout }) => ({ ...parsedCheckup(host, stdout), answeredMs: clock.now() })),
    remote.exec(loginCommand, { timeoutMs: loginLimitMs, withoutBecome: true }),
    docker.room(),
  ]);
  const { word, shell, noise } = parseLogin(login.stdout);
  const { timeMs, answeredMs, info, missingTools } = checkup;
  return {
    host: host.name,
    // It was read at some moment in between, and to the second.
    skewMs: timeMs > answeredMs ? timeMs - answeredMs : Math.min(0, timeMs + 1000 - askedMs),
    info,
    missingTools,
    login: { isWordWhole: word === trickyWord, shell, noise },
    room,
  };
}

const loginLimitMs = 20_000;

function parsedCheckup(host: Host, stdout: string): ReturnType<typeof parseCheckup> {
  try {
    return parseCheckup(stdout);
  } catch (error) {
    if (error instanceof FailedReading)
      throw DockerError.ofReading(host.name, checkupCommand, error.exitCode, error.stderr);
    if (error instanceof UnreadableAnswer) throw DockerError.unreadable(host.name, checkupCommand, error.message);
    throw error;
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
  { input }: Means,
): Promise<readonly Finding[]> {
  const own = platforms[String(info['Architecture'])];
  const found = await Promise.all(
    services.map(async ({ image, spec }) => {
      const platform = typeof spec['platform'] === 'string' ? spec['platform'] : own;
      return platform === undefined ? undefined : lacksPlatform(image, platform, input);
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
  { images }: FleetInput,
): Promise<RegistryError | undefined> {
  try {
    await images.assertPlatform(image, platform);
    return undefined;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return error.kind === 'platform_missing' ? error : undefined;
  }
}
