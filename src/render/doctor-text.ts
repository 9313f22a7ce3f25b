import { groupAlike } from '../model/alike.ts';
import { formatDuration } from '../model/duration.ts';
import { areas, type Area, type Finding } from '../plan/doctor.ts';
import { examinedAreas } from '../plan/examined.ts';
import { count } from '../model/count.ts';
import { formatHosts } from './host-list.ts';
import type { Painter } from './paint.ts';
import { sanitize } from './sanitize.ts';

interface Shown {
  readonly hosts: readonly string[];
  readonly findings: readonly Finding[];
  readonly drain?: { readonly host: string; readonly outMs: number; readonly backMs: number };
}

/** What `rollout doctor` has found: errors first, each thing once with its hosts and what to do about it. No line end. */
export function formatExamination({ hosts, findings, drain }: Shown, paint: Painter): string {
  const errors = findings.filter(({ level }) => level === 'error');
  const warnings = findings.filter(({ level }) => level === 'warning');
  const troubled = new Set(findings.map(({ area }) => area));
  const { examined, missed } = examinedAreas(hosts, findings);
  const asked = (area: Area): boolean => area !== 'drain' || drain !== undefined;
  const good = examined.filter((area) => !troubled.has(area) && asked(area));
  return [
    ...formatFindings(errors, (text) => paint('red', `✗ ${text}`)),
    ...formatFindings(warnings, (text) => paint('yellow', `! ${text}`)),
    ...(drain === undefined
      ? []
      : [
          `${paint('green', '✓')} ${sanitize(drain.host)} left rotation ${formatDuration(drain.outMs)} after its health container had stopped, and was back ${formatDuration(drain.backMs)} after its start`,
        ]),
    ...(good.length === 0 || hosts.length === 0 ? [] : [`${paint('green', '✓')} in order: ${good.join(', ')}`]),
    ...formatMissed(new Map([...missed].filter(([area]) => asked(area))), paint),
    `${count(hosts.length, 'host')} examined: ${errors.length === 0 && warnings.length === 0 ? 'all good' : `${count(errors.length, 'error')}, ${count(warnings.length, 'warning')}`}`,
  ].join('\n');
}

/** What nobody can say of hosts that did not answer so far: it is not in order. */
function formatMissed(missed: ReadonlyMap<Area, readonly string[]>, paint: Painter): string[] {
  const byHosts = new Map<string, Area[]>();
  for (const [area, hosts] of missed) {
    const names = formatHosts(hosts);
    byHosts.set(names, [...(byHosts.get(names) ?? []), area]);
  }
  return [...byHosts].map(([names, own]) => paint('yellow', `? not examined on ${sanitize(names)}: ${own.join(', ')}`));
}

function formatFindings(findings: readonly Finding[], paint: (text: string) => string): string[] {
  return areas.flatMap((area) => {
    const own = findings.filter((finding) => finding.area === area);
    const texts = [
      ...groupAlike(
        own.flatMap(({ host, message, fix }) => (host === undefined ? [] : [{ host, text: joined(message, fix) }])),
        formatHosts,
      ),
      ...own.flatMap(({ host, play, message, fix }) =>
        host === undefined ? [`${play === undefined ? '' : `play ${play}: `}${joined(message, fix)}`] : [],
      ),
    ];
    return [...new Set(texts)].flatMap((text) => {
      const [message = '', ...fixes] = text.split(fixMark);
      const [first = '', ...more] = sanitize(`${area}: ${message}`, { keepLines: true }).split('\n');
      return [
        paint(first),
        ...[...more, ...fixes.flatMap((fix) => sanitize(fix, { keepLines: true }).split('\n'))].map(
          (line) => `    ${line}`,
        ),
      ];
    });
  });
}

/** No text of a host holds it once it is sanitised. */
const fixMark = '\u0000';
const joined = (message: string, fix: string | undefined): string =>
  fix === undefined ? message : `${message}${fixMark}${fix}`;
