import { expect, test } from 'vitest';
import type { Wanted } from '../../../src/docker/commands.ts';
import { parseSurvey } from '../../../src/docker/observe.ts';
import { missingFrom } from '../../../src/docker/survey.ts';
import { answerPart, containerDocument, containerId, infoDocument } from '../../support/docker-answers.ts';

const image = (name: string) => ({ Id: `sha256:${name}`, RepoDigests: [`shop/${name}@sha256:1`], RootFS: {} });
const container = (name: string, of = name) => ({ name, document: containerDocument(name, { Image: `sha256:${of}` }) });

/** `others`: somebody else's containers; `ours` with their documents, and those of the images that were found. */
function missing(
  others: readonly string[],
  ours: readonly ReturnType<typeof container>[],
  images: readonly object[],
  wanted: Wanted,
  count = others.length + ours.length,
): Wanted | undefined {
  const row = (name: string, whose: string) => `${containerId(name)} ${whose} ${name} shop/app:1\n`;
  const rows = [...others.map((name) => row(name, 'other')), ...ours.map(({ name }) => row(name, 'ours'))];
  const documents = [...ours.map(({ document }) => document), ...images];
  const answer =
    answerPart('info', infoDocument({ Containers: count })) +
    answerPart('ps', rows.join('')) +
    (ours.length === 0 ? '' : answerPart('inspect', documents));
  return missingFrom(parseSurvey(answer), wanted);
}

test('nothing is missing where a host runs what is wanted, whatever else runs there', () => {
  const wanted = { names: ['app', 'app.next'], images: ['shop/app@sha256:1'] };
  expect(missing(['db'], [container('app')], [image('app')], wanted)).toBeUndefined();
  expect(missing([], [], [], { names: ['app'], images: [] })).toBeUndefined();
});

test('images that no container of ours runs are asked for, and networks and volumes always, without the containers', () => {
  const images = ['shop/app@sha256:1', 'shop/app@sha256:2'];
  expect(missing(['app'], [container('app')], [image('app')], { names: ['app'], images, networks: ['front'] })).toEqual(
    {
      names: undefined,
      images: ['shop/app@sha256:2'],
      networks: ['front'],
      volumes: [],
    },
  );
});

test('everything is asked for where a wanted name is somebody else’s, and where an image was not to be told from a container', () => {
  const wanted = { names: ['app'], images: [] };
  expect(missing(['app', 'web'], [], [], wanted)).toEqual(wanted);
  expect(missing(['web', 'link'], [], [], { names: ['link'], images: [] })).toEqual({ names: ['link'], images: [] });
  // docker took the image `app` for the container of that name.
  expect(missing([], [container('app', 'other')], [], wanted)).toEqual(wanted);
});

test('everything is asked for by name where docker ps shows fewer containers than docker info counts', () => {
  const wanted = { names: ['app'], images: [] };
  expect(missing([], [], [], wanted, 2)).toEqual(wanted);
  expect(missing(['db'], [], [], wanted, 2)).toEqual(wanted);
  expect(missing(['db'], [], [], wanted, 1)).toBeUndefined();
});
