import { agreedRun, type Remembered } from '../store/hosts/agreed.ts';
import type { KeptRun } from '../store/hosts/kept-run.ts';
import { rememberedRuns, type RecallOptions } from './remembered.ts';

/** A run as the hosts of a playbook remember it. */
export interface RunOfHistory {
  readonly run: string;
  /** Undefined where they do not agree on it. */
  readonly about?: KeptRun;
  /** What each host that knows it says of itself, by play. */
  readonly hosts: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The newest runs that the hosts of a playbook remember, newest first. @throws ConfigError, RunRefused */
export async function historyOfHosts(
  playbook: string,
  options: RecallOptions,
  most: number,
): Promise<{ readonly runs: readonly RunOfHistory[]; readonly troubles: readonly string[] }> {
  const { hosts, troubles } = await rememberedRuns(playbook, options, { most });
  return { runs: historyFrom(hosts).slice(0, most), troubles };
}

/** Runs of several hosts as one list. */
export function historyFrom(remembered: readonly Remembered[]): readonly RunOfHistory[] {
  const ids = new Set(remembered.flatMap(({ runs }) => runs.map(({ run }) => run)));
  return [...ids]
    .sort()
    .reverse()
    .map((run) => {
      const agreed = agreedRun(remembered, run);
      const hosts = remembered.flatMap(({ host, runs }) =>
        runs.filter((each) => each.run === run).map(({ plays }) => [host, resultsOf(plays)] as const),
      );
      const about = 'message' in agreed ? undefined : endOf(agreed.run, [...agreed.byHost.values()]);
      return { run, hosts: Object.fromEntries(hosts), ...(about === undefined ? {} : { about }) };
    });
}

function resultsOf(plays: KeptRun['plays']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(plays).map(([play, { result }]) => [play, result]));
}

/** A host that was away at the end does not know it. */
function endOf(run: KeptRun, all: readonly KeptRun[]): KeptRun {
  const ended = all.find(({ outcome }) => outcome !== undefined);
  if (ended === undefined) return run;
  const { outcome, exitCode, durationMs } = ended;
  return { ...run, outcome, exitCode, durationMs };
}
