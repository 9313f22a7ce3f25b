import { pinnedImage } from '../model/image.ts';
import type { Service } from '../model/service.ts';
import type { ExecOptions, ExecResult } from '../ssh/remote.ts';
import {
  type Argv,
  connectCommand,
  createAheadCommand,
  createCommand,
  createWithEnvFileCommand,
  inspectNetworksCommand,
  writeFileCommand,
} from './commands.ts';
import { createOptions } from './create.ts';
import { DockerError } from './errors.ts';
import { labels as labelNames } from './names.ts';
import { changeTimeoutMs } from './steps.ts';

/** What making a container needs of docker on a host. */
interface Maker {
  run(argv: Argv, options?: ExecOptions): Promise<ExecResult>;
  remove(container: string): Promise<void>;
}

interface Making {
  readonly service: Service;
  /** The name that it gets. */
  readonly container: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Nobody waits for it. */
  readonly isAhead?: boolean;
}

/** Creates a container, connected to all its networks, not started. Resolves to its id. @throws DockerError, RemoteError */
export async function makeContainer(
  docker: Maker,
  host: string,
  { service, container, labels, isAhead = false }: Making,
): Promise<string> {
  const { options, words, envFile, secretNames, networks, connect, files } = createOptions(service);
  // Docker itself would notice a missing network only at the start, when the old container has stopped.
  if (networks.length > 0) await assertNetworks(docker, host, networks);
  for (const { path, content, mode, uid, gid } of files) {
    const stdin = typeof content === 'string' ? content : content.reveal();
    await docker.run(writeFileCommand(path, mode, `${uid}:${gid}`), { stdin, timeoutMs: changeTimeoutMs });
  }
  const secrets = secretNames.length === 0 ? {} : { [labelNames.secrets]: secretNames.join(',') };
  const labelOptions = Object.entries({ ...labels, ...secrets }).map(([name, value]) => `--label=${name}=${value}`);
  const command = isAhead ? createAheadCommand : envFile === '' ? createCommand : createWithEnvFileCommand;
  const argv = command(container, [...options, ...labelOptions], pinnedImage(service.image), words);
  const { stdout } = await docker.run(argv, { stdin: envFile, timeoutMs: changeTimeoutMs });
  const id = stdout.trim().split('\n').at(-1) ?? '';
  if (!/^[0-9a-f]{64}$/.test(id)) {
    const message = `docker create ended without an error and printed no container's id; is there a wrapper in its place?`;
    throw new DockerError(host, argv, 0, message);
  }
  try {
    for (const { network, options: settings } of connect) {
      await docker.run(connectCommand(network, id, settings), { timeoutMs: changeTimeoutMs });
    }
  } catch (error) {
    // Half a container is none: what it could not join is the error, whatever removing it says.
    await docker.remove(id).catch(() => undefined);
    throw error;
  }
  return id;
}

/** @throws DockerError for one that is not there, or of which docker does not say that it is */
async function assertNetworks(docker: Maker, host: string, names: readonly string[]): Promise<void> {
  const argv = inspectNetworksCommand(names);
  const { stdout } = await docker.run(argv);
  const found = stdout.split(/\s+/);
  const unknown = names.filter((name) => !found.includes(name));
  if (unknown.length === 0) return;
  const message = `docker says neither that network ${unknown.join(', ')} is there nor that it is not`;
  throw DockerError.unreadable(host, argv, message);
}
