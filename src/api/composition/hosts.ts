import type { Running } from '../../composition/running.ts';
import { runningServices } from '../../docker/running.ts';
import { lookAtAll, type Look } from '../../engine/read-hosts.ts';
import type { HostSession } from '../../engine/session.ts';
import type { Facts } from '../../model/host.ts';
import type { OpenedRun } from '../open.ts';

/** A host as it is now: its facts, and what it runs of the playbook. */
export interface HostNow {
  readonly facts: Facts;
  readonly running: readonly Running[];
}

/** Reads every host of the playbook; changes nothing and takes no lock. */
export function lookAtHosts(opened: OpenedRun): Promise<readonly Look<HostNow>[]> {
  const { playbook } = opened;
  return lookAll(opened, async (session) => {
    const { facts, observed } = await session.survey();
    const services = runningServices(observed.containers.values(), playbook.name);
    return { facts, running: services.map((each) => ({ host: session.host.name, ...each })) };
  });
}

/** Asks every host of the playbook for something. */
export function lookAll<T>(opened: OpenedRun, read: (session: HostSession) => Promise<T>): Promise<readonly Look<T>[]> {
  const { playbook, connector, holder, context } = opened;
  const hosts = playbook.plays.flatMap((play) => play.hosts);
  return lookAtAll(hosts, { connector, holder, clock: context.clock, forks: context.forks }, read);
}

export function troublesOf(looks: readonly Look<unknown>[]): readonly { host: string; text: string }[] {
  return looks.flatMap((look) => ('trouble' in look ? [{ host: look.host, text: look.trouble }] : []));
}

export function foundOf<T>(looks: readonly Look<T>[]): readonly T[] {
  return looks.flatMap((look) => ('found' in look ? [look.found] : []));
}
