import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from './fleet.ts';

export interface PlaybookParts {
  /** Name of the file, without its ending. */
  readonly file?: string;
  /** Full image references. */
  readonly app: string;
  readonly health: string;
  /** Over the app's keys. */
  readonly appKeys?: Readonly<Record<string, unknown>>;
  readonly healthKeys?: Readonly<Record<string, unknown>>;
  readonly strategy?: Readonly<Record<string, unknown>>;
  readonly play?: Readonly<Record<string, unknown>>;
  readonly top?: Readonly<Record<string, unknown>>;
  /** Plays after the usual one. */
  readonly more?: readonly Readonly<Record<string, unknown>>[];
}

/** Short waits, everything else as by default. */
export const quickStrategy = {
  canary: { hosts: 1, bake: '1s', bake_max: '1s', min_requests: 20 },
  max_unavailable: 2,
  min_available: 3,
  min_healthy_time: '300ms',
  healthy_deadline: '20s',
  progress_deadline: '60s',
  drain: { timeout: '15s' },
};

/** Writes the fleet's usual playbook, health and app behind the balancer, and resolves to its path. */
export async function writePlaybook(fleet: Fleet, parts: PlaybookParts): Promise<string> {
  const playbook = {
    name: 'shop',
    inventory: fleet.inventoryFile,
    ...parts.top,
    plays: [
      {
        name: 'web tier',
        hosts: 'web',
        load_balancer: { type: 'haproxy', stats: [fleet.statsUrl], backend: 'web' },
        health_container: 'health',
        strategy: { ...quickStrategy, ...parts.strategy },
        services: {
          health: { image: parts.health, ports: ['8081:8080'], restart: 'always', ...parts.healthKeys },
          app: {
            image: parts.app,
            ports: ['8080:8080'],
            restart: 'always',
            stop_grace_period: '10s',
            probe: { http: { port: 8080, path: '/ready' }, interval: '100ms' },
            ...parts.appKeys,
          },
        },
        ...parts.play,
      },
      ...(parts.more ?? []),
    ],
  };
  const file = join(fleet.dir, `${parts.file ?? 'playbook'}.yaml`);
  // JSON is YAML.
  await writeFile(file, JSON.stringify(playbook, undefined, 2));
  return file;
}
