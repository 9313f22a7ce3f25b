import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { agreedRun, newestAgreed, type AgreedRun, type Disagreement } from '../store/hosts/agreed.ts';
import { RunNotFoundError } from '../store/runs.ts';
import { rememberedRuns, type RecallOptions } from './remembered.ts';

/** A run as the hosts of a playbook remember it, with what is worth saying of where that comes from. */
export interface RunOfHosts extends AgreedRun {
  readonly notice: string;
}

/**
 * A run that no journal here knows, by its id or the beginning of it, from the hosts of a playbook. Nothing but ids,
 * images and results is taken from hosts: no path, no option and no command.
 * @throws RunNotFoundError where no host knows it, RunRefused where they do not agree
 */
export async function runOfHosts(playbook: string, id: string, options: RecallOptions): Promise<RunOfHosts> {
  const { hosts, troubles } = await rememberedRuns(playbook, options, { prefix: id });
  const found = agreedRun(hosts, id);
  if ('message' in found && found.details.length === 0)
    throw new RunNotFoundError(`${found.message}, and neither does this folder${afterwards(troubles)}`);
  return settled(found, troubles);
}

/** The newest run that deployed a composition, of those that more than half of the hosts know; undefined: none of them does. */
export async function deploymentOfHosts(
  playbook: string,
  composition: string,
  options: RecallOptions,
): Promise<RunOfHosts | undefined> {
  const { hosts, troubles } = await rememberedRuns(playbook, options);
  const found = newestAgreed(
    hosts,
    (run) => run.composition === composition && (run.outcome === 'changed' || run.outcome === 'unchanged'),
  );
  return found === undefined ? undefined : settled(found, troubles);
}

function settled(found: AgreedRun | Disagreement, troubles: readonly string[]): RunOfHosts {
  if ('message' in found) throw new RunRefused(exitCodes.usage, found.message, found.details);
  const { hosts, run } = found;
  const told = hosts.length > 6 ? `${hosts.length} hosts` : hosts.join(', ');
  return {
    ...found,
    notice: `run ${run.run} is not known here: what it was is what ${told} remember${afterwards(troubles)}`,
  };
}

function afterwards(troubles: readonly string[]): string {
  return troubles.length === 0 ? '' : `; not asked: ${troubles.join('; ')}`;
}
