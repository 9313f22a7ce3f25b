import * as z from 'zod';
import type { Canonical } from '../../model/service.ts';
import { draftKey, type Draft, type KeyScope, type ServiceKey } from '../key.ts';
import { durationMs, numberBetween, size } from '../values.ts';
import { deviceRequest, formatRequest } from './gpus.ts';

const swarmOnly: ReadonlyMap<string, string> = new Map(
  Object.entries({
    placement: 'hosts are chosen by the inventory, and `when` leaves a service out on some',
    update_config: 'how an update goes is the strategy of the play',
    rollback_config: 'how a rollback goes is the strategy of the play',
    endpoint_mode: 'there is no swarm',
    labels: 'they are labels of a swarm service; those of the container are `labels` of the service',
  }),
);

const schema = () =>
  z.looseObject(
    {
      mode: z
        .literal('replicated', { error: 'must be replicated: a service runs on every host of its play' })
        .optional(),
      replicas: numberBetween(0, 1000).optional(),
      resources: z
        .strictObject({
          limits: z
            .strictObject({
              cpus: numberBetween(0, 10_000, 'any').optional(),
              memory: size.optional(),
              pids: numberBetween(-1, 4_194_304).optional(),
            })
            .optional(),
          reservations: z
            .strictObject({
              cpus: z.never({ error: 'docker reserves no processors; give a share with cpu_shares' }).optional(),
              memory: size.optional(),
              devices: z.array(deviceRequest()).optional(),
            })
            .optional(),
        })
        .optional(),
      restart_policy: z
        .strictObject({
          condition: z.enum(['none', 'on-failure', 'any'], { error: 'must be none, on-failure or any' }).optional(),
          max_attempts: numberBetween(0, 1000).optional(),
          delay: durationMs.optional(),
          window: durationMs.optional(),
        })
        .optional(),
    },
    { error: 'must be a mapping with resources, replicas or restart_policy' },
  );

/** Compose's other way to write limits and replicas. It stands after the keys that it writes. */
export const deployKey: ServiceKey = draftKey<z.infer<ReturnType<typeof schema>>>({
  name: 'deploy',
  doc: "Limits in Compose's newer form: resources.limits (cpus, memory, pids), resources.reservations (memory, devices), and replicas and restart_policy. What belongs to a swarm is refused.",
  schema,
  apply: ({ replicas, resources, restart_policy: restart, mode: _mode, ...others }, draft, scope) => {
    for (const key of Object.keys(others)) {
      const reason = swarmOnly.get(key);
      // `docker compose config` prints these with nothing in them.
      if (key.startsWith('x-') || isEmpty(others[key])) continue;
      scope.problem([key], reason === undefined ? 'is not a key of deploy' : `is for swarms: ${reason}. Remove it`);
    }
    const { limits, reservations } = resources ?? {};
    const set = (path: readonly string[], key: string, value: Canonical | undefined): void =>
      setOnce(['resources', ...path], key, value, draft, scope);
    set(['limits', 'cpus'], 'cpus', limits?.cpus || undefined);
    set(['limits', 'memory'], 'mem_limit', limits?.memory);
    set(['limits', 'pids'], 'pids_limit', limits?.pids !== undefined && limits.pids > 0 ? limits.pids : undefined);
    set(['reservations', 'memory'], 'mem_reservation', reservations?.memory);
    set(['reservations', 'devices'], 'gpus', reservations?.devices?.map(formatRequest));
    setOnce(['restart_policy'], 'restart', restart === undefined ? undefined : restartPolicy(restart), draft, scope);
    if (restart?.delay !== undefined || restart?.window !== undefined) {
      scope.problem(
        ['restart_policy'],
        'has a delay or a window, which are for swarms: docker waits longer after each restart by itself',
      );
    }
    if (replicas !== undefined) draft.scale = replicas;
  },
});

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === 'object' && Object.values(value).every((inner) => inner === undefined));
}

/** The service's own key may say the same, and nothing else. */
function setOnce(
  path: readonly string[],
  key: string,
  value: Canonical | undefined,
  draft: Draft,
  scope: KeyScope,
): void {
  if (value === undefined) return;
  const earlier = draft.spec[key];
  if (earlier !== undefined && JSON.stringify(earlier) !== JSON.stringify(value)) {
    scope.problem(path, `says ${JSON.stringify(value)}, and ${key} says ${JSON.stringify(earlier)}; keep one of them`);
  }
  draft.spec[key] = value;
}

function restartPolicy({
  condition = 'any',
  max_attempts: attempts,
}: {
  condition?: string | undefined;
  max_attempts?: number | undefined;
}): string | undefined {
  if (condition === 'none') return undefined;
  if (condition === 'any') return 'always';
  return attempts === undefined || attempts === 0 ? 'on-failure' : `on-failure:${attempts}`;
}
