import { formatImageRef, type ImageRef } from '../model/image.ts';
import { changeText, shortImage, type ChangedComponent, type CompositionDiff } from './diff.ts';
import type { HostOfComposition } from './running.ts';

/** Columns of text, two blanks between them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

type Commits = { readonly from?: string; readonly to?: string; readonly link?: string };
type Explained = Omit<CompositionDiff, 'changed'> & {
  readonly changed: readonly (ChangedComponent & { readonly commits?: Commits })[];
};

/** `~ app  1.4 → 1.5`, one component a line, as a diff marks them. */
export function formatDiff({ added, removed, changed, renamed, unchanged }: Explained): string {
  const rows = [
    ...changed.map(({ component, from, to, commits }) => ['~', component, changeText(from, to), commitsText(commits)]),
    ...added.map(({ component, image }) => ['+', component, shortImage(image), '']),
    ...removed.map(({ component, image }) => ['-', component, shortImage(image), '']),
    ...renamed.map(({ component, from, to }) => ['=', component, `${changeText(from, to)}, the same image`, '']),
  ];
  const same = unchanged.length + renamed.length;
  const end = `${changed.length} changed, ${added.length} added, ${removed.length} removed, ${same} the same`;
  return rows.length === 0 ? end : `${table(rows)}\n${end}`;
}

/** Every component with its image, whole. */
export function formatComponents(components: ReadonlyMap<string, ImageRef>): string {
  return table([...components].map(([component, image]) => [component, formatImageRef(image)]));
}

const stateWords: Readonly<Record<HostOfComposition['state'], string>> = {
  whole: 'all of it',
  part: 'a part of it',
  none: 'nothing of it',
  unreachable: 'not reached',
};

/** A line a host, and what it runs instead below it. */
export function formatHosts(hosts: readonly HostOfComposition[]): string {
  const width = Math.max(0, ...hosts.map(({ host }) => host.length));
  return hosts
    .flatMap(({ host, state, components, message }) => [
      `${host.padEnd(width)}  ${stateWords[state]}${message === undefined ? '' : `: ${message.split('\n')[0] ?? ''}`}`,
      ...components
        .filter(({ isOfIt, isRunning }) => !isOfIt || !isRunning)
        .map(({ component, image, composition, isOfIt }) => {
          const from = composition === undefined ? '' : ` of ${composition}`;
          return `${' '.repeat(width)}  ${component}: ${isOfIt ? 'does not run' : `${image}${from}`}`;
        }),
    ])
    .join('\n');
}

function commitsText(commits: Commits | undefined): string {
  if (commits === undefined) return '';
  const range = `${short(commits.from)}..${short(commits.to)}`;
  return commits.link === undefined ? range : `${range}  ${commits.link}`;
}

const short = (revision: string | undefined): string =>
  revision === undefined ? '?' : /^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 8) : revision;
