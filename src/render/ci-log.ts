import type { Event } from '../events/event.ts';
import { createFold } from '../events/fold.ts';
import { guardedWriter, type OutputStream, type Renderer } from './output.ts';
import { createPlainRenderer } from './plain.ts';
import { sanitize } from './sanitize.ts';

/** Whose log the plain lines go into, where it knows groups. */
export type CiSystem = 'github' | 'gitlab';

/** By the variables that the system sets for every job; undefined elsewhere. */
export function ciSystemOf(env: Readonly<Record<string, string | undefined>>): CiSystem | undefined {
  if (env['GITHUB_ACTIONS'] === 'true') return 'github';
  return env['GITLAB_CI'] === 'true' ? 'gitlab' : undefined;
}

/** What a CI system reads in a log. */
interface LogMarks {
  /** `name` is a word that no other group of the log has; `atMs` is in epoch milliseconds. */
  open(name: string, title: string, atMs: number): string;
  close(name: string, atMs: number): string;
  /** What shows on the page of the job, beside its log; undefined where there is no such thing. */
  annotate?(level: 'error' | 'warning', title: string, message: string): string;
  /** Text that is not ours: no line of it is obeyed. */
  defuse(text: string): string;
}

const seconds = (atMs: number): number => Math.floor(atMs / 1000);
const oneLine = (text: string): string => sanitize(text).replace(/\s*⏎\s*/g, ' ');

const marksOf: Readonly<Record<CiSystem, LogMarks>> = {
  github: {
    open: (_, title) => `::group::${githubData(title)}\n`,
    close: () => '::endgroup::\n',
    annotate: (level, title, message) => `::${level} title=${githubProperty(title)}::${githubData(message)}\n`,
    // A command is `::name…` at the begin of a line, or the older `##[name]` anywhere in it.
    defuse: (text) => text.replace(/^(\s*):(?=:)/gm, '$1: ').replaceAll('##[', '## ['),
  },
  gitlab: {
    open: (name, title, atMs) =>
      `\u001b[0Ksection_start:${seconds(atMs)}:${name}[collapsed=false]\r\u001b[0K${oneLine(title)}\n`,
    close: (name, atMs) => `\u001b[0Ksection_end:${seconds(atMs)}:${name}\r\u001b[0K\n`,
    // Its marks need the escape character, which no text has by then.
    defuse: (text) => text,
  },
};

const githubData = (text: string): string =>
  sanitize(text, { keepLines: true }).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const githubProperty = (text: string): string => githubData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** The page of a job shows so many of each level; what is more stands in the log. */
const mostAnnotations = 10;

/**
 * Plain lines for the log of a CI job: what comes before the plan and what comes after it are groups that can be folded,
 * and errors and warnings stand on the page of the job where the system has that.
 */
export function createCiRenderer(
  system: CiSystem,
  stdout: OutputStream,
  options: { readonly verbosity: number },
): Renderer {
  const marks = marksOf[system];
  const write = guardedWriter(stdout);
  const plain = createPlainRenderer(stdout, { ...options, defuse: (text) => marks.defuse(text) });
  const fold = createFold();
  const annotated = { error: 0, warning: 0 };
  let group: string | undefined;
  let lastAtMs = 0;

  const close = (atMs: number): void => {
    if (group !== undefined) write(marks.close(group, atMs));
    group = undefined;
  };
  const open = (name: string, title: string, atMs: number): void => {
    close(atMs);
    group = `rollout_${name}_${fold.state.run.replace(/\W/g, '_')}`;
    write(marks.open(group, title, atMs));
  };
  const annotate = (level: 'error' | 'warning', title: string, message: string): void => {
    if (annotated[level] === mostAnnotations) return;
    annotated[level] += 1;
    const text = marks.annotate?.(level, title, message);
    if (text !== undefined) write(text);
  };

  return {
    emit(event) {
      lastAtMs = event.at;
      fold.apply(event);
      if (event.type === 'run_started') open('preflight', `Preflight of ${event.playbook}`, event.at);
      if (event.type === 'plan_ready' || event.type === 'run_finished') close(event.at);
      plain.emit(event);
      if (event.type === 'plan_ready') open('hosts', 'Hosts', event.at);
      for (const { level, title, message } of annotationsOf(event)) annotate(level, title, message);
    },
    suspend: () => plain.suspend(),
    close() {
      plain.close();
      close(lastAtMs);
    },
  };
}

interface Annotation {
  readonly level: 'error' | 'warning';
  readonly title: string;
  readonly message: string;
}

function annotationsOf(event: Event): readonly Annotation[] {
  switch (event.type) {
    case 'node_failed': {
      const { op, message, next } = event.failure;
      const title = `${event.host}: ${op.text}`;
      return [{ level: 'error', title, message: next === undefined ? message : `${message}\nnext: ${next}` }];
    }
    case 'node_restored':
      return event.serving
        ? []
        : [
            {
              level: 'error',
              title: `${event.host} is not put back`,
              message: [event.message ?? 'it does not serve', ...(event.next === undefined ? [] : [event.next])].join(
                '\n',
              ),
            },
          ];
    case 'host_unreachable':
      return [{ level: 'warning', title: `${event.host} is unreachable`, message: event.message }];
    case 'warning':
      return [{ level: 'warning', title: event.host ?? 'rollout', message: event.message }];
    case 'run_finished':
      return event.error === undefined
        ? []
        : [{ level: 'error', title: event.error.message, message: event.error.details.join('\n') || event.outcome }];
    default:
      return [];
  }
}
