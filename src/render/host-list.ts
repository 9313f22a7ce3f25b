/**
 * Host names, short: three or more in a row that differ only in a number become `web01…web20` (not `web[01:20]`, which
 * as a `--limit` means something else). At most `limit` entries are shown, then `and N more`.
 */
export function formatHosts(hosts: readonly string[], limit = Number.POSITIVE_INFINITY): string {
  const runs = joinRuns(hosts);
  const shown = runs.length <= limit ? runs : runs.slice(0, limit);
  if (shown === runs) return runs.map(formatRun).join(', ');
  const rest = hosts.length - shown.reduce((sum, { names }) => sum + names.length, 0);
  return `${shown.map(formatRun).join(', ')} and ${rest} more`;
}

interface Run {
  readonly names: string[];
  readonly numbered: { readonly prefix: string; readonly digits: string; readonly suffix: string } | undefined;
}

function joinRuns(hosts: readonly string[]): Run[] {
  const runs: Run[] = [];
  for (const name of hosts) {
    const last = runs.at(-1);
    if (last !== undefined && name === nextName(last)) last.names.push(name);
    else runs.push({ names: [name], numbered: split(name) });
  }
  // Two of them are as short as a range, and easier to read and to copy.
  return runs.flatMap((run) => (run.names.length === 2 ? run.names.map((name) => ({ ...run, names: [name] })) : [run]));
}

/** Cuts at the last number of the first label, as in `web07.eu.example.com`; an address has none. */
function split(name: string): Run['numbered'] {
  if (/^[\d.:]+$/.test(name)) return undefined;
  const match = /^(?<prefix>[^.]*?)(?<digits>\d{1,9})(?<suffix>[^\d.]*(?:\..*)?)$/.exec(name);
  const { prefix, digits, suffix } = match?.groups ?? {};
  return prefix === undefined || digits === undefined || suffix === undefined ? undefined : { prefix, digits, suffix };
}

function nextName({ names, numbered }: Run): string | undefined {
  if (numbered === undefined) return undefined;
  const { prefix, digits, suffix } = numbered;
  const next = String(Number(digits) + names.length);
  const isPadded = digits.startsWith('0') && digits.length > 1;
  if (isPadded && next.length > digits.length) return undefined;
  return `${prefix}${isPadded ? next.padStart(digits.length, '0') : next}${suffix}`;
}

function formatRun({ names }: Run): string {
  const [first = ''] = names;
  return names.length === 1 ? first : `${first}…${names.at(-1) ?? ''}`;
}
