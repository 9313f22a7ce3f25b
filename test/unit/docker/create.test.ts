import { expect, test } from 'vitest';
import { createOptions } from '../../../src/docker/create.ts';
import { service } from '../../support/services.ts';

test('a service becomes options of one word each, its variables go through stdin', () => {
  const options = createOptions(
    service({
      command: ['serve', '--port', '80'],
      entrypoint: '/app',
      user: '1000:1000',
      environment: { A: '1', B: 'two\nlines', P: { secret: 'db_password' } },
      labels: ['team=shop'],
      ports: ['8080:80', '127.0.0.1::53/udp'],
      networks: { front: { priority: 1, ipv4_address: '10.9.0.5' }, back: null },
      volumes: [
        'data:/data:nocopy',
        { type: 'bind', source: '/etc/a', target: '/a', bind: { create_host_path: false } },
        '/anon',
      ],
      restart: 'always',
      mem_limit: '64m',
      cpus: '0.5',
      stop_signal: 'SIGINT',
      stop_grace_period: '1500ms',
      healthcheck: { test: 'true', start_period: '5s' },
    }),
  );
  expect(options).toEqual({
    options: [
      '--entrypoint=/app',
      '--user=1000:1000',
      '--stop-signal=SIGINT',
      '--stop-timeout=2',
      '--env=B=two\nlines',
      '--label=team=shop',
      '--publish=127.0.0.1::53/udp',
      '--publish=8080:80/tcp',
      '--network=front',
      '--network-alias=app',
      '--ip=10.9.0.5',
      '--mount=type=bind,source=/etc/a,target=/a',
      '--volume=/anon',
      '--volume=data:/data:nocopy',
      '--memory=64m',
      '--cpus=0.5',
      '--restart=always',
      '--health-cmd=true',
      '--health-start-period=5s',
    ],
    words: ['serve', '--port', '80'],
    envFile: 'A=1\nP=s3cret\n',
    secretNames: ['P'],
    networks: ['front', 'back'],
    connect: [{ network: 'back', options: ['--alias=app'] }],
    files: [],
  });
});
