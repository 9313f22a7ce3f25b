import type { Container } from '../docker/container.ts';
import { missingExec } from '../docker/missing-program.ts';
import { signalName } from '../docker/signals.ts';
import { DaemonError, NotFoundError } from '../docker/errors.ts';
import { parseImageRef } from '../../model/image.ts';
import { timestamp } from '../timing.ts';
import { interactiveShell } from '../terminal/interactive-shell.ts';
import type { DockerCommand, DockerContext } from './context.ts';
import { parseCreate } from './create-options.ts';
import { moment } from './moment.ts';
import { parseFlags, UsageError } from './flags.ts';
import { pullImage } from './image-commands.ts';
import { limitFlags, parseLimits } from './limits.ts';
import { parseInteger } from './quantities.ts';
import { byClient, forEachReference, requireArguments } from './references.ts';

const defaultGraceSeconds = 10;

const create: DockerCommand = async (context, argv) => {
  const request = parseCreate(argv, context.machine.cpus, (path) =>
    path === '/dev/stdin' ? context.stdinText : context.readFile(path),
  );
  const { spec } = request;
  if (parseImageRef(spec.image) === undefined && context.engine.images.find(spec.image) === undefined) {
    throw new UsageError('invalid reference format', 1);
  }
  for (const warning of request.warnings) context.stderr(`${warning}\n`);
  const isPresent = context.engine.images.find(spec.image) !== undefined;
  if (request.pull === 'always' || (!isPresent && request.pull === 'missing')) {
    if (!isPresent) context.stderr(`Unable to find image '${spec.image}' locally\n`);
    await pullImage(context, spec.image, (line) => context.stderr(`${line}\n`));
  }
  const container = await context.engine.create(spec);
  context.stdout(`${container.id}\n`);
  return 0;
};

const start: DockerCommand = async (context, argv) => {
  const flags = parseFlags('start', argv, { booleans: ['attach:a', 'interactive:i'] });
  const { args } = flags;
  requireArguments('start', args);
  if (flags.isSet('attach')) return attach(context, context.engine.container(args[0] ?? ''));
  const failed = await forEachReference(context, args, async (reference) => {
    await context.engine.container(reference).start();
    return reference;
  });
  if (failed.length > 0) context.stderr(`Error: failed to start containers: ${failed.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
};

/** What it prints from its start to its end, whose exit code it is. */
async function attach(context: DockerContext, container: Container): Promise<number> {
  await container.start();
  const exitCode = await container.wait(context.signal);
  for (const { stream, text } of container.log.tail(undefined)) context[stream](`${text}\n`);
  return exitCode;
}

const stop: DockerCommand = async (context, argv) => {
  const flags = parseFlags('stop', argv, { values: ['time:t'] });
  requireArguments('stop', flags.args);
  const failed = await forEachReference(context, flags.args, async (reference) => {
    const container = context.engine.container(reference);
    await container.stop(graceMs(container, flags.get('time')));
    return reference;
  });
  return failed.length === 0 ? 0 : 1;
};

const restart: DockerCommand = async (context, argv) => {
  const flags = parseFlags('restart', argv, { values: ['time:t'] });
  requireArguments('restart', flags.args);
  const failed = await forEachReference(context, flags.args, async (reference) => {
    const container = context.engine.container(reference);
    await container.stop(graceMs(container, flags.get('time')));
    await container.start();
    return reference;
  });
  return failed.length === 0 ? 0 : 1;
};

const kill: DockerCommand = async (context, argv) => {
  const flags = parseFlags('kill', argv, { values: ['signal:s'] });
  requireArguments('kill', flags.args);
  const failed = await forEachReference(context, flags.args, async (reference) => {
    await context.engine.container(reference).kill(signalName(flags.get('signal') ?? 'SIGKILL'));
    return reference;
  });
  return failed.length === 0 ? 0 : 1;
};

const freezer =
  (verb: 'pause' | 'unpause'): DockerCommand =>
  async (context, argv) => {
    const { args } = parseFlags(verb, argv, {});
    requireArguments(verb, args);
    const failed = await forEachReference(context, args, (reference) => {
      context.engine.container(reference)[verb]();
      return reference;
    });
    return failed.length === 0 ? 0 : 1;
  };

const rename: DockerCommand = (context, argv) => {
  const { args } = parseFlags('rename', argv, {});
  const [from, to] = args;
  if (from === undefined || to === undefined || args.length > 2) {
    throw new UsageError('"docker rename" requires exactly 2 arguments.\nSee \'docker rename --help\'.', 1);
  }
  try {
    context.engine.rename(from, to);
    return Promise.resolve(0);
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    context.stderr(`Error response from daemon: ${error.message}\nError: failed to rename container named ${from}\n`);
    return Promise.resolve(1);
  }
};

const rm: DockerCommand = async (context, argv) => {
  const flags = parseFlags('rm', argv, { booleans: ['force:f', 'volumes:v'] });
  requireArguments('rm', flags.args);
  const options = { force: flags.isSet('force'), volumes: flags.isSet('volumes') };
  let areMissing = 0;
  const failed = await forEachReference(
    context,
    flags.args,
    async (reference) => {
      await context.engine.remove(reference, options);
      return reference;
    },
    (error) => {
      if (error instanceof NotFoundError) areMissing += 1;
      return byClient(error);
    },
  );
  // Docker: what is missing is no failure of `rm --force`.
  return failed.length - (options.force ? areMissing : 0) === 0 ? 0 : 1;
};

const update: DockerCommand = async (context, argv) => {
  const flags = parseFlags('update', argv, { values: limitFlags });
  requireArguments('update', flags.args);
  if (flags.names.length === 0) throw new UsageError('you must provide one or more flags when using this command', 1);
  const failed = await forEachReference(context, flags.args, (reference) => {
    const container = context.engine.container(reference);
    const wanted = { ...container.hostConfig, ...parseLimits(flags, context.machine.cpus) };
    requireSwapAboveMemory(container, Number(wanted['Memory'] ?? 0), flags.has('memory-swap'));
    container.update(wanted);
    return reference;
  });
  return failed.length === 0 ? 0 : 1;
};

function requireSwapAboveMemory(container: Container, memoryBytes: number, isSwapGiven: boolean): void {
  const limited = Number(container.hostConfig['Memory'] ?? 0);
  const swapBytes = Number(container.hostConfig['MemorySwap'] ?? limited * 2);
  if (isSwapGiven || swapBytes <= 0 || memoryBytes <= swapBytes) return;
  throw new DaemonError(
    `Cannot update container ${container.id}: Memory limit should be smaller than already set memoryswap limit, ` +
      'update the memoryswap at the same time',
  );
}

const wait: DockerCommand = async (context, argv) => {
  const { args } = parseFlags('wait', argv, {});
  requireArguments('wait', args);
  const failed = await forEachReference(context, args, async (reference) =>
    String(await context.engine.container(reference).wait(context.signal)),
  );
  return failed.length === 0 ? 0 : 1;
};

const exec: DockerCommand = async (context, argv) => {
  const flags = parseFlags('exec', argv, {
    optionsFirst: true,
    booleans: ['interactive:i', 'tty:t', 'detach:d', 'privileged'],
    values: ['env:e', 'user:u', 'workdir:w'],
  });
  requireArguments('exec', flags.args, 2);
  const [reference = '', ...command] = flags.args;
  const container = context.engine.findContainer(reference);
  if (container === undefined) throw new UsageError(`Error: No such container: ${reference}`, 1);
  if (container.status !== 'running') throw new DaemonError(`Container ${container.id} is not running`);
  if (flags.isSet('tty')) {
    if (context.terminal === undefined) throw new UsageError('the input device is not a TTY', 1);
    if (command.length === 1 && /^(?:\/bin\/)?sh$/.test(command[0] ?? ''))
      return interactiveShell(context.terminal, (words, signal) => execOne({ ...context, signal }, container, words));
  }
  return execOne(context, container, command);
};

async function execOne(context: DockerContext, container: Container, command: readonly string[]): Promise<number> {
  const result = await container.exec(command, context.signal);
  if (result === undefined) {
    // It is the container's own runtime that speaks, so on stdout.
    context.stdout(`${missingExec(command[0] ?? '')}\r\n`);
    return 126;
  }
  context.stdout(result.stdout);
  context.stderr(result.stderr);
  return result.exitCode;
}

const logs: DockerCommand = async (context, argv) => {
  const flags = parseFlags('logs', argv, {
    booleans: ['follow:f', 'timestamps:t'],
    values: ['tail:n', 'since', 'until'],
  });
  const [reference = ''] = flags.args;
  const container = context.engine.findContainer(reference);
  if (container === undefined) throw new UsageError(`Error: No such container: ${reference}`, 1);
  if ((container.hostConfig['LogConfig'] as { readonly Type?: string } | undefined)?.Type === 'none')
    throw new UsageError('Error response from daemon: configured logging driver does not support reading', 1);
  const tail = flags.get('tail') ?? 'all';
  const print = ({ atMs, stream, text }: { atMs: number; stream: 'stdout' | 'stderr'; text: string }) =>
    context[stream](`${flags.isSet('timestamps') ? `${timestamp(atMs)} ` : ''}${text}\n`);
  const nowMs = context.engine.clock.now();
  const [sinceMs = -Infinity, untilMs = Infinity] = ['since', 'until'].map((name) => {
    const text = flags.get(name);
    return text === undefined ? undefined : moment(text, nowMs);
  });
  const lines = container.log
    .tail(tail === 'all' ? undefined : parseInteger(tail, '--tail'))
    .filter(({ atMs }) => atMs >= sinceMs && atMs <= untilMs);
  for (const line of lines) print(line);
  if (flags.isSet('follow') && container.running) await follow(context, container, print);
  return 0;
};

async function follow(
  context: DockerContext,
  container: Container,
  print: Parameters<Container['log']['follow']>[0],
): Promise<void> {
  const unfollow = container.log.follow(print);
  const killed = new Promise<void>((resolve) =>
    context.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([killed, context.stdinEnded, container.wait(context.signal)]);
  unfollow();
}

export const containerCommands = {
  create,
  start,
  stop,
  restart,
  kill,
  pause: freezer('pause'),
  unpause: freezer('unpause'),
  rename,
  rm,
  update,
  wait,
  exec,
  logs,
};

function graceMs(container: Container, seconds: string | undefined): number {
  const own = container.spec.config['StopTimeout'];
  const graceSeconds =
    seconds === undefined ? (typeof own === 'number' ? own : defaultGraceSeconds) : parseInteger(seconds, '--time');
  return graceSeconds * 1000;
}
