import { RunRefused } from '../engine/context.ts';
import { FleetExaminer } from '../engine/doctor.ts';
import { proveDrain, type DrainProof } from '../engine/drain-check.ts';
import { ownImages } from '../engine/images.ts';
import type { FleetReader } from '../engine/look.ts';
import { exitCodes } from '../events/exit-code.ts';
import { hasGate } from '../model/play.ts';
import { closest } from '../model/closest.ts';
import { verdictOf, type Finding } from '../plan/doctor.ts';
import { open } from './open.ts';
import { defaultOptions, given } from './options.ts';
import { redactError } from './redact-error.ts';
import type { StatusOptions } from './status.ts';
import { systemSurroundings } from './surroundings.ts';

/** What was examined, and what was found. */
export interface Examination {
  readonly playbook: string;
  readonly hosts: readonly string[];
  readonly findings: readonly Finding[];
  /** With `drain`: how long the node took. */
  readonly drain?: DrainProof;
  readonly exitCode: number;
}

export interface DoctorOptions extends StatusOptions {
  /** A host that is taken out of rotation and back, to prove that the balancer's check follows its health container. */
  readonly drain?: string;
  /** Aborted by whoever wants it to end: a node that is out comes back first. */
  readonly stopping?: AbortSignal;
}

/** Asks every host and balancer of a playbook all that a run will need. @throws ConfigError, RunRefused */
export async function examine(playbook: string, options: DoctorOptions = {}): Promise<Examination> {
  const surroundings = { ...systemSurroundings(), ...given(options) };
  const said: Finding[] = [];
  const onEvent: StatusOptions['onEvent'] = (event) => {
    // Said by name: registries that do not answer, odd settings, new host keys.
    if (event.type === 'warning')
      said.push({
        level: 'warning',
        area: 'plan',
        ...(event.host === undefined ? {} : { host: event.host }),
        message: event.message,
      });
  };
  const opened = await open(
    playbook,
    { ...defaultOptions, ...given(options) },
    surroundings,
    { ...options, onEvent },
    ownImages,
  );
  const { context, redactor } = opened;
  const { name, plays, warnings } = opened.playbook;
  const hosts = [...new Set(plays.flatMap((play) => play.hosts.map((host) => host.name)))];
  const examiner = new FleetExaminer(opened, context);
  const { reader } = examiner;
  options.stopping?.addEventListener('abort', () => context.interrupt.request(), { once: true });
  try {
    if (options.drain !== undefined) refuseUnknownHost(options.drain, hosts);
    const found = await examiner.examine();
    const proof = options.drain === undefined ? undefined : await drainOf(options.drain, reader, opened);
    const ofFiles = warnings.map(({ file, line, message }): Finding => ({
      level: 'warning',
      area: 'plan',
      message: `${file}:${line}: ${message}`,
    }));
    const findings = [
      ...(hosts.length === 0 ? [noHosts] : []),
      ...ofFiles,
      ...found,
      ...said,
      ...(proof !== undefined && 'level' in proof ? [proof] : []),
    ];
    const verdict = verdictOf(findings);
    return {
      playbook: name,
      hosts,
      findings: findings.map((finding) => redacted(finding, (text) => redactor.redact(text))),
      ...(proof === undefined || 'level' in proof ? {} : { drain: proof }),
      exitCode: { good: exitCodes.done, wrong: exitCodes.usage, away: exitCodes.unreachable }[verdict],
    };
  } catch (error) {
    throw redactError(error, redactor);
  } finally {
    await reader.close();
    await opened.close();
  }
}

/** Nothing was examined, and so nothing is in order either. */
const noHosts: Finding = {
  level: 'warning',
  area: 'plan',
  message: 'the groups that the plays name have no host',
  fix: 'Look at what the inventory holds: rollout inventory -i FILE --graph',
};

function refuseUnknownHost(host: string, hosts: readonly string[]): void {
  if (hosts.includes(host)) return;
  const meant = closest(host, hosts);
  throw new RunRefused(exitCodes.usage, `--drain ${host}: there is no such host in the plays`, [
    meant === undefined ? `they have ${hosts.join(', ')}` : `did you mean ${meant}?`,
  ]);
}

async function drainOf(
  name: string,
  reader: FleetReader,
  { playbook, context }: Awaited<ReturnType<typeof open>>,
): Promise<DrainProof | Finding> {
  const away: Finding = { level: 'error', area: 'drain', host: name, message: 'not taken out: it could not be read' };
  const behind = playbook.plays.filter(({ hosts }) => hosts.some((each) => each.name === name));
  const play = behind.find(hasGate) ?? behind[0];
  const host = play?.hosts.find((each) => each.name === name);
  const look = (await reader.look()).find((each) => each.play === play?.name);
  const found = look?.hosts.find((each) => each.host === name);
  if (play === undefined || host === undefined || look === undefined || found?.kind !== 'read') return away;
  return proveDrain({ host, play, found, servers: look.servers }, reader, context);
}

function redacted(finding: Finding, redact: (text: string) => string): Finding {
  const { message, fix } = finding;
  return { ...finding, message: redact(message), ...(fix === undefined ? {} : { fix: redact(fix) }) };
}
