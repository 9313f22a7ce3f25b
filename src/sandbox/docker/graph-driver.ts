import type { JsonObject } from './spec.ts';

/** Where overlay2 keeps the layers of a container or an image. */
export function graphDriver(id: string): JsonObject {
  const layer = `/var/lib/docker/overlay2/${id}`;
  return {
    Data: {
      LowerDir: `${layer}-init/diff`,
      MergedDir: `${layer}/merged`,
      UpperDir: `${layer}/diff`,
      WorkDir: `${layer}/work`,
    },
    Name: 'overlay2',
  };
}
