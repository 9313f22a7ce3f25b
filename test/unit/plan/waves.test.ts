import { describe, expect, test } from 'vitest';
import type { Amount, CanaryPolicy, Strategy } from '../../../src/model/strategy.ts';
import { wavesOf, type Pace, type WaveNode } from '../../../src/plan/waves.ts';

type Order = Pick<Strategy, 'canary' | 'stages' | 'zones' | 'maxUnavailable'>;

const percent = (share: number): Amount => ({ percent: share });
const canaryOf = (count: number): Pick<CanaryPolicy, 'hosts' | 'bakeMs'> => ({ hosts: { count }, bakeMs: 30_000 });

function order(parts: Partial<Omit<Order, 'canary'>> & { readonly canaries?: number } = {}): Order {
  const { canaries = 1, ...others } = parts;
  const canary = { promote: 'auto', minRequests: 50, maxErrorRatio: 0.01, ...canaryOf(canaries) } as CanaryPolicy;
  return { canary, stages: [], maxUnavailable: percent(25), ...others };
}

/** `h1 h2 h3`; `h1@a` in zone a, `-h1` unchanged, `+h1` finished by the run before. */
function nodes(text: string): readonly WaveNode[] {
  return text.split(' ').map((word) => {
    const [, sign, name = '', zone] = /^([-+]?)([^@]+)(?:@(.+))?$/.exec(word) ?? [];
    const state = { isChanging: sign === '', isFinished: sign === '+' };
    return { name, ...state, ...(zone === undefined ? {} : { zone }) };
  });
}

function story(
  strategy: Order,
  text: string,
  pace: Pace = 'careful',
  judged: readonly string[] = [],
): readonly string[] {
  return wavesOf(strategy, nodes(text), pace, (wave) => judged.includes(wave)).map(
    ({ name, hosts, finished, maxUnavailable, bakeMs }) =>
      `${name}: ${[...finished.map((host) => `(${host})`), ...hosts].join(' ')} ×${maxUnavailable}${bakeMs > 0 ? `, ${bakeMs / 1000} s` : ''}`,
  );
}

const ten = 'h1 h2 h3 h4 h5 h6 h7 h8 h9 h10';

describe('the order of a play', () => {
  test('has its gate behind the canary until it has been passed, also where a run goes on', () => {
    const gated = (text: string, judged: readonly string[] = [], pace: Pace = 'careful') =>
      wavesOf(order(), nodes(text), pace, (wave) => judged.includes(wave), true).map(
        ({ name, isGated }) => `${name}${isGated ? ', gate' : ''}`,
      );
    expect(gated('h1 h2')).toEqual(['canary, gate', 'the others']);
    expect(gated('h1')).toEqual(['canary, gate']);
    expect(gated('h1 h2', [], 'unbaked')).toEqual(['canary, gate', 'the others']);
    expect(gated('+h1 h2', ['canary'])).toEqual(['canary, gate', 'the others']);
    expect(gated('+h1 h2', ['canary', 'gate'])).toEqual(['the others']);
    expect(gated('h1 h2', [], 'direct')).toEqual(['the others']);
    expect(gated('-h1 -h2')).toEqual([]);
  });

  test('is the canary and then everyone else, unless it says more', () => {
    expect(story(order(), ten)).toEqual(['canary: h1 ×2, 30 s', 'the others: h2 h3 h4 h5 h6 h7 h8 h9 h10 ×2']);
    expect(story(order({ canaries: 0 }), 'h1 h2')).toEqual(['the others: h1 h2 ×1']);
    expect(story(order(), 'h1 -h2')).toEqual(['canary: h1 ×1, 30 s']);
    expect(story(order(), '-h1 -h2')).toEqual([]);
  });

  test('has stages that count what was updated before them, and bake as the canary did', () => {
    expect(story(order({ stages: [percent(30), percent(50)] }), ten)).toEqual([
      'canary: h1 ×2, 30 s',
      'stage 30%: h2 h3 ×2, 30 s',
      'stage 50%: h4 h5 ×2, 30 s',
      'the others: h6 h7 h8 h9 h10 ×2',
    ]);
    expect(story(order({ stages: [{ count: 4 }], canaries: 0 }), ten)).toEqual([
      'stage 4: h1 h2 h3 h4 ×2, 30 s',
      'the others: h5 h6 h7 h8 h9 h10 ×2',
    ]);
  });

  test('leaves out a stage that adds no node, and its bake with it', () => {
    expect(story(order({ stages: [percent(10), percent(15), percent(50)] }), ten)).toEqual([
      'canary: h1 ×2, 30 s',
      'stage 50%: h2 h3 h4 h5 ×2, 30 s',
      'the others: h6 h7 h8 h9 h10 ×2',
    ]);
    // A share of few nodes is 1, never 0.
    expect(story(order({ stages: [percent(10)], canaries: 0 }), 'h1 h2 h3')).toEqual([
      'stage 10%: h1 ×1, 30 s',
      'the others: h2 h3 ×1',
    ]);
  });

  test('has no bake after the last node of the play, also where a stage would end with it', () => {
    expect(story(order({ stages: [percent(50), percent(100)] }), 'h1 h2 h3 h4')).toEqual([
      'canary: h1 ×1, 30 s',
      'stage 50%: h2 ×1, 30 s',
      'the others: h3 h4 ×1',
    ]);
    // Shares are of the fleet, not of those that change.
    expect(story(order({ stages: [percent(50)] }), 'h1 h2 -h3 -h4')).toEqual([
      'canary: h1 ×1, 30 s',
      'the others: h2 ×1',
    ]);
  });

  test('has zones one after the other, with the canary in the first one that changes', () => {
    const zones = { bakeMs: 120_000 };
    expect(story(order({ zones }), '-h1@a h2@b h3@b h4@b h5@c h6@c')).toEqual([
      'canary: h2 ×1, 30 s',
      'zone b: h3 h4 ×1, 120 s',
      'zone c: h5 h6 ×1',
    ]);
  });

  test('has the shares of a zone, not of the play, where there are zones', () => {
    const zones = { bakeMs: 60_000 };
    const inTurn = 'h1@a h2@b h3@a h4@b h5@a h6@b h7@a h8@b';
    expect(story(order({ zones, stages: [percent(50)], maxUnavailable: percent(50) }), inTurn)).toEqual([
      'canary: h1 ×2, 30 s',
      'stage 50% of zone a: h3 ×2, 30 s',
      'zone a: h5 h7 ×2, 60 s',
      'stage 50% of zone b: h2 h4 ×2, 30 s',
      'zone b: h6 h8 ×2',
    ]);
  });

  test('keeps canaries within their zone, and holds for the longer bake where a canary is all of its zone', () => {
    const zones = { bakeMs: 120_000 };
    expect(story(order({ zones, canaries: 2 }), 'h1@a h2@b h3@b')).toEqual([
      'canary: h1 ×1, 120 s',
      'zone b: h2 h3 ×1',
    ]);
    expect(story(order({ zones: { bakeMs: 0 } }), 'h1@a h2@b')).toEqual(['canary: h1 ×1, 30 s', 'zone b: h2 ×1']);
    expect(story(order({ zones }), 'h1@a h2@a')).toEqual(['canary: h1 ×1, 30 s', 'zone a: h2 ×1']);
  });

  test('is kept without its bakes, or gone without canary and stages, as asked', () => {
    const strategy = order({ stages: [percent(50)], zones: { bakeMs: 60_000 } });
    expect(story(strategy, 'h1@a h2@a h3@b', 'unbaked')).toEqual(['canary: h1 ×1', 'zone a: h2 ×1', 'zone b: h3 ×1']);
    expect(story(strategy, 'h1@a h2@a h3@b', 'direct')).toEqual(['zone a: h1 h2 ×1', 'zone b: h3 ×1']);
  });
});

describe('the order of a run that goes on', () => {
  const strategy = order({ stages: [percent(50)] });

  test('is what is left of the same order', () => {
    expect(story(strategy, '+h1 +h2 h3 h4', 'careful', ['canary', 'stage 50%'])).toEqual(['the others: h3 h4 ×1']);
    expect(story(strategy, '+h1 h2 h3 h4', 'careful', ['canary'])).toEqual([
      'stage 50%: h2 ×1, 30 s',
      'the others: h3 h4 ×1',
    ]);
  });

  test('has nodes that were finished hold again where their bake was not', () => {
    expect(story(strategy, '+h1 h2 h3 h4')).toEqual([
      'canary: (h1) ×1, 30 s',
      'stage 50%: h2 ×1, 30 s',
      'the others: h3 h4 ×1',
    ]);
    expect(story(strategy, '+h1 +h2 h3 h4', 'careful', ['canary'])).toEqual([
      'stage 50%: (h2) ×1, 30 s',
      'the others: h3 h4 ×1',
    ]);
  });

  test('does not judge a wave again whose node has broken since', () => {
    const broken = nodes('h1 +h2 h3 h4').map((node) => ({ ...node, isFinished: node.name <= 'h2' }));
    const waves = wavesOf(strategy, broken, 'careful', (wave) => wave !== 'the others');
    expect(waves.map(({ name, hosts, bakeMs }) => ({ name, hosts, bakeMs }))).toEqual([
      { name: 'canary', hosts: ['h1'], bakeMs: 0 },
      { name: 'the others', hosts: ['h3', 'h4'], bakeMs: 0 },
    ]);
  });
});
