import type { JsonObject } from './spec.ts';

/** What a container can share with another, by the key of its host config, and docker's words where that one does not run. */
const refusals = {
  NetworkMode: (id: string) => `cannot join network of a non running container: ${id}`,
  IpcMode: (id: string) => `can't join IPC of container ${id}: container ${id} is not running`,
  PidMode: (id: string) => `container ${id} is not running`,
};

/** The container that a mode of the host config names: `container:ID`. */
export function sharedWith(hostConfig: JsonObject, key: string): string | undefined {
  const mode = hostConfig[key];
  return typeof mode === 'string' && mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

/** Every share of a container: whose it is, and why it is refused while that one does not run. */
export function sharesOf(hostConfig: JsonObject) {
  return Object.entries(refusals).flatMap(([key, refusal]) => {
    const reference = sharedWith(hostConfig, key);
    return reference === undefined ? [] : [{ key, reference, refusal }];
  });
}
