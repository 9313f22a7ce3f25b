import { nextName } from '../../../docker/names.ts';
import type { ReplacementOrder } from '../order.ts';
import { healNode } from './heal.ts';
import { lineupOf, namesOf } from './lineup.ts';
import { parkedContainers, planRestore } from './put-back.ts';
import { replaceSteps } from './replace.ts';
import { rotation } from './rotate.ts';

/**
 * One container of a service at a time: its successor is created beside it as `NAME.next`, then the old one stops and is
 * parked as `NAME.previous`, and only then the new one starts. They share ports and volumes; the node serves nothing
 * meanwhile.
 */
export const stopFirst: ReplacementOrder = {
  name: 'stop-first',
  containerNames: namesOf,
  isMidway: ({ containerName }, containers) => containers.has(nextName(containerName)),
  replace: replaceSteps,
  rotate: rotation,
  heal: healNode,
  putBack: planRestore,
  kept: ({ containerName }, containers) => lineupOf(containerName, containers).previous,
  before: parkedContainers,
};
