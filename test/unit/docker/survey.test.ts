import { expect, test } from 'vitest';
import type { Wanted } from '../../../src/docker/commands.ts';
import { parseSurvey } from '../../../src/docker/observe.ts';
import { missingFrom } from '../../../src/docker/survey.ts';

const image = (name: string) => ({ Id: `sha256:${name}`, RepoDigests: [`shop/${name}@sha256:1`], RootFS: {} });
const container = (name: string, of = name) => ({ Id: name, Name: `/${name}`, Image: `sha256:${of}`, State: {} });

/** `names`: of all containers; `documents`: of ours, and of the images that were found. */
const missing = (names: readonly string[], documents: readonly object[], wanted: Wanted): Wanted | undefined =>
  missingFrom(parseSurvey([{}, names, documents].map((each) => JSON.stringify(each)).join('\n')), wanted);

test('nothing is missing where a host runs what is wanted, whatever else runs there', () => {
  const found = [container('app'), image('app')];
  expect(missing(['app', 'db'], found, { names: ['app', 'app.next'], images: ['shop/app@sha256:1'] })).toBeUndefined();
  expect(missing([], [], { names: ['app'], images: [] })).toBeUndefined();
});

test('images that no container of ours runs are asked for, and networks and volumes always, without the containers', () => {
  const found = [container('app'), image('app')];
  const images = ['shop/app@sha256:1', 'shop/app@sha256:2'];
  expect(missing(['app'], found, { names: ['app'], images, networks: ['front'] })).toEqual({
    names: undefined,
    images: ['shop/app@sha256:2'],
    networks: ['front'],
    volumes: [],
  });
});

test('everything is asked for where a wanted name is somebody else’s, and where an image was not to be told from a container', () => {
  const wanted = { names: ['app'], images: [] };
  expect(missing(['app', 'web'], [], wanted)).toEqual(wanted);
  expect(missing(['web', 'link'], [], { names: ['link'], images: [] })).toEqual({ names: ['link'], images: [] });
  // docker took the image `app` for the container of that name.
  expect(missing(['app'], [container('app', 'other')], wanted)).toEqual(wanted);
});
