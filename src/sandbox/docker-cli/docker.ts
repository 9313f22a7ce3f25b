import { DaemonError, DaemonStopped } from '../docker/errors.ts';
import type { Login } from '../registry/image-source.ts';
import { containerCommands } from './container-commands.ts';
import type { DockerCommand, DockerContext } from './context.ts';
import { UsageError } from './flags.ts';
import { imageCommands } from './image-commands.ts';
import { inspectCommands } from './inspect-commands.ts';
import { listCommands } from './list-commands.ts';
import { networkCommands, volumeCommands } from './network-commands.ts';
import { systemCommands } from './system-commands.ts';

const commands: ReadonlyMap<string, DockerCommand> = new Map([
  ...Object.entries(containerCommands),
  ...Object.entries(imageCommands),
  ...Object.entries(inspectCommands),
  ...Object.entries(listCommands),
  ...Object.entries(networkCommands),
  ...Object.entries(volumeCommands),
  ...Object.entries(systemCommands),
]);

/** Long and short names of the same command. */
const aliases: Readonly<Record<string, string>> = {
  'container ls': 'ps',
  'container list': 'ps',
  'container ps': 'ps',
  'image ls': 'images',
  'image list': 'images',
  'image pull': 'pull',
  'image rm': 'rmi',
  'image tag': 'tag',
  'network list': 'network ls',
  'network remove': 'network rm',
  'volume list': 'volume ls',
  'volume remove': 'volume rm',
  'system info': 'info',
  'system events': 'events',
};

const groups = ['container', 'image', 'network', 'volume', 'system'];

/** Runs `docker ARGV` (without the word docker) as a 20.10 client and daemon would; resolves to its exit code. */
export async function runDocker(context: DockerContext, argv: readonly string[]): Promise<number> {
  try {
    const { words, loginsOf } = globalOptions(argv);
    const { command, args } = find(words);
    await context.engine.roundTrip();
    const logins = loginsOf === undefined ? context.logins : parseDockerConfig(context.readFile(loginsOf) ?? '{}');
    const stdinText = args.some((word) => word.endsWith('/dev/stdin'))
      ? (await context.readStdin()).toString()
      : undefined;
    return await command({ ...context, logins, stdinText }, args);
  } catch (error) {
    if (error instanceof UsageError) {
      context.stderr(`${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof DaemonStopped) {
      context.stderr(`${daemonIsDown}\n`);
      return 1;
    }
    if (error instanceof DaemonError) {
      context.stderr(`Error response from daemon: ${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

const daemonIsDown =
  'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?';

/** `--config DIR`, and `-H` which every host has its own of. */
function globalOptions(argv: readonly string[]): { words: readonly string[]; loginsOf: string | undefined } {
  let loginsOf: string | undefined;
  let at = 0;
  for (; argv[at]?.startsWith('-') === true; at += 2) {
    if (argv[at] === '--config') loginsOf = `${argv[at + 1] ?? ''}/config.json`;
    else if (argv[at] !== '-H' && argv[at] !== '--host') {
      throw new UsageError(`unknown flag: ${argv[at] ?? ''}\nSee 'docker --help'.`, 125);
    }
  }
  return { words: argv.slice(at), loginsOf };
}

function find(words: readonly string[]): { command: DockerCommand; args: readonly string[] } {
  const [first = '', second = ''] = words;
  const isGroup = groups.includes(first);
  const written = isGroup ? `${first} ${second}` : first;
  const args = words.slice(isGroup ? 2 : 1);
  const command =
    commands.get(aliases[written] ?? written) ?? (first === 'container' ? commands.get(second) : undefined);
  if (command === undefined) {
    throw new UsageError(
      isGroup
        ? `docker ${first}: '${second}' is not imitated by the sandbox.\nSee 'docker ${first} --help'`
        : `docker: '${first}' is not a docker command, or not imitated by the sandbox.\nSee 'docker --help'`,
      1,
    );
  }
  return { command, args };
}

/** The logins of a client's config.json. */
export function parseDockerConfig(text: string): ReadonlyMap<string, Login> {
  const config = JSON.parse(text) as { auths?: Record<string, { auth?: string }> };
  return new Map(
    Object.entries(config.auths ?? {}).map(([registry, { auth = '' }]): [string, Login] => {
      const [username = '', ...password] = Buffer.from(auth, 'base64').toString().split(':');
      return [registry, { username, password: password.join(':') }];
    }),
  );
}
