import { expect, test } from 'vitest';
import { createOptions } from '../../../src/docker/create.ts';
import { Inspected } from '../../../src/service/inspected.ts';
import { hostPortOf } from '../../../src/service/keys/ports.ts';
import { serviceKey } from '../../../src/service/table.ts';
import { service } from '../../support/services.ts';

/** What is written, the option that docker gets, and the binding that it then shows. */
test.each<[unknown, string, string, string]>([
  ['9001:8080', '9001:8080/tcp', '', '9001'],
  ['0.0.0.0:9001:8080', '0.0.0.0:9001:8080/tcp', '0.0.0.0', '9001'],
  ['[::]:9001:8080', '[::]:9001:8080/tcp', '::', '9001'],
  ['127.0.0.1:9001:8080/udp', '127.0.0.1:9001:8080/udp', '127.0.0.1', '9001'],
  ['0.0.0.0::8080', '0.0.0.0::8080/tcp', '0.0.0.0', ''],
  [{ target: 8080, published: 9001, host_ip: '0.0.0.0' }, '0.0.0.0:9001:8080/tcp', '0.0.0.0', '9001'],
  [{ target: 8080, published: 9001, host_ip: '::1' }, '[::1]:9001:8080/tcp', '::1', '9001'],
  [{ target: 8080, published: 9001, host_ip: '[::1]' }, '[::1]:9001:8080/tcp', '::1', '9001'],
])('%j is published on the addresses that it names, and is seen again there', (written, option, HostIp, HostPort) => {
  const { spec, ...rest } = service({ image: 'a:1', ports: [written] });
  expect(createOptions({ spec, ...rest }).options).toEqual([`--publish=${option}`]);
  const target = option.split(':').at(-1) ?? '';
  const container = new Inspected({ HostConfig: { PortBindings: { [target]: [{ HostIp, HostPort }] } } });
  const part = serviceKey.get('ports')?.container;
  expect(part?.read(container, undefined, new Inspected({}))).toEqual(spec['ports']);
});

test.each([
  ['8080:80/tcp', { ip: '', first: 8080, last: 8080, protocol: 'tcp' }],
  ['127.0.0.1:53:53/udp', { ip: '127.0.0.1', first: 53, last: 53, protocol: 'udp' }],
  ['[0:0::1]:8000-8010:80/tcp', { ip: '::1', first: 8000, last: 8010, protocol: 'tcp' }],
  ['80/tcp', undefined],
  ['127.0.0.1::80/tcp', undefined],
])('the port of the host in %s', (port, expected) => {
  expect(hostPortOf(port)).toEqual(expected);
});
