import { withoutOwn } from '../model/alike.ts';
import { formatHosts } from './host-list.ts';
import type { Painter } from './paint.ts';
import { sanitize } from './sanitize.ts';

interface Shown {
  readonly host: string;
  readonly container?: string;
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly error?: string;
}

/** What a command printed, each thing once with the hosts that printed it, in the hosts' order. With its line end. */
export function formatOutcomes(outcomes: readonly Shown[], paint: Painter): string {
  const groups = new Map<string, { readonly first: Shown; readonly hosts: string[] }>();
  for (const outcome of outcomes) {
    const { host, ...said } = outcome;
    const error = said.error === undefined ? undefined : withoutOwn(host, said.error);
    const key = JSON.stringify([said.container, said.exitCode, said.stdout, said.stderr, error]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: outcome, hosts: [host] });
    else group.hosts.push(host);
  }
  return [...groups.values()].map(({ first, hosts }) => formatGroup(first, hosts, paint)).join('');
}

function formatGroup(first: Shown, hosts: string[], paint: Painter) {
  const { host, container, exitCode, stdout = '', stderr = '', error = '' } = first;
  const names = formatHosts(hosts.map((host) => sanitize(host)));
  const who = container === undefined ? names : `${names} (${sanitize(container)})`;
  const isGood = exitCode === 0;
  const end = exitCode === undefined ? 'did not run' : `exit code ${exitCode}`;
  const head = paint(isGood ? 'green' : 'red', isGood ? `${who}:` : `${who}: ${end}`);
  return `${[head, ...indented(stdout), ...indented(stderr), ...indented(hosts.length > 1 ? withoutOwn(host, error, '<host>') : error)].join('\n')}\n`;
}

function indented(text: string): string[] {
  const lines = sanitize(text.trimEnd(), { keepLines: true });
  return lines === '' ? [] : lines.split('\n').map((line) => `    ${line}`);
}
