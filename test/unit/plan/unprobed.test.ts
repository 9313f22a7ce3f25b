import { expect, test } from 'vitest';
import { pinnedImage } from '../../../src/model/image.ts';
import { unprobedServices } from '../../../src/plan/unprobed.ts';
import { service } from '../../support/services.ts';

const probe = { http: { port: 8080, path: '/ready' } };
const image = 'registry.example.com/shop/app:1.5';

function warned(extra: Record<string, unknown>, found?: Record<string, unknown>, context = {}): readonly string[] {
  const app = service({ image, ...extra }, 'app');
  const present = { id: 'sha256:1', repoDigests: [], repoTags: [], inspect: { Config: found ?? {} } };
  const images = new Map(found === undefined ? [] : [[pinnedImage(app.image), present]]);
  return unprobedServices(
    [app],
    { containers: new Map(), images, networks: new Set(), volumes: new Set() },
    { gate: 'health', jobs: new Set(), starting: new Set(['app']), ...context },
  );
}

const words = 'app has neither a probe nor a healthcheck: it counts as healthy once it has run for min_healthy_time';

test('a service with neither probe nor healthcheck is named, with what its image may still bring', () => {
  expect(warned({})).toEqual([`${words}, unless its image brings a healthcheck`]);
  expect(warned({}, {})).toEqual([words]);
  expect(warned({}, { Healthcheck: null })).toEqual([words]);
  expect(warned({ healthcheck: { disable: true } }, { Healthcheck: { Test: ['CMD', 'true'] } })).toEqual([words]);
});

test('a probe, a healthcheck of its own or of its image is enough', () => {
  expect(warned({ probe })).toEqual([]);
  expect(warned({ healthcheck: { test: 'curl -f localhost' } })).toEqual([]);
  expect(warned({}, { Healthcheck: { Test: ['CMD', 'true'] } })).toEqual([]);
});

test('jobs, the health container, what is not started anew and plays without a health container are left out', () => {
  expect(warned({}, {}, { jobs: new Set(['app']) })).toEqual([]);
  expect(warned({}, {}, { gate: 'app' })).toEqual([]);
  expect(warned({}, {}, { starting: new Set() })).toEqual([]);
  expect(warned({}, {}, { gate: undefined })).toEqual([]);
});
