import { createHash } from 'node:crypto';
import type { CommandIo } from '../docker-cli/context.ts';
import { imageDocument } from '../docker/image-document.ts';
import { formatPart } from '../../shell/parts.ts';
import type { HostMachine } from './machine.ts';

/** Runs any other command of the host. */
export type RunOther = (machine: HostMachine, io: CommandIo, argv: readonly string[]) => Promise<number>;

/** Folders that every host has; further ones are there with the files in them. */
const folders = ['/', '/etc', '/home', '/opt', '/root', '/run', '/srv', '/tmp', '/usr', '/var', '/var/lib', '/var/run'];
/** Modes that differ from a new file's, by path; and folders that were made. */
const attributes = new WeakMap<HostMachine, { readonly modes: Map<string, string>; readonly made: Set<string> }>();

function attributesOf(machine: HostMachine): { readonly modes: Map<string, string>; readonly made: Set<string> } {
  const known = attributes.get(machine) ?? { modes: new Map<string, string>(), made: new Set<string>() };
  attributes.set(machine, known);
  return known;
}

/** `COUNT WORD… COUNT WORD…` */
function commandsOf(args: readonly string[]): readonly (readonly string[])[] {
  const commands: (readonly string[])[] = [];
  for (let at = 0; at < args.length; at += 1 + Number(args[at]))
    commands.push(args.slice(at + 1, at + 1 + Number(args[at])));
  return commands;
}

/** `rollout-read`: what paths are, and what commands print. */
export async function readHost(
  machine: HostMachine,
  io: CommandIo,
  args: readonly string[],
  run: RunOther,
): Promise<number> {
  for (const [index, argv] of commandsOf(args).entries()) {
    let stdout = '';
    let stderr = '';
    const inner = {
      ...io,
      stdout: (text: string) => void (stdout += text),
      stderr: (text: string) => void (stderr += text),
    };
    const exitCode = argv[0] === 'path' ? describePath(machine, inner, argv) : await run(machine, inner, argv);
    io.stdout(formatPart({ name: `q${index}`, exitCode, stdout, stderr }));
  }
  return 0;
}

const absent = 44;

function describePath(machine: HostMachine, io: CommandIo, [, flags = '', path = '']: readonly string[]): number {
  const { modes, made } = attributesOf(machine);
  const content = machine.files.get(path);
  const line = (kind: string, mode: string, bytes: number): void =>
    io.stdout(`s:${kind}|${modes.get(path) ?? mode}|0|0|root|root|${bytes}|1700000000|1|1\n`);
  if (content !== undefined) {
    line('regular file', '644', content.length);
    if (/[cb]/.test(flags)) io.stdout(`c:${createHash('sha1').update(content).digest('hex')}\n`);
    if (flags.includes('b')) io.stdout(`b:${content.toString('base64')}\n`);
    return 0;
  }
  const isFolder =
    folders.includes(path) || made.has(path) || [...machine.files.keys()].some((file) => file.startsWith(`${path}/`));
  if (!isFolder) return absent;
  line('directory', '755', 4096);
  return 0;
}

/** `rollout-put PATH BACKUP OWNER GROUP MODE VALIDATE…`: a file, with what comes through stdin. */
export async function putFile(
  machine: HostMachine,
  io: CommandIo,
  args: readonly string[],
  run: RunOther,
): Promise<number> {
  const [path = '', backup = '', , , mode = '', ...validate] = args;
  const content = await io.readStdin();
  const before = machine.files.get(path);
  if (validate.length > 0 && (await run(machine, io, validate)) !== 0) {
    io.stderr('failed to validate\n');
    return 1;
  }
  if (backup !== '' && before !== undefined) {
    machine.files.set(`${path}.1~`, before);
    io.stdout(`backup ${path}.1~\n`);
  }
  machine.files.set(path, content);
  if (mode !== '') attributesOf(machine).modes.set(path, mode);
  return 0;
}

/** `rollout-apt`: nothing is there to install, upgrade or remove; the lists are new. */
export function packagesOf(_machine: HostMachine, io: CommandIo): Promise<number> {
  io.stdout('age 0\n');
  return Promise.resolve(0);
}

/** `rollout-images`: images that containers use, and all images, none of which is a step of a build. */
export function imagesOf({ engine }: HostMachine, io: CommandIo): Promise<number> {
  for (const { image } of engine.containers) io.stdout(`used ${image.configDigest}\n`);
  for (const stored of engine.images.all()) {
    io.stdout(`leaf ${stored.image.configDigest}\n`);
    const { Size, RepoTags, RepoDigests } = imageDocument(stored);
    const lists = [Size, RepoTags, RepoDigests].map((value) => JSON.stringify(value)).join(' ');
    io.stdout(`image ${stored.image.configDigest} ${stored.image.createdAt} ${lists}\n`);
  }
  return Promise.resolve(0);
}

/** `rollout-remove-images NAME…` */
export async function removeImages(
  machine: HostMachine,
  io: CommandIo,
  args: readonly string[],
  run: RunOther,
): Promise<number> {
  for (const image of args) {
    if (machine.engine.images.find(image) === undefined) continue;
    const exitCode = await run(machine, { ...io, stdout: () => {} }, ['docker', 'rmi', '--', image]);
    if (exitCode !== 0) return exitCode;
  }
  return 0;
}

/** `rollout-apply`: commands up to the first that fails; those that change files are known here. */
export async function applyCommands(
  machine: HostMachine,
  io: CommandIo,
  args: readonly string[],
  run: RunOther,
): Promise<number> {
  for (const argv of commandsOf(args)) {
    const exitCode = changeFile(machine, argv) ?? (await run(machine, io, argv));
    if (exitCode !== 0) return exitCode;
  }
  return 0;
}

function changeFile(machine: HostMachine, argv: readonly string[]): number | undefined {
  const [program, ...words] = argv;
  const rest = words.filter((word) => !word.startsWith('-'));
  const [first = '', second = ''] = rest;
  const { modes, made } = attributesOf(machine);
  switch (program) {
    case 'chown':
      return 0;
    case 'chmod':
      modes.set(second, first);
      return 0;
    case 'mkdir':
      made.add(first);
      return 0;
    case 'touch':
      if (!machine.files.has(first)) machine.files.set(first, Buffer.alloc(0));
      return 0;
    case 'rm':
      made.delete(first);
      for (const path of [...machine.files.keys()])
        if (path === first || path.startsWith(`${first}/`)) machine.files.delete(path);
      return 0;
    default:
      return undefined;
  }
}

/** `rollout-task BYTES COMMAND…`: so many bytes of stdin are its environment, which no program here looks at. */
export async function runInEnvironment(
  machine: HostMachine,
  io: CommandIo,
  [bytes = '0', ...argv]: readonly string[],
  run: RunOther,
): Promise<number> {
  const input = (await io.readStdin()).subarray(Number(bytes));
  return run(machine, { ...io, readStdin: () => Promise.resolve(input) }, argv);
}
