import { parseDockerConfig, runDocker } from '../docker-cli/docker.ts';
import type { CommandIo } from '../docker-cli/context.ts';
import { containerDocument } from '../docker/document.ts';
import { imageDocument } from '../docker/image-document.ts';
import { formatPart } from '../../shell/parts.ts';
import { slept } from '../timing.ts';
import { checkup, login, sandboxRoom } from './checkup.ts';
import { lock } from './host-lock-script.ts';
import { recall } from './kept-notes.ts';
import type { HostMachine } from './machine.ts';

type Script = (machine: HostMachine, io: CommandIo, args: readonly string[], text: string) => Promise<number>;

/** The scripts that rollout runs on hosts, by their `$0`. Each does what its text says, without a shell. */
const scripts: Readonly<Record<string, Script>> = {
  'rollout-survey': survey,
  'rollout-observe': observe,
  'rollout-ports': takenPorts,
  'rollout-steps': steps,
  'rollout-update': patient(['update'], { seconds: 10, looks: 8, mayBeGone: false }),
  'rollout-remove': patient(['rm', '--force'], { seconds: 30, looks: Infinity, mayBeGone: true }),
  'rollout-remove-unstarted': patient(['rm'], { seconds: 10, looks: 4, mayBeGone: true }),
  'rollout-room': room,
  'rollout-pull': pull,
  'rollout-bring': (machine, io, [program = '', ...words]) => runStep(machine, io, program, words),
  'rollout-create': create,
  'rollout-create-ahead': create,
  'rollout-file': writeFile,
  'rollout-sweep': sweepFiles,
  'rollout-lock': (machine, io, args) => lock(machine, io, sections(args), runStep),
  'rollout-peek': peek,
  'rollout-recall': recall,
  'rollout-logs': (machine, io, args) =>
    dockerOf(machine, { ...io, stderr: (text) => io.stdout(text) }, ['logs', ...args]),
  'rollout-login': (_machine, io) => login(io),
  'rollout-checkup': (machine, io, args) => {
    checkup(io, args);
    return survey(machine, io);
  },
};

/** Runs `sh -c TEXT NAME ARGS…`; resolves to its exit code. */
export function runScript(
  machine: HostMachine,
  io: CommandIo,
  name: string,
  text: string,
  args: readonly string[],
): Promise<number> {
  const script = scripts[name];
  if (script !== undefined) return script(machine, io, args, text);
  io.stderr(`sandbox: no script ${name}; known are ${Object.keys(scripts).join(', ')}\n`);
  return Promise.resolve(127);
}

export const dockerContext = (machine: HostMachine, io: CommandIo) => ({
  ...io,
  engine: machine.engine,
  machine: { cpus: machine.cpus, memoryBytes: machine.memoryBytes },
  logins: new Map(),
  readFile: (path: string) => machine.files.get(path)?.toString(),
  stdinText: undefined,
});

/**
 * `rollout-steps COUNT NAME… COUNT WORD… COUNT WORD…`: commands up to the first that fails, and the number of each that
 * has ended; then the documents of the containers that are named first.
 */
async function steps(machine: HostMachine, io: CommandIo, args: readonly string[]): Promise<number> {
  let step = 0;
  const first = 1 + Number(args[0]);
  for (let at = first; at < args.length;) {
    const end = at + 1 + Number(args[at]);
    const [program = '', ...words] = args.slice(at + 1, end);
    let said = '';
    const quiet = { ...io, stdout: () => {}, stderr: (text: string) => void (said += text) };
    const exitCode = await runStep(machine, quiet, program, words);
    if (exitCode !== 0) {
      io.stderr(said);
      return exitCode;
    }
    if (io.isHungUp()) return brokenPipe;
    step += 1;
    io.stdout(`${step}\n`);
    at = end;
  }
  const look = args.slice(1, first);
  if (look.length > 0) await part(machine, io, 'look', ['container', 'inspect', '--', ...look]);
  return 0;
}

/** A docker command, or a script of one. */
async function runStep(machine: HostMachine, io: CommandIo, program: string, words: readonly string[]) {
  const [, text = '', name = '', ...args] = words;
  if (program === 'sh') return runScript(machine, io, name, text, args);
  return dockerOf(machine, io, words);
}

const askAgainMs = 200;

/** How long docker is asked again for what it refuses, and after how many looks at a container that stays as it is. */
interface Patience {
  readonly seconds: number;
  readonly looks: number;
  /** Whether a container that is gone is what was asked for. */
  readonly mayBeGone: boolean;
}

/** A docker command that is asked again as long as its container, the last word, changes or goes. */
function patient(words: readonly string[], { seconds, looks, mayBeGone }: Patience): Script {
  return async (machine, io, args) => {
    const endMs = machine.clock.now() + seconds * 1000;
    for (let same = 0, last = ''; ;) {
      let said = '';
      const quiet = { ...io, stdout: () => {}, stderr: (text: string) => void (said += text) };
      const exitCode = await dockerOf(machine, quiet, [...words, ...args]);
      if (exitCode === 0) return 0;
      const found = machine.hasDocker ? lookOf(machine, args.at(-1) ?? '') : undefined;
      const isGone = found === undefined && (await dockerOf(machine, { ...quiet }, ['version'])) === 0;
      if (isGone && mayBeGone) return 0;
      same = found === last ? same + 1 : 1;
      last = found ?? '';
      const isOver = machine.clock.now() >= endMs;
      if (found === undefined || same >= looks || isOver) {
        io.stderr(isOver ? `${said.trimEnd()} (asked again for ${seconds} s)\n` : said);
        return exitCode;
      }
      await slept(machine.clock, askAgainMs, io.signal);
    }
  };
}

/** What of a container changes when its process ends or starts. */
function lookOf({ engine }: HostMachine, reference: string): string | undefined {
  const found = engine.findContainer(reference);
  return found && [found.status, found.pid, found.startedAt, found.finishedAt, found.restartCount].join(' ');
}

/** `rollout-room`: docker's folder and what is free in it. */
async function room(machine: HostMachine, io: CommandIo): Promise<number> {
  const exitCode = await dockerOf(machine, { ...io, stdout: () => {} }, ['info']);
  if (exitCode === 0) io.stdout(sandboxRoom);
  return exitCode;
}

/** 128 + SIGPIPE. */
const brokenPipe = 141;

/** What `docker info` says, all containers, and the documents of ours and of their images. */
async function survey(machine: HostMachine, io: CommandIo): Promise<number> {
  if ((await part(machine, io, 'info', ['info', '--format', '{{json .}}'])) !== 0) return 0;
  const { engine } = machine;
  const containers = labelled(machine);
  const rows = engine.containers.map(
    (container) =>
      `${container.id} ${containers.includes(container) ? 'ours' : 'other'} ${container.name} ${container.spec.image}\n`,
  );
  printPart(io, 'ps', rows.join(''));
  if (containers.length === 0) return 0;
  const images = new Set(containers.flatMap(({ image }) => engine.images.find(image.configDigest) ?? []));
  const documents = containers.map((container) => containerDocument(container, engine.networks));
  printPart(io, 'inspect', JSON.stringify([...documents, ...[...images].map(imageDocument)]));
  return 0;
}

/** `rollout-ports`: what containers publish; nothing else listens on a sandbox host. */
async function takenPorts(machine: HostMachine, io: CommandIo): Promise<number> {
  await part(machine, io, 'ps', ['ps', '--no-trunc', '--format', '{{.Names}} {{.Ports}}']);
  return 0;
}

const labelled = ({ engine }: HostMachine) =>
  engine.containers.filter(({ spec }) => spec.labels['rollout.play'] !== undefined);

/** `rollout-observe containers|resources NAMES… -- IMAGES… -- NETWORKS… -- VOLUMES…` */
async function observe(machine: HostMachine, io: CommandIo, [asked, ...args]: readonly string[]): Promise<number> {
  const { engine } = machine;
  const [names = [], images = [], networks = [], volumes = []] = sections(args);
  const ids = asked === 'containers' ? labelled(machine).map(({ id }) => id) : [];
  if (asked === 'containers')
    await part(machine, io, 'ps', ['ps', '-aq', '--no-trunc', '--filter', 'label=rollout.play']);
  const containers = new Set([...names, ...ids].flatMap((each) => engine.findContainer(each) ?? []));
  const inspect = (name: string, kind: string, asked: readonly string[]) =>
    asked.length === 0 ? undefined : part(machine, io, name, [kind, 'inspect', ...asked]);
  await inspect('containers', 'container', [...names, ...ids]);
  await inspect('images', 'image', [...new Set([...containers].map(({ image }) => image.configDigest)), ...images]);
  await inspect('networks', 'network', networks);
  await inspect('volumes', 'volume', volumes);
  return 0;
}

/** A docker command, as a part of the script's output. Resolves to its exit code. */
async function part(machine: HostMachine, io: CommandIo, name: string, argv: readonly string[]): Promise<number> {
  let stdout = '';
  let stderr = '';
  const inner = {
    ...io,
    stdout: (text: string) => void (stdout += text),
    stderr: (text: string) => void (stderr += text),
  };
  const exitCode = await dockerOf(machine, inner, argv);
  io.stdout(formatPart({ name, exitCode, stdout, stderr }));
  return exitCode;
}

function printPart(io: CommandIo, name: string, stdout: string): void {
  io.stdout(formatPart({ name, exitCode: 0, stdout, stderr: '' }));
}

/** Words between `--` and `--`. */
function sections(words: readonly string[]): readonly (readonly string[])[] {
  const found: string[][] = [[]];
  for (const word of words) {
    if (word === '--') found.push([]);
    else found.at(-1)?.push(word);
  }
  return found;
}

async function dockerOf(machine: HostMachine, io: CommandIo, argv: readonly string[]): Promise<number> {
  if (machine.hasDocker) return runDocker(dockerContext(machine, io), argv);
  io.stderr('sh: 1: docker: not found\n');
  return 127;
}

async function pull(machine: HostMachine, io: CommandIo, args: readonly string[]): Promise<number> {
  const logins = parseDockerConfig((await io.readStdin()).toString());
  return runDocker({ ...dockerContext(machine, io), logins }, ['pull', ...args]);
}

/** `rollout-create OPTIONS… IMAGE WORDS…`: with the env file on stdin. */
function create(machine: HostMachine, io: CommandIo, args: readonly string[]): Promise<number> {
  if (machine.hasDocker) return runDocker(dockerContext(machine, io), ['create', ...args]);
  io.stderr('rollout-create: 1: docker: not found\n');
  return Promise.resolve(127);
}

/** `rollout-sweep FOLDER`: removes files below it that no container mounts. */
function sweepFiles({ engine, files }: HostMachine, _io: CommandIo, [folder = '']: readonly string[]): Promise<number> {
  const used = new Set(engine.containers.flatMap(({ spec }) => spec.mounts.map(({ source }) => source)));
  for (const path of [...files.keys()]) {
    if (path.startsWith(`${folder}/`) && !used.has(path)) files.delete(path);
  }
  return Promise.resolve(0);
}

async function writeFile(machine: HostMachine, io: CommandIo, [path = '']: readonly string[]): Promise<number> {
  machine.files.set(path, await io.readStdin());
  return 0;
}

/** `rollout-peek FOLDER… -- COMMAND…`: who holds the lock, then the command. */
function peek(machine: HostMachine, io: CommandIo, args: readonly string[]): Promise<number> {
  io.stdout(`lock ${machine.lock.holder ?? ''}\n`);
  const [program = '', ...words] = args.slice(args.indexOf('--') + 1);
  return runStep(machine, io, program, words);
}
