import type { RegistryImage } from './image.ts';
import type { ContainerSpec } from './spec.ts';

/** What the container runs: entrypoint and command, its own or the image's. */
export function commandLine(spec: ContainerSpec, image: RegistryImage): readonly string[] {
  const entrypoint = spec.entrypoint ?? image.config.Entrypoint ?? [];
  // Docker: an entrypoint of one's own drops the image's command.
  const command = spec.command ?? (spec.entrypoint === undefined ? (image.config.Cmd ?? []) : []);
  return [...entrypoint, ...command];
}

/** The container's own variables first, then those of the image that it does not set. */
export function mergeEnv(own: readonly string[], inherited: readonly string[]): readonly string[] {
  const names = new Set(own.map((entry) => splitEnv(entry)[0]));
  return [...own, ...inherited.filter((entry) => !names.has(splitEnv(entry)[0]))];
}

export function splitEnv(entry: string): [string, string] {
  const equals = entry.indexOf('=');
  return equals === -1 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
