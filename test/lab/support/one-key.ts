import fc from 'fast-check';
import { expect } from 'vitest';
import { diffService, liveUpdate } from '../../../src/docker/diff.ts';
import { updateStep } from '../../../src/docker/steps.ts';
import type { Docker } from '../../../src/docker/docker.ts';
import { specHash } from '../../../src/docker/hash.ts';
import { labels } from '../../../src/docker/names.ts';
import type { Observed } from '../../../src/docker/observed.ts';
import type { Service } from '../../../src/model/service.ts';
import { keyForms, writtenTwice } from '../../support/arbitrary-services.ts';
import { service } from '../../support/services.ts';

/** Services, and a key with another value of it; without the keys of `left`. */
const changesWithout = (left: readonly string[]) => {
  const keys = Object.keys(keyForms).filter((key) => !left.includes(key));
  return fc.tuple(writtenTwice, fc.constantFrom(...keys)).chain(([{ short }, key]) =>
    fc.record({
      written: fc.constant(Object.fromEntries(Object.entries(short).filter(([name]) => !left.includes(name)))),
      key: fc.constant(key),
      form: keyForms[key] ?? fc.constant({ short: undefined, long: undefined }),
    }),
  );
};

/**
 * Random services, applied, changed in one random key, applied: the difference is that key and no other, and there is
 * none after either. Rejects with the smallest service that fails; resolves to how often each key was changed.
 */
export async function changeOneKey(
  docker: Docker,
  image: string,
  options: {
    readonly runs: number;
    readonly seed?: number;
    readonly onRound?: (key: string) => void;
    /** After so long no further round begins: what a busy machine has not tried is left out. */
    readonly limitMs?: number;
    /** Keys that this docker cannot hold. */
    readonly without?: readonly string[];
  },
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  await fc.assert(
    // Networks would have to exist; they have a test of their own.
    fc.asyncProperty(changesWithout(['networks', ...(options.without ?? [])]), async ({ written, key, form }) => {
      const first = { ...written, image };
      const before = service(first);
      const after = service({ ...first, [key]: form.short });
      fc.pre(specHash(before) !== specHash(after));
      await apply(docker, before);
      expect(await differences(docker, before)).toEqual([]);
      expect(new Set((await differences(docker, after)).map((path) => path.split('.')[0]))).toEqual(new Set([key]));
      await apply(docker, after);
      expect(await differences(docker, after)).toEqual([]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      options.onRound?.(key);
    }),
    {
      numRuns: options.runs,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      ...(options.limitMs === undefined ? {} : { interruptAfterTimeLimit: options.limitMs }),
    },
  );
  return counts;
}

/** Brings the container to the service: not at all, live, or anew. */
export async function apply(docker: Docker, wanted: Service): Promise<void> {
  const { containers, images } = await observe(docker, wanted);
  const current = containers.get('app');
  const live = current && liveUpdate(wanted, current, images);
  if (live !== undefined) {
    await docker.carryOut([updateStep('app', live)]);
    return;
  }
  if (current !== undefined && diffService(wanted, current, images).length === 0) return;
  await docker.remove('app');
  await docker.create(wanted, 'app', { [labels.play]: 'convergence', [labels.specHash]: specHash(wanted) });
}

export async function differences(docker: Docker, wanted: Service): Promise<readonly string[]> {
  const { containers, images } = await observe(docker, wanted);
  const container = containers.get('app');
  return container === undefined ? ['container'] : diffService(wanted, container, images).map(({ path }) => path);
}

function observe(docker: Docker, { image }: Service): Promise<Observed> {
  return docker.observe({ names: ['app'], images: [image.written] });
}
