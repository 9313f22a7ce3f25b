import { areas, type Area, type Finding } from './doctor.ts';

/** Areas that were examined of at least one host, and those that were not, with the hosts. */
export function examinedAreas(
  hosts: readonly string[],
  findings: readonly Finding[],
): { readonly examined: readonly Area[]; readonly missed: ReadonlyMap<Area, readonly string[]> } {
  const endOf = (host: string): number =>
    Math.min(
      ...findings.map((each) => (each.host === host && each.isEnd === true ? areas.indexOf(each.area) : Infinity)),
    );
  const ends = new Map(hosts.map((host) => [host, endOf(host)]));
  const missed = areas.map(
    (area, index) => [area, hosts.filter((host) => index > (ends.get(host) ?? Infinity))] as const,
  );
  return {
    examined: missed.flatMap(([area, without]) => (without.length === hosts.length ? [] : [area])),
    missed: new Map(missed.filter(([, without]) => without.length > 0)),
  };
}
