import { expect, test } from 'vitest';
import { parseTakenPorts } from '../../../src/docker/taken-ports.ts';
import { UnreadableAnswer } from '../../../src/docker/unreadable.ts';
import { formatPart } from '../../../src/shell/parts.ts';

const part = (name: string, stdout: string, exitCode = 0): string => formatPart({ name, exitCode, stdout, stderr: '' });
const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

test('ports of containers in every form that docker has written them in', () => {
  const lines = [
    'app 0.0.0.0:8080->80/tcp, :::8080->80/tcp',
    'web [::]:9001->80/tcp, 127.0.0.1:9000->80/tcp',
    'dns 0.0.0.0:5000-5001->5000-5001/udp, 53/tcp',
    'job ',
  ];
  const found = parseTakenPorts(part('ps', `${lines.join('\n')}\n`));
  expect(found.map(({ container, protocol, ip, first }) => `${container} ${protocol} ${ip} ${first}`)).toEqual([
    'app tcp 0.0.0.0 8080',
    'app tcp :: 8080',
    'web tcp :: 9001',
    'web tcp 127.0.0.1 9000',
    'dns udp 0.0.0.0 5000',
    'dns udp 0.0.0.0 5001',
  ]);
});

test('sockets that listen, without those of containers and those that only talk; with their process where ss tells', () => {
  const tcp = [
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0',
    '   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0',
    '   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0',
  ];
  const tcp6 = [
    '   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4 1 0 100 0 0 10 0',
    '   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 5 1 0 100 0 0 10 0',
  ];
  const udp = ['   7: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6 2 0 0'];
  const ss =
    'tcp   LISTEN 0      511          0.0.0.0:80        0.0.0.0:*    users:(("nginx",pid=812,fd=6),("nginx",pid=813,fd=6))\n';
  const found = parseTakenPorts(
    part('ps', 'app 127.0.0.1:8080->80/tcp\n') +
      part('tcp', `${head}${tcp.join('\n')}\n`) +
      part('tcp6', `${head}${tcp6.join('\n')}\n`) +
      part('udp', `${head}${udp.join('\n')}\n`) +
      part('ss', ss),
  );
  expect(found).toEqual([
    { ip: '127.0.0.1', first: 8080, last: 8080, protocol: 'tcp', container: 'app' },
    { ip: '0.0.0.0', first: 80, last: 80, protocol: 'tcp', process: 'nginx (pid 812)' },
    { ip: '::', first: 22, last: 22, protocol: 'tcp' },
    { ip: '::1', first: 631, last: 631, protocol: 'tcp' },
    { ip: '0.0.0.0', first: 53, last: 53, protocol: 'udp' },
  ]);
});

test('an answer that is none is not a host without ports in use', () => {
  const torn = [
    part('ps', 'app 0.0.0.0:80'),
    part('ps', '') + part('tcp', head.slice(0, 40)),
    part('ps', '') + part('tcp', head) + part('udp6', '', 1),
  ];
  for (const answer of ['', 'Welcome\n', part('ps', '', 1), part('tcp', head), ...torn])
    expect(() => parseTakenPorts(answer)).toThrow(UnreadableAnswer);
});
