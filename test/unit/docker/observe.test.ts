import { expect, test } from 'vitest';
import { mergeLogs } from '../../../src/docker/logs.ts';
import { parseObserved, parseSurvey } from '../../../src/docker/observe.ts';
import { imageStoreOf } from '../../../src/docker/observed.ts';
import { readRecording, recordedDockers, recordedWanted } from '../../support/recorded.ts';

test.each(recordedDockers)(
  'docker %s: what the observe script prints becomes containers by name and images by every name they have',
  async (docker) => {
    const { containers, images } = parseObserved(await readRecording(docker, 'observe.txt'), recordedWanted);
    expect([...containers.keys()].filter((name) => name !== 'health')).toEqual(['app', 'by-hand']);
    const { inspect: _, ...app } = containers.get('app') ?? {};
    expect(app).toEqual({
      name: 'app',
      id: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      imageId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      imageName: 'registry.example.com/shop/app:1.4',
      labels: {
        team: 'shop',
        'rollout.play': 'web',
        'rollout.service': 'app',
        'rollout.image': 'registry.example.com/shop/app:1.4',
        'rollout.secrets': 'API',
        'rollout.spec-hash': expect.stringMatching(/^v1:[0-9a-f]{24}\.[0-9a-f]{8}$/) as string,
      },
      state: {
        status: 'running',
        running: true,
        exitCode: 0,
        error: '',
        oomKilled: false,
        restartCount: 0,
        health: 'healthy',
        startedAt: expect.stringMatching(/^\d{4}-/) as string,
        finishedAt: '0001-01-01T00:00:00Z',
      },
      restartPolicy: { name: 'always', maximumRetryCount: 0 },
    });
    expect(containers.get('by-hand')?.state).toMatchObject({ status: 'created', running: false, health: undefined });
    const image = images.get(containers.get('app')?.imageId ?? '');
    expect(image?.repoTags).toEqual(['registry.example.com/shop/app:1.4']);
    expect(images.get(image?.repoDigests[0] ?? '')).toBe(image);
    expect(images.get('registry.example.com/shop/app:1.4')).toBe(image);
  },
);

test.each(recordedDockers)(
  'docker %s: a survey tells facts, every name, and our containers with their images',
  async (docker) => {
    const { facts, names, isWhole, observed, imageStore } = parseSurvey(await readRecording(docker, 'survey.txt'));
    expect(facts).toEqual({
      hostname: 'h1',
      cpus: 2,
      memory_mb: expect.any(Number) as number,
      arch: 'x86_64',
      os: 'linux',
      docker_version: expect.stringContaining(docker.replace('-containerd', '')) as string,
    });
    const store = docker.endsWith('-containerd') ? 'containerd' : 'docker';
    expect([isWhole, imageStore, imageStoreOf(observed)]).toEqual([true, store, store]);
    expect([...names].sort()).toEqual(['app', 'by-hand', 'health']);
    const { containers, images } = observed;
    expect([...containers.keys()].sort()).toEqual(['app', 'health']);
    expect([...containers.values()].map(({ imageId }) => images.get(imageId)?.repoDigests)).toEqual(
      [...containers.values()].map((): unknown => [expect.stringMatching(/^\S+\/\S+@sha256:[0-9a-f]{64}$/)]),
    );
  },
);

test('both streams of a log are one, in the order of their times, which are not shown', () => {
  const stdout = '2026-01-01T00:00:00.100000000Z one\n2026-01-01T00:00:00.300000000Z three\n';
  const stderr = '2026-01-01T00:00:00.200000000Z two\r\n2026-01-01T00:00:00.400000000Z \n';
  expect(mergeLogs(stdout, stderr)).toEqual(['one', 'two', 'three', '']);
  expect(mergeLogs('no time here\n', '')).toEqual(['no time here']);
});
