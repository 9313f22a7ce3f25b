import { expect, test } from 'vitest';
import { imagesByName } from '../../../src/api/earlier-runs.ts';
import { formatImageRef } from '../../../src/model/image.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const app = 'r.example.com/shop/app';
const had = (record: Readonly<Record<string, string>>): unknown => {
  try {
    return [...imagesByName('R', record)].map(([name, image]) => [name, formatImageRef(image)]);
  } catch (error) {
    return (error as Error).message;
  }
};

test.each([
  [{ [`${app}:1`]: `${app}:1@${digest('a')}` }, [[app, `${app}:1@${digest('a')}`]]],
  [{ redis: `redis:latest@${digest('b')}` }, [['redis', `redis:latest@${digest('b')}`]]],
  [
    { [`${app}:1`]: `${app}:1@${digest('a')}`, [`${app}:2`]: `${app}:2@${digest('b')}` },
    `run R had two images of ${app} (1 and 2): go back with a composition that names both`,
  ],
  [{}, 'nothing says which images run R had: it ended before its plan'],
  [{ [`${app}:1`]: digest('a') }, `run R sent ${app}:1 by --push, and no registry has it`],
  [
    { redis: `redis:latest@${digest('b')}`, [`${app}:1`]: digest('a') },
    `run R sent ${app}:1 by --push, and no registry has it`,
  ],
])('what a run had, to go back to: %j', (record, expected) => {
  expect(had(record)).toEqual(expected);
});
