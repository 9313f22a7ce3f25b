import { runDocker } from '../docker-cli/docker.ts';
import { frameMarks, terminalCommand, unframe } from '../../shell/frame.ts';
import { slept } from '../timing.ts';
import { interactiveShell } from '../terminal/interactive-shell.ts';
import type { HostIo } from './interposer.ts';
import type { HostMachine } from './machine.ts';
import { plainWords } from '../terminal/plain-words.ts';
import { dockerContext, runScript } from './scripts.ts';
import { simpleCommand } from './simple-command.ts';
import {
  applyCommands,
  imagesOf,
  packagesOf,
  putFile,
  readHost,
  removeImages,
  runInEnvironment,
  type RunOther,
} from './task-scripts.ts';

const notFound = 127;

/** What sshd gives the user's shell. Resolves to the exit code. */
export async function runShellLine(machine: HostMachine, io: HostIo, line: string): Promise<number> {
  const argv = plainWords(line);
  if (argv === undefined) {
    io.stderr(`sandbox: only simple commands with quoted words are understood, not: ${line}\n`);
    return notFound;
  }
  const typed = terminalCommand(argv);
  if (typed !== undefined) return runShellLine(machine, io, typed);
  const framed = unframe(argv);
  if (framed === undefined) return runArgv(machine, io, argv);
  const { stdout, stderr } = frameMarks(framed.key);
  io.stdout(stdout.begin);
  io.stderr(stderr.begin);
  const run = (inner: HostIo): Promise<number> => runShellLine(machine, inner, framed.line);
  const exitCode = await (machine.interpose === undefined ? run(io) : machine.interpose(framed.line, io, run));
  io.stderr(stderr.end);
  io.stdout(`${stdout.end}${exitCode}${stdout.last}`);
  return exitCode;
}

export async function runArgv(machine: HostMachine, io: HostIo, argv: readonly string[]): Promise<number> {
  const [program = '', ...args] = argv;
  switch (program) {
    case 'timeout':
      return runWithTimeout(machine, io, args);
    case 'sudo':
      return runAsOther(machine, io, args);
    case 'env':
      return runArgv(machine, io, args.slice(args.findIndex((word) => !word.includes('='))));
    case 'docker':
      if (!machine.hasDocker) break;
      return runDocker(dockerContext(machine, io), args);
    case 'cat':
      return cat(machine, io, args);
    case 'sh': {
      const [flag, text, name = '', ...rest] = args;
      if (flag === undefined && io.terminal !== undefined)
        return interactiveShell(io.terminal, (words, signal) => runArgv(machine, { ...io, signal }, words));
      if (flag !== '-c' || text === undefined || name === '') break;
      if (name === 'rollout-become') {
        io.stderr(`${/echo (\S+) >&2/.exec(text)?.[1] ?? ''}\n`);
        return runArgv(machine, io, rest);
      }
      const task = taskScripts[name];
      if (task !== undefined)
        return task(machine, io, rest, (on, inner, words) => runArgv(on, { ...io, ...inner }, words));
      return runScript(machine, io, name, text, rest);
    }
  }
  const command = simpleCommand(argv, machine.clock);
  if (command === undefined) {
    io.stderr(`sh: 1: ${program}: not found\n`);
    return notFound;
  }
  const { exitCode, stdout, stderr } = await command(io.signal);
  if (stdout !== '') io.stdout(stdout);
  if (stderr !== '') io.stderr(stderr);
  return exitCode;
}

/** Scripts of tasks, by their `$0`; some run other commands of the host. */
const taskScripts: Readonly<
  Record<string, (machine: HostMachine, io: HostIo, args: readonly string[], run: RunOther) => Promise<number>>
> = {
  'rollout-read': readHost,
  'rollout-put': putFile,
  'rollout-apply': applyCommands,
  'rollout-task': runInEnvironment,
  'rollout-apt': packagesOf,
  'rollout-images': imagesOf,
  'rollout-remove-images': removeImages,
  'rollout-reboot': (machine) => {
    // sshd goes with the host, and whoever asked for it hears of that.
    machine.reboot().catch(() => undefined);
    return Promise.resolve(0);
  },
  'rollout-reboot-required': (machine, io) => {
    io.stdout(['/run', '/var/run'].some((at) => machine.files.has(`${at}/reboot-required`)) ? 'yes\n' : 'no\n');
    return Promise.resolve(0);
  },
  'rollout-cd': (machine, io, [, ...argv], run) => run(machine, io, argv),
};

/** `timeout -k 5 N COMMAND…`: exit code 124 at the limit. What dockerd has begun goes on. */
async function runWithTimeout(machine: HostMachine, io: HostIo, args: readonly string[]): Promise<number> {
  const words = args[0] === '-k' ? args.slice(2) : args;
  const [seconds = '', ...argv] = words;
  const limitMs = Number(seconds.replace(/s$/, '')) * 1000;
  if (!(limitMs >= 0)) {
    io.stderr(`timeout: invalid time interval '${seconds}'\n`);
    return 125;
  }
  const killed = new AbortController();
  const ended = new AbortController();
  const tooLate = slept(machine.clock, limitMs, ended.signal).then((isLate) => {
    if (isLate) killed.abort();
    return 124;
  });
  const quietOnceKilled = (print: (text: string) => void) => (text: string) => {
    if (!killed.signal.aborted) print(text);
  };
  const inner: HostIo = {
    ...io,
    stdout: quietOnceKilled((text) => io.stdout(text)),
    stderr: quietOnceKilled((text) => io.stderr(text)),
    signal: AbortSignal.any([io.signal, killed.signal]),
  };
  try {
    return await Promise.race([runArgv(machine, inner, argv), tooLate]);
  } finally {
    ended.abort();
  }
}

const sudoFlagsWithValue = ['-u', '-p', '-g', '-C'];

/** `sudo -n|-S -p PROMPT -H -u USER -- COMMAND…` */
async function runAsOther(machine: HostMachine, io: HostIo, args: readonly string[]): Promise<number> {
  let at = 0;
  let prompt = '[sudo] password: ';
  let mayAsk = false;
  for (; args[at]?.startsWith('-') === true && args[at] !== '--'; at += 1) {
    const flag = args[at] ?? '';
    if (flag === '-S') mayAsk = true;
    if (!sudoFlagsWithValue.includes(flag)) continue;
    at += 1;
    if (flag === '-p') prompt = args[at] ?? '';
  }
  if (machine.sudoPassword !== undefined) {
    if (!mayAsk) {
      io.stderr('sudo: a password is required\n');
      return 1;
    }
    for (let tries = 1; ; tries += 1) {
      io.stderr(prompt);
      const given = await io.readLine();
      if (given === machine.sudoPassword) break;
      if (given === undefined) {
        io.stderr('\nsudo: no password was provided\nsudo: a password is required\n');
        return 1;
      }
      if (tries === 3) {
        io.stderr('sudo: 3 incorrect password attempts\n');
        return 1;
      }
      io.stderr('Sorry, try again.\n');
    }
  }
  return runArgv(machine, io, args.slice(args[at] === '--' ? at + 1 : at));
}

async function cat(machine: HostMachine, io: HostIo, paths: readonly string[]): Promise<number> {
  if (paths.length === 0) {
    io.stdout((await io.readStdin()).toString());
    return 0;
  }
  let exitCode = 0;
  for (const path of paths) {
    const content =
      path === '/proc/sys/kernel/random/boot_id' ? Buffer.from(`${machine.bootId}\n`) : machine.files.get(path);
    if (content === undefined) {
      io.stderr(`cat: ${path}: No such file or directory\n`);
      exitCode = 1;
    } else {
      io.stdout(content.toString());
    }
  }
  return exitCode;
}
