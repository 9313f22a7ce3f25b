import pLimit from 'p-limit';
import { DockerError } from '../docker/errors.ts';
import { execRefusal } from '../docker/exec-refusal.ts';
import { RunRefused } from '../engine/context.ts';
import { desiredOf } from '../engine/desired-of.ts';
import { ownImages } from '../engine/images.ts';
import { withHint } from '../engine/op-error.ts';
import { exitCodes } from '../events/exit-code.ts';
import { closest } from '../model/closest.ts';
import type { Host } from '../model/host.ts';
import type { Play } from '../model/play.ts';
import { RemoteError, type Terminal } from '../ssh/remote.ts';
import { open, warnOfPatterns, type OpenedRun } from './open.ts';
import { defaultOptions, given, type HostPattern } from './options.ts';
import { redactError } from './redact-error.ts';
import type { StatusOptions } from './status.ts';
import { systemSurroundings } from './surroundings.ts';

export interface ExecOptions extends StatusOptions, HostPattern {
  /** An argv; one word is a line for the shell. */
  readonly command: readonly string[];
  /** In the container of this service; on the host itself without it. */
  readonly service?: string;
  readonly timeoutMs: number;
}

/** What a command did on one host, or why it did not run there. */
export type ExecOutcome =
  | {
      readonly host: string;
      readonly container?: string;
      readonly exitCode: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  | { readonly host: string; readonly container?: string; readonly error: string };

/** Of each host and stream; what is above that is left out. */
const mostOutputBytes = 1 << 20;

/** Runs a command on the hosts of a playbook that `pattern` and `limit` leave, on all at once. @throws ConfigError, RunRefused */
export async function execute(playbook: string, options: ExecOptions): Promise<readonly ExecOutcome[]> {
  const surroundings = { ...systemSurroundings(), ...given(options) };
  const all = { ...defaultOptions, ...given(options) };
  const opened = await open(playbook, all, surroundings, options, ownImages);
  const limit = pLimit(all.forks);
  warnOfPatterns(opened);
  try {
    const targets = await targetsOf(opened, options.service);
    const outcomes = await Promise.all(targets.map((target) => limit(() => executeOn(target, options, opened))));
    return outcomes.map((outcome) => redacted(outcome, (text) => opened.redactor.redact(text)));
  } catch (error) {
    throw redactError(error, opened.redactor);
  } finally {
    await opened.close();
  }
}

/**
 * Runs a command at a person's terminal, on the one host, or in the one container, that `pattern` and `limit` leave. Nothing is
 * redacted: the terminal is the command's. @returns its exit code
 * @throws ConfigError, RunRefused, or the reason of the terminal's signal
 */
export async function executeAtTerminal(playbook: string, options: ExecOptions, terminal: Terminal): Promise<number> {
  const surroundings = { ...systemSurroundings(), ...given(options) };
  const opened = await open(playbook, { ...defaultOptions, ...given(options) }, surroundings, options, ownImages);
  warnOfPatterns(opened);
  try {
    const { host, container, error } = onlyOne(await targetsOf(opened, options.service));
    if (error !== undefined) {
      const [message = '', ...hints] = error.split('\n');
      throw new RunRefused(exitCodes.unreachable, `${host.name}: ${message}`, hints);
    }
    const remote = await opened.connector.connect(host);
    const words = wordsOf(options.command);
    return await remote.attach(
      container === undefined ? words : ['docker', 'exec', '-i', '-t', container, ...words],
      terminal,
    );
  } catch (error) {
    const told = error instanceof RemoteError ? asRefusal(error) : error;
    throw redactError(told, opened.redactor);
  } finally {
    await opened.close();
  }
}

function asRefusal({ host, message, hint }: RemoteError): RunRefused {
  return new RunRefused(exitCodes.unreachable, `${host}: ${message}`, hint === undefined ? [] : [hint]);
}

function onlyOne(targets: readonly Target[]): Target {
  const [first, second] = targets;
  if (first !== undefined && second === undefined) return first;
  const names = targets.map(({ host, container }) =>
    container === undefined ? host.name : `${container} on ${host.name}`,
  );
  const shown = names.length > 8 ? [...names.slice(0, 7), `and ${names.length - 7} more`] : names;
  throw new RunRefused(
    exitCodes.usage,
    `a terminal is one command's: ${targets.length} are meant: ${shown.join(', ')}`,
    [`Choose one with the pattern, as ${first?.host.name ?? 'h1'}, and a replica by its container's name: -s app-2`],
  );
}

/** The worst of all exit codes; a host where it did not run counts as 4. */
export function worstExitCode(outcomes: readonly ExecOutcome[]): number {
  return Math.max(0, ...outcomes.map((outcome) => ('error' in outcome ? exitCodes.unreachable : outcome.exitCode)));
}

interface Target {
  readonly host: Host;
  readonly container?: string;
  readonly error?: string;
}

/** Each host once, or each container of the service. */
async function targetsOf(opened: OpenedRun, service: string | undefined): Promise<readonly Target[]> {
  const { plays } = opened.playbook;
  if (service === undefined) {
    const hosts = plays.flatMap((play) => play.hosts.map((host) => [host.name, host] as const));
    return [...new Map(hosts).values()].map((host) => ({ host }));
  }
  const known = new Set<string>();
  const found = await Promise.all(
    plays.flatMap((play) => play.hosts.map((host) => containersOf(play, host, service, opened, known))),
  );
  const targets = found.flat();
  if (targets.length > 0) return targets;
  const meant = closest(service, known);
  const hint = meant === undefined ? `they have ${[...known].join(', ')}` : `did you mean ${meant}?`;
  throw new RunRefused(exitCodes.usage, `the plays have no service ${service} on these hosts`, [hint]);
}

async function containersOf(
  play: Play,
  host: Host,
  service: string,
  opened: OpenedRun,
  known: Set<string>,
): Promise<readonly Target[]> {
  try {
    const { services } = await desiredOf(play, host, opened);
    for (const { name } of services) known.add(name);
    return services
      .filter(({ name, replicaOf, containerName }) => [name, replicaOf, containerName].includes(service))
      .map(({ containerName }) => ({ host, container: containerName }));
  } catch (error) {
    if (!(error instanceof RemoteError || error instanceof DockerError)) throw error;
    return [{ host, error: withHint(error) }];
  }
}

async function executeOn(
  { host, container, error }: Target,
  { command, timeoutMs }: ExecOptions,
  { connector }: OpenedRun,
): Promise<ExecOutcome> {
  const where = { host: host.name, ...(container === undefined ? {} : { container }) };
  if (error !== undefined) return { ...where, error };
  const words = wordsOf(command);
  const argv = container === undefined ? words : ['docker', 'exec', container, ...words];
  try {
    const remote = await connector.connect(host);
    const { exitCode, stdout, stderr } = await remote.exec(argv, { timeoutMs, maxOutputBytes: mostOutputBytes });
    await remote.close();
    const refusal = container === undefined ? undefined : execRefusal(container, { exitCode, stdout, stderr });
    return refusal === undefined ? { ...where, exitCode, stdout, stderr } : { ...where, error: refusal };
  } catch (failure) {
    if (!(failure instanceof RemoteError)) throw failure;
    return { ...where, error: withHint(failure) };
  }
}

/** One word with blanks is a line for the shell. */
function wordsOf(command: readonly string[]): readonly string[] {
  const [line = '', ...others] = command;
  return others.length === 0 && /\s/.test(line) ? ['sh', '-c', line] : command;
}

function redacted(outcome: ExecOutcome, redact: (text: string) => string): ExecOutcome {
  if ('error' in outcome) return { ...outcome, error: redact(outcome.error) };
  return { ...outcome, stdout: redact(outcome.stdout), stderr: redact(outcome.stderr) };
}
