import { expect, test } from 'vitest';
import { redactEvent } from '../../../src/events/redact.ts';
import { createRedactor } from '../../../src/model/redactor.ts';
import { Secret } from '../../../src/model/secret.ts';
import { streams } from '../../support/event-streams.ts';
import type { Event } from '../../../src/events/event.ts';

const redactor = createRedactor([
  new Secret('token', 'hunter22'),
  new Secret('tier', 'web tier'),
  new Secret('h', 'h01'),
]);

test('every free text of an event is redacted, and names stay what they are', () => {
  const op = { kind: 'start', text: 'start app hunter22', cause: 'hunter22', service: 'app' };
  const failed: Event = {
    v: 1,
    at: 1,
    run: 'r',
    type: 'node_failed',
    host: 'h01',
    failure: { op, message: 'TOKEN=hunter22', logs: ['ok', 'got hunter22'], next: 'rollout logs -l h01' },
  };
  expect(redactEvent(failed, redactor)).toEqual({
    v: 1,
    at: 1,
    run: 'r',
    type: 'node_failed',
    host: 'h01',
    failure: {
      op: { kind: 'start', text: 'start app [secret token]', cause: '[secret token]', service: 'app' },
      message: 'TOKEN=[secret token]',
      logs: ['ok', 'got [secret token]'],
      next: 'rollout logs -l [secret h]',
    },
  });
  const planned: Event = {
    v: 1,
    at: 1,
    run: 'r',
    type: 'plan_ready',
    text: 'hunter22',
    plays: [
      {
        play: 'web tier',
        canaries: ['h01'],
        maxUnavailable: 1,
        minAvailable: 1,
        hosts: { h01: [{ service: 'app', kind: 'replace', cause: 'hunter22' }] },
      },
    ],
    images: { 'shop/hunter22:1': 'shop/hunter22:1@x' },
  };
  expect(redactEvent(planned, redactor)).toEqual({
    ...planned,
    text: '[secret token]',
    plays: [
      {
        play: 'web tier',
        canaries: ['h01'],
        maxUnavailable: 1,
        minAvailable: 1,
        hosts: { h01: [{ service: 'app', kind: 'replace', cause: '[secret token]' }] },
      },
    ],
    images: { 'shop/[secret token]:1': 'shop/[secret token]:1@x' },
  });
});

test('events without secrets pass unchanged', () => {
  const nothing = createRedactor([new Secret('x', 'not in any event')]);
  for (const stream of Object.values(streams)) {
    for (const event of stream()) expect(redactEvent(event, nothing)).toEqual(event);
  }
});
