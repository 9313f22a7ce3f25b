import { runningServices } from '../../docker/running.ts';
import type { Facts } from '../../model/host.ts';
import { lookAll } from '../composition/hosts.ts';
import type { OpenedRun } from '../open.ts';
import { badDigestsOf, recallBad, type BadDigest } from '../remembered.ts';
import { placeOf, type RunningImages } from './tags.ts';

/** Hosts as a watch reads them when a tag has moved: what they run, and which of them do not say. */
export interface WatchedFleet {
  readonly facts: ReadonlyMap<string, Facts>;
  readonly running: RunningImages;
  /** Digests that were sent back, whoever rolled them out. */
  readonly bad: ReadonlyMap<string, BadDigest>;
  readonly troubles: readonly { readonly host: string; readonly text: string }[];
}

/** Reads every host of the playbook; changes nothing and takes no lock. */
export async function readFleet(opened: OpenedRun): Promise<WatchedFleet> {
  const facts = new Map<string, Facts>();
  const running = new Map<string, string>();
  const troubles: { host: string; text: string }[] = [];
  const bad: { host: string; found: Awaited<ReturnType<typeof recallBad>> }[] = [];
  const looks = await lookAll(opened, async (session) => {
    const [survey, found] = await Promise.all([session.survey(), recallBad(session.remote)]);
    return { ...survey, bad: found };
  });
  for (const look of looks) {
    const { host } = look;
    if ('trouble' in look) {
      troubles.push({ host, text: look.trouble });
      continue;
    }
    facts.set(host, look.found.facts);
    bad.push({ host, found: look.found.bad });
    for (const { play, service, image } of runningServices(
      look.found.observed.containers.values(),
      opened.playbook.name,
    ))
      running.set(placeOf(host, play, service), image);
  }
  return { facts, running, bad: badDigestsOf(bad), troubles };
}
