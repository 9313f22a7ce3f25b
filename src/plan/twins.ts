/** A host of the inventory, and what tells its docker from every other. */
interface Told {
  readonly host: string;
  readonly dockerMark: string;
}

/**
 * Names of the inventory behind which stands one docker, in words. A run finds out by the lock; whoever only looks takes
 * none, and machines that were copied from one image may look alike: so it is a warning.
 */
export function twinWarnings(hosts: readonly Told[]): readonly string[] {
  const byMark = new Map<string, string[]>();
  for (const { host, dockerMark } of hosts) {
    const names = byMark.get(dockerMark) ?? [];
    if (!names.includes(host)) byMark.set(dockerMark, [...names, host]);
  }
  return [...byMark.values()]
    .filter((names) => names.length > 1)
    .map(
      (names) =>
        `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''} look like one machine: the same docker, hostname and containers. A run refuses that. Take the names that are too many out of the inventory or of the play, or check ansible_host and ansible_port`,
    );
}
