import { join } from 'node:path';
import { lastJournal } from './counts.ts';
import { splitNodes, type NodeSplit } from './critical-path.ts';
import { onFleet, type Setting } from './rounds.ts';
import { readWitnesses, watchServers } from './witness.ts';

export interface Paths {
  readonly hosts: number;
  readonly maxUnavailable: string;
  readonly nodes: readonly NodeSplit[];
  readonly faults: readonly string[];
}

/** Where the time of each node's update goes, for one run of each `maxUnavailable`. */
export async function readPaths(hosts: number, limits: readonly string[], setting: Setting): Promise<readonly Paths[]> {
  return await onFleet(hosts, setting, async (ring) => {
    const deployed = await ring.first('rollout');
    const paths: Paths[] = [];
    for (const maxUnavailable of limits) {
      const watch = await watchServers(ring.lab);
      const figure = await ring.update('rollout', { maxUnavailable, flags: ['-vvv'] });
      const shown = await watch.stop();
      const nodes = splitNodes(
        await lastJournal(join(ring.folder, 'state', 'runs')),
        await readWitnesses(ring.lab, shown),
      );
      paths.push({ hosts, maxUnavailable, nodes, faults: [...deployed.faults, ...figure.faults] });
    }
    return paths;
  });
}
