import { expect, test } from 'vitest';
import { createOptions } from '../../../src/docker/create.ts';
import { isOneOff } from '../../../src/docker/names.ts';
import { oneOffName, oneOffService } from '../../../src/docker/one-off.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Service } from '../../../src/model/service.ts';

const service: Service = {
  name: 'app',
  containerName: 'shop-app',
  image: { written: 'app:2', registry: 'r', repository: 'app', tag: '2' },
  pullPolicy: 'always',
  dependsOn: [],
  stopGraceMs: 10_000,
  spec: {
    command: ['serve'],
    environment: { A: '1', B: 'two' },
    expose: ['9000'],
    healthcheck: { test: ['CMD', 'true'] },
    hostname: 'app',
    labels: { 'traefik.enable': 'true' },
    mem_limit: '100m',
    networks: { backend: { aliases: ['app', 'web'], ipv4_address: '10.0.0.7' }, cache: {} },
    ports: ['8080:8080'],
    restart: 'always',
    tty: true,
    user: '1000',
    working_dir: '/srv',
  },
};

test('a one-off container has what the service has, and nothing by which others would find it', () => {
  expect(oneOffService(service, {}).spec).toEqual({
    command: ['serve'],
    environment: { A: '1', B: 'two' },
    mem_limit: '100m',
    networks: { backend: {}, cache: {} },
    user: '1000',
    working_dir: '/srv',
  });
});

test('what a task says stands above the service, and another entrypoint does without its command', () => {
  const secret = new Secret('token', 's3cret');
  const { spec } = oneOffService(service, {
    entrypoint: ['sh', '-c', 'x'],
    user: '0',
    workingDir: '/',
    environment: { B: secret, C: '3' },
  });
  expect(spec).toEqual({
    entrypoint: ['sh', '-c', 'x'],
    environment: { A: '1', B: secret, C: '3' },
    mem_limit: '100m',
    networks: { backend: {}, cache: {} },
    user: '0',
    working_dir: '/',
  });
  const { options, words, envFile, connect } = createOptions({ ...service, spec });
  expect([options.join(' ').includes('s3cret'), words, envFile, connect]).toEqual([
    false,
    ['-c', 'x'],
    'A=1\nB=s3cret\nC=3\n',
    [{ network: 'cache', options: [] }],
  ]);
  expect(oneOffService(service, { command: ['migrate', '--all'] }).spec['command']).toEqual(['migrate', '--all']);
});

test('its name is told from those of services', () => {
  expect([isOneOff(oneOffName(service)), isOneOff('app'), isOneOff('app.previous')]).toEqual([true, false, false]);
});
