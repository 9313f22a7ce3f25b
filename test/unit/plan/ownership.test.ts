import { describe, expect, test } from 'vitest';
import { labels } from '../../../src/docker/names.ts';
import type { Container } from '../../../src/docker/observed.ts';
import { isUnchanged, reconcile } from '../../../src/plan/reconcile.ts';
import { container, desired, observed, service } from '../../support/simulated-host.ts';

const context = {
  host: 'h1',
  play: 'web tier',
  playbook: { name: 'shop', plays: ['web tier', 'jobs'] },
  gate: undefined,
  removeOrphans: true,
};
const app = service('app', 'v1');

/** Made for another playbook or play; without a playbook, as by a rollout that did not write it yet. */
const made = (playbook: string | undefined, play: string, name = 'app'): Container => {
  const one = container(service(name, 'v1'), { play });
  const { [labels.playbook]: _, ...others } = one.labels;
  return { ...one, labels: playbook === undefined ? others : { ...others, [labels.playbook]: playbook } };
};
const planOf = (containers: readonly Container[]) => reconcile(desired([app]), observed(containers), context);
const changesOf = (containers: readonly Container[]) =>
  planOf(containers).changes.map(({ kind, service: name, cause }) => `${kind} ${name}: ${cause}`);

describe('a container of the name of a service', () => {
  test.each<[string, Container]>([
    ['of this play', made('shop', 'web tier')],
    ['of this play, made before playbooks were written down', made(undefined, 'web tier')],
    ['of a play of this playbook that was renamed', made('shop', 'web')],
    ['of a play that was renamed, made before playbooks were written down', made(undefined, 'web')],
  ])('stays as it is: %s', (_, current) => {
    expect(isUnchanged(planOf([current]))).toBe(true);
  });

  test.each<[string, Container, string]>([
    ['another playbook', made('other', 'web tier'), 'of play web tier of playbook other → of play web tier'],
    [
      'another service of a renamed play',
      { ...made('shop', 'web', 'worker'), name: 'app' },
      'of play web → of play web tier',
    ],
    ['nobody', { ...made('shop', 'web tier'), labels: {} }, 'not created by rollout → of play web tier'],
  ])('is adopted from %s, and the plan says so', (_, current, cause) => {
    expect(changesOf([current])[0]).toContain(`adopt app: container ${cause}`);
  });
});

describe('a container that no service names', () => {
  test.each<[string, Container, readonly string[]]>([
    ['of this play is removed', made('shop', 'web tier', 'old'), ['remove old: the play no longer names it']],
    ['of a play of the same name in another playbook is not looked at', made('other', 'web tier', 'old'), []],
    ['of another play of this playbook is not looked at', made('shop', 'jobs', 'old'), []],
    [
      'of this play or of another playbook’s is only reported where nothing tells them apart',
      made(undefined, 'web tier', 'old'),
      [
        "orphan old: the play no longer names it, unless another playbook's play web tier does; remove it by hand if nobody needs it: docker rm -f old",
      ],
    ],
    [
      'of a play that this playbook no longer has is only reported',
      made('shop', 'web', 'old'),
      [
        'orphan old: play web, which the playbook no longer has, made it; remove it by hand if nobody needs it: docker rm -f old',
      ],
    ],
    ['of an unknown play, made before playbooks were written down, is not looked at', made(undefined, 'x', 'old'), []],
  ])('%s', (_, orphan, changes) => {
    expect(changesOf([container(app), orphan])).toEqual(changes);
  });
});
