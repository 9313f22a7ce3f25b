import { pinnedImage, type ImageRef } from '../model/image.ts';
import type { RegistryCredentials } from '../model/play.ts';
import type { NetworkSpec, Service, VolumeSpec } from '../model/service.ts';
import { filesFolder } from '../service/keys/mounts.ts';
import { networkOptions, volumeOptions } from '../service/resources.ts';
import type { ExecOptions, ExecResult, Remote } from '../ssh/remote.ts';
import {
  type Argv,
  createNetworkCommand,
  createVolumeCommand,
  inspectNetworksCommand,
  inspectCommand,
  inspectVolumeCommand,
  logsCommand,
  observeCommand,
  pullCommand,
  pullWithConfigCommand,
  surveyCommand,
  unpauseCommand,
  type Wanted,
} from './commands.ts';
import { stepsCommand } from './step-script.ts';
import { checkupCommand, parseCheckup, type Checkup } from './checkup.ts';
import { createOptions } from './create.ts';
import { clientConfig } from './docker-config.ts';
import { DockerError } from './errors.ts';
import { mergeLogs } from './logs.ts';
import { countSteps, parseContainers, parseLook, parseObserved, parseSurvey } from './observe.ts';
import type { Container, Observed, Room, Survey } from './observed.ts';
import { makeContainer } from './make-container.ts';
import { removeCommand, removeUnstartedCommand, removeWithVolumesCommand } from './patient.ts';
import { withoutProgress } from './pull-output.ts';
import { parseRoom, roomCommand } from './room.ts';
import { FailedReading, UnreadableAnswer } from './unreadable.ts';
import { parseTakenPorts, takenPortsCommand, type TakenPort } from './taken-ports.ts';
import { changeTimeoutMs, hungStep, type Step } from './steps.ts';
import { sweepFilesCommand } from './sweep.ts';

const readTimeoutMs = 60_000;
const pullTimeoutMs = 30 * 60_000;

/** Of a script of steps, which prints a number for each, and the documents of a few containers. */
export const mostStepBytes = 1 << 20;

/** Of what a pull prints: it is read as it comes. */
export const mostPullBytes = 1 << 16;

interface PullOptions {
  readonly platform?: string | undefined;
  /** Ends the pull: nothing of it goes on. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (chunk: Buffer) => void;
}

/** Hears of a step, by its index, as it ends. */
type OnDone = (index: number) => void;

/**
 * Docker on one host, through its connection: a method is a command. Each rejects with a {@link DockerError} when
 * docker refuses, and with a RemoteError when the connection is lost or the command takes too long.
 */
export class Docker {
  readonly #remote: Remote;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  /** The host as it is, whatever is wanted of it. */
  async survey(): Promise<Survey> {
    return this.readSurvey((await this.run(surveyCommand)).stdout);
  }

  /** The same, from what {@link surveyCommand} has printed. */
  readSurvey(stdout: string): Survey {
    return this.#parsed(surveyCommand, () => parseSurvey(stdout));
  }

  /** What else {@link checkupCommand} has printed. */
  readCheckup(stdout: string): Checkup {
    return this.#parsed(checkupCommand, () => parseCheckup(stdout));
  }

  /** Everything that a plan needs of the host, in one round trip. */
  async observe(wanted: Wanted): Promise<Observed> {
    return this.readObserved((await this.run(observeCommand(wanted))).stdout, wanted);
  }

  /** The same, from what {@link observeCommand} has printed. */
  readObserved(stdout: string, wanted: Wanted): Observed {
    return this.#parsed(observeCommand(wanted), () => parseObserved(stdout, wanted));
  }

  /** Ports of the host that are in use, whoever has them. */
  async takenPorts(): Promise<readonly TakenPort[]> {
    const { stdout } = await this.run(takenPortsCommand);
    return this.#parsed(takenPortsCommand, () => parseTakenPorts(stdout));
  }

  /** Containers by name, as they are now; those that are not there are left out. */
  async inspect(names: readonly string[]): Promise<ReadonlyMap<string, Container>> {
    if (names.length === 0) return new Map();
    const argv = inspectCommand(names);
    const result = await this.#remote.exec(argv, { timeoutMs: readTimeoutMs });
    return this.#parsed(argv, () => parseContainers(result, names));
  }

  /**
   * Brings an image. Credentials reach the host on stdin, for as long as the pull takes. `onProgress` hears what docker
   * prints meanwhile.
   */
  async pull(
    image: ImageRef,
    credentials?: RegistryCredentials,
    { platform, signal, onProgress }: PullOptions = {},
  ): Promise<void> {
    const name = pinnedImage(image);
    const { username, password, registry = '' } = credentials ?? {};
    const hasLogin = username !== undefined && password !== undefined;
    const argv = (hasLogin ? pullWithConfigCommand : pullCommand)(name, platform);
    const result = await this.#remote.exec(argv, {
      timeoutMs: pullTimeoutMs,
      maxOutputBytes: mostPullBytes,
      onOutput: (chunk, stream) => stream === 'stdout' && onProgress?.(chunk),
      ...(signal === undefined ? {} : { signal }),
      ...(hasLogin ? { stdin: clientConfig(registry, username, password.reveal()) } : {}),
    });
    if (result.exitCode === 0) return;
    throw new DockerError(this.#remote.host, argv, result.exitCode, result.stderr || withoutProgress(result.stdout));
  }

  /** Creates the container under a name of the caller's, connected to all its networks, not started. Resolves to its id. */
  create(service: Service, container: string, labels: Readonly<Record<string, string>>): Promise<string> {
    return makeContainer(this, this.#remote.host, { service, container, labels });
  }

  /** The same long before anybody needs it, with the lowest priority. */
  createAhead(service: Service, container: string, labels: Readonly<Record<string, string>>): Promise<string> {
    return makeContainer(this, this.#remote.host, { service, container, labels, isAhead: true });
  }

  /**
   * Carries out steps one after the other, and looks at the containers of `look` when they have ended, all in one round
   * trip. `onDone` hears the index of each as it ends. Resolves to the containers that were found, by name; undefined
   * where nobody asked, or where they could not be read: that is no failure of a step.
   * @throws DockerError of the first that fails; those behind it are not begun.
   */
  async carryOut(
    steps: readonly Step[],
    { look = [], onDone = () => undefined }: { readonly look?: readonly string[]; readonly onDone?: OnDone } = {},
  ): Promise<ReadonlyMap<string, Container> | undefined> {
    if (steps.length === 0) return undefined;
    let done = 0;
    const report = (count: number): void => {
      for (; done < count; done += 1) onDone(done);
    };
    const timeoutMs = steps.reduce((sumMs, step) => sumMs + step.timeoutMs, look.length === 0 ? 0 : readTimeoutMs);
    const argv = stepsCommand(
      steps.map((step) => step.argv),
      look,
    );
    const onStdout = (text: string): void => report(Math.min(countSteps(text), steps.length));
    const running = this.#remote.exec(argv, { timeoutMs, onStdout, maxOutputBytes: mostStepBytes });
    const result = await running.catch((error: unknown) => {
      throw hungStep(error, steps[done], timeoutMs) ?? error;
    });
    if (result.exitCode !== 0) {
      onStdout(result.stdout);
      throw new DockerError(this.#remote.host, steps[done]?.argv ?? [], result.exitCode, result.stderr);
    }
    report(steps.length);
    return parseLook(result.stdout, look);
  }

  /** Removes a container, running or not, and none of its volumes: what is in them may be all there is. One that is not there is removed already. */
  async remove(container: string): Promise<void> {
    await this.run(removeCommand(container), { timeoutMs: changeTimeoutMs });
  }

  /** A container that was made for one task, with the anonymous volumes that only it had. */
  async removeWithVolumes(container: string): Promise<void> {
    await this.run(removeWithVolumesCommand(container), { timeoutMs: changeTimeoutMs });
  }

  /** One that was made and never started, with the anonymous volumes that were made for it. */
  async removeUnstarted(container: string): Promise<void> {
    await this.run(removeUnstartedCommand(container), { timeoutMs: changeTimeoutMs });
  }

  /** One that goes on already is as good. */
  async unpause(container: string): Promise<void> {
    await this.run(unpauseCommand(container), { timeoutMs: changeTimeoutMs }).catch(async (error: unknown) => {
      if (!(error instanceof DockerError)) throw error;
      const found = (await this.inspect([container])).get(container);
      if (found === undefined || found.state.status === 'paused') throw error;
    });
  }

  /** What is free in docker's folder; undefined where the host cannot tell. */
  async room(): Promise<Room | undefined> {
    return parseRoom((await this.run(roomCommand)).stdout);
  }

  /**
   * Removes the files of configs and secrets that no container of the host mounts any more; those that a container of
   * `services` would mount at once, others only when they are not new.
   */
  async sweepFiles(services: readonly Service[] = []): Promise<void> {
    const own = services.flatMap((service) => createOptions(service).files.map(({ path }) => path));
    await this.run(sweepFilesCommand(filesFolder, own), { timeoutMs: changeTimeoutMs });
  }

  /** The container's last lines, stdout and stderr in the order they were written, oldest first. */
  async logs(container: string, lines: number): Promise<readonly string[]> {
    const { stdout, stderr } = await this.run(logsCommand(container, lines));
    return mergeLogs(stdout, stderr).slice(-lines);
  }

  /** A network that somebody else made in the meantime is as good. */
  async createNetwork(network: NetworkSpec): Promise<void> {
    const isPresent = inspectNetworksCommand([network.name]);
    await this.#createUnlessPresent(createNetworkCommand(network.name, networkOptions(network)), isPresent);
  }

  async createVolume(volume: VolumeSpec): Promise<void> {
    const isPresent = inspectVolumeCommand(volume.name);
    await this.#createUnlessPresent(createVolumeCommand(volume.name, volumeOptions(volume)), isPresent);
  }

  /** Any command on the host. @throws DockerError for an exit code other than 0. */
  async run(argv: Argv, options: ExecOptions = {}): Promise<ExecResult> {
    const result = await this.#remote.exec(argv, { timeoutMs: readTimeoutMs, ...options });
    if (result.exitCode !== 0) {
      throw new DockerError(this.#remote.host, argv, result.exitCode, result.stderr || result.stdout);
    }
    return result;
  }

  /** @throws DockerError in docker's words, or `unreadable`: a wrapper in docker's place, or an answer that was broken off. */
  #parsed<T>(argv: Argv, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      const { host } = this.#remote;
      if (error instanceof FailedReading) throw DockerError.ofReading(host, argv, error.exitCode, error.stderr);
      if (error instanceof UnreadableAnswer) throw DockerError.unreadable(host, argv, error.message);
      throw error;
    }
  }

  async #createUnlessPresent(argv: Argv, isPresent: Argv): Promise<void> {
    await this.run(argv, { timeoutMs: changeTimeoutMs }).catch(async (error: unknown) => {
      if (!(error instanceof DockerError)) throw error;
      const { exitCode, stdout } = await this.#remote.exec(isPresent, { timeoutMs: readTimeoutMs });
      if (exitCode !== 0 || stdout.trim() !== isPresent.at(-1)) throw error;
    });
  }
}
