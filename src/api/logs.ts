import { setMaxListeners } from 'node:events';
import type { LogRange } from '../docker/logs.ts';
import { RunRefused } from '../engine/context.ts';
import { LogReader, type LogLine, type LogSource } from '../engine/logs.ts';
import { desiredOf } from '../engine/desired-of.ts';
import { ownImages } from '../engine/images.ts';
import { withHint } from '../engine/op-error.ts';
import { exitCodes } from '../events/exit-code.ts';
import { closest } from '../model/closest.ts';
import { keyOf } from '../model/service.ts';
import { RemoteError } from '../ssh/remote.ts';
import { DockerError } from '../docker/errors.ts';
import { open, warnOfPatterns } from './open.ts';
import { defaultOptions, given } from './options.ts';
import { redactError } from './redact-error.ts';
import type { StatusOptions } from './status.ts';
import { systemSurroundings } from './surroundings.ts';

export interface LogOptions extends StatusOptions {
  /** Only these; all without any. */
  readonly services: readonly string[];
  readonly range: LogRange;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly onLine: (line: LogLine) => void;
  /** Resolves when more lines can be shown; hosts are not read meanwhile. */
  readonly room?: () => Promise<void>;
  readonly onTrouble: (host: string, message: string) => void;
  /** Told of who will be heard, before the first line: for columns. */
  readonly onSources?: (sources: readonly { readonly host: string; readonly service: string }[]) => void;
}

/** Shows the logs of a playbook's services. @returns the exit code: 4 where a host's could not be read */
export async function readLogs(playbook: string, options: LogOptions): Promise<number> {
  const surroundings = { ...systemSurroundings(), ...given(options) };
  const opened = await open(playbook, { ...defaultOptions, ...given(options) }, surroundings, options, ownImages);
  warnOfPatterns(opened);
  const { connector, redactor } = opened;
  const { clock } = surroundings;
  const { range, signal, onLine, onTrouble, room = () => Promise.resolve() } = options;
  // Every host listens: of ten and more Node would tell the operator.
  setMaxListeners(0, signal);
  const away: string[] = [];
  try {
    const sources: LogSource[] = [];
    for (const play of opened.playbook.plays) {
      const found = await Promise.all(
        play.hosts.map(async (host): Promise<readonly LogSource[]> => {
          try {
            const { services } = await desiredOf(play, host, opened);
            return services.map((service) => ({
              host,
              service: service.name,
              container: service.containerName,
              key: keyOf(service),
            }));
          } catch (error) {
            if (!(error instanceof RemoteError || error instanceof DockerError)) throw error;
            away.push(host.name);
            onTrouble(host.name, redactor.redact(withHint(error)));
            return [];
          }
        }),
      );
      sources.push(...found.flat());
    }
    // Of hosts that are all away nothing is known.
    const chosen = sources.length === 0 && away.length > 0 ? [] : chosenOf(sources, options.services);
    options.onSources?.(chosen.map(({ host, service }) => ({ host: host.name, service })));
    const reader = new LogReader(chosen, {
      connector,
      clock,
      signal,
      room,
      onTrouble: (host, message) => onTrouble(host, redactor.redact(message)),
    });
    const show = (line: LogLine): void => onLine({ ...line, text: redactor.redact(line.text) });
    if (range.follow) await reader.follow(range, show);
    else
      for await (const line of reader.read(range)) {
        show(line);
        await room();
      }
    return reader.failed.size + away.length === 0 ? exitCodes.done : exitCodes.unreachable;
  } catch (error) {
    throw redactError(error, redactor);
  } finally {
    await opened.close();
  }
}

function chosenOf<Source extends LogSource>(sources: readonly Source[], names: readonly string[]): readonly Source[] {
  if (sources.length === 0)
    throw new RunRefused(exitCodes.usage, 'there is nothing to hear: the plays have no service on any host', [
      'look at the groups that they name: rollout inventory -i FILE --graph',
    ]);
  if (names.length === 0) return sources;
  const known = [
    ...new Set(sources.flatMap(({ service, container }) => [service, service.replace(/-\d+$/, ''), container])),
  ];
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = closest(name, known);
    const hint = meant === undefined ? `they have ${known.join(', ')}` : `did you mean ${meant}?`;
    throw new RunRefused(exitCodes.usage, `the plays have no service ${name}`, [hint]);
  }
  return sources.filter(({ service, container }) =>
    [service, service.replace(/-\d+$/, ''), container].some((each) => names.includes(each)),
  );
}
