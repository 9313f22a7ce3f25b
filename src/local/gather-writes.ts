import type { Socket } from 'node:net';

/**
 * Sends what is written to a socket within one turn together. ssh2 writes each packet in three parts, and often several
 * packets in a row: every part would be a call of the system.
 */
export function gatherWrites(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: readonly unknown[]) => boolean;
  let isGathering = false;
  const send = (): void => {
    isGathering = false;
    socket.uncork();
  };
  const gather = (...args: readonly unknown[]): boolean => {
    if (!isGathering) {
      isGathering = true;
      socket.cork();
      process.nextTick(send);
    }
    return write(...args);
  };
  return Object.assign(socket, { write: gather });
}
