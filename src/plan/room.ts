import type { Room } from '../docker/observed.ts';

/** What must be free before a node is touched, so that it can be put back: docker writes with every start and rename. */
const marginBytes = 100 * 1024 * 1024;
const marginInodes = 1000;

/** And so that containers can be created ahead of their turn: whoever else writes there may need the rest. */
const ampleBytes = 10 * marginBytes;
const ampleInodes = 10 * marginInodes;

/** Whether a host has room for more than it needs; not where that cannot be told. */
export function hasAmpleRoom(room: Room | undefined): boolean {
  return room !== undefined && room.freeBytes >= ampleBytes && (room.freeInodes ?? ampleInodes) >= ampleInodes;
}

/** What is wrong with the room on a host, and what to do; undefined where it suffices or cannot be told. */
export function lackOfRoom(room: Room | undefined): string | undefined {
  if (room === undefined) return undefined;
  const { folder, freeBytes, freeInodes } = room;
  const lacksBytes = freeBytes < marginBytes;
  const lacksInodes = freeInodes !== undefined && freeInodes < marginInodes;
  if (!lacksBytes && !lacksInodes) return undefined;
  const free = [
    ...(lacksBytes
      ? [`${Math.floor(freeBytes / 1024 / 1024)} MB free, ${marginBytes / 1024 / 1024} MB are needed`]
      : []),
    ...(lacksInodes ? [`${freeInodes} inodes free, ${marginInodes} are needed`] : []),
  ];
  return `${folder} has ${free.join('; ')} to put a node back. Make room: docker system df shows what docker keeps, docker image prune removes unused layers`;
}
