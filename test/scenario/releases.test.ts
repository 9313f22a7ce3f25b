import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatedReleases, releaseStory, tellRelease } from '../support/release-story.ts';
import { startStage, type Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ hosts: 3 });
});
afterAll(() => stage.close());

test("the manual's release goes its whole way, without the controller's folder, and every host has exactly its digests", async () => {
  const { fleet, cwd } = stage;
  const rollout = (...args: readonly string[]) => stage.rollout(...args);
  const told = await tellRelease({ fleet, cwd, rollout, forgets: true, isPlain: false, addresses: {} });
  expect(told).toEqual({
    story: releaseStory,
    gate: gatedReleases,
    release: [expect.stringMatching(/^app=\S+\/shop\/app@sha256:/), expect.stringMatching(/^health=\S+@sha256:/)],
    production: { h2: told.release, h3: told.release },
  });
}, 180_000);
