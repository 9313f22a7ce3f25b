import { expect, test } from 'vitest';
import {
  parseAddress,
  portsOfContainers,
  portsOfServices,
  silentPorts,
  trafficPorts,
  type HostPort,
  type PortFinding,
} from '../../../src/plan/traffic-ports.ts';
import { service } from '../../support/services.ts';
import type { Container } from '../../../src/docker/observed.ts';

const at = (...numbers: readonly number[]): readonly HostPort[] => numbers.map((port) => ({ port }));

test.each<[string, Parameters<typeof trafficPorts>[0], ReturnType<typeof trafficPorts>]>([
  [
    'the ports that the balancer sends to, whatever the play publishes',
    { ofBalancer: at(8080), before: at(8080, 9090), answeredBefore: new Set([8080, 9090]), ofPlay: at(9090) },
    { ports: at(8080), wanted: 'all', origin: 'balancer' },
  ],
  [
    'on the first deployment those of the balancer, though nothing answered before',
    { ofBalancer: at(8080), before: undefined, answeredBefore: new Set(), ofPlay: at(8080, 9090) },
    { ports: at(8080), wanted: 'all', origin: 'balancer' },
  ],
  [
    'not one of the balancer that was dead before: the update has not broken it',
    { ofBalancer: at(8080, 8443), before: at(8080), answeredBefore: new Set([8443]), ofPlay: at(8080) },
    { ports: at(8443), wanted: 'all', origin: 'balancer' },
  ],
  [
    'without the balancer any of those that answered before',
    { ofBalancer: [], before: at(8080, 9090), answeredBefore: new Set([8080]), ofPlay: at(9191) },
    { ports: at(8080), wanted: 'any', origin: 'before' },
  ],
  [
    'without the balancer on the first deployment any that the play publishes',
    { ofBalancer: [], before: undefined, answeredBefore: new Set(), ofPlay: at(8080, 443) },
    { ports: at(8080, 443), wanted: 'any', origin: 'play' },
  ],
  [
    'nothing where nothing answered before',
    { ofBalancer: [], before: at(8080), answeredBefore: new Set(), ofPlay: at(8080) },
    undefined,
  ],
  ['nothing where nothing is known', { ofBalancer: [], before: [], answeredBefore: new Set(), ofPlay: [] }, undefined],
])('what must answer: %s', (_, known, expected) => {
  expect(trafficPorts(known)).toEqual(expected);
});

test('a node is refused for a silent port of the balancer, for all of the others together, and never for an unknown one', () => {
  const found = (findings: Readonly<Record<number, PortFinding>>) =>
    new Map(Object.entries(findings).map(([port, finding]) => [Number(port), finding]));
  const ports = at(80, 443);
  const all = { ports, wanted: 'all', origin: 'balancer' } as const;
  const any = { ports, wanted: 'any', origin: 'before' } as const;
  expect(silentPorts(all, found({ 80: 'answers', 443: 'silent' }))).toEqual([443]);
  expect(silentPorts(any, found({ 80: 'answers', 443: 'silent' }))).toBeUndefined();
  expect(silentPorts(any, found({ 80: 'silent', 443: 'silent' }))).toEqual([80, 443]);
  expect(silentPorts(any, found({ 80: 'silent', 443: 'unknown' }))).toBeUndefined();
  expect(silentPorts(all, found({ 80: 'unknown', 443: 'unknown' }))).toBeUndefined();
});

test('published TCP ports of containers, with the address that they are bound to', () => {
  const inspect = {
    HostConfig: {
      PortBindings: {
        '80/tcp': [{ HostIp: '', HostPort: '8080' }],
        '81/tcp': [
          { HostIp: '127.0.0.1', HostPort: '8081' },
          { HostIp: '::', HostPort: '8082' },
        ],
        '53/udp': [{ HostIp: '', HostPort: '53' }],
        '90/tcp': [{ HostIp: '', HostPort: '' }],
        '91/tcp': null,
      },
    },
  };
  expect(portsOfContainers([{ inspect } as unknown as Container, { inspect: {} } as unknown as Container])).toEqual([
    { port: 8080 },
    { port: 8081, address: '127.0.0.1' },
    { port: 8082 },
  ]);
});

test('published TCP ports of services, and none where one of them may serve at any port of the host', () => {
  const ports = ['8080:80', '127.0.0.1:8081:81', '[fd00::1]:8082:82', '53:53/udp', '9000-9010:90', '91'];
  const app = service({ image: 'r.example.com/a:1', ports }, 'app');
  expect(portsOfServices([app])).toEqual([
    { port: 8081, address: '127.0.0.1' },
    { port: 8080 },
    { port: 8082, address: 'fd00::1' },
  ]);
  const proxy = service({ image: 'r.example.com/a:1', network_mode: 'host' }, 'proxy');
  expect(portsOfServices([app, proxy])).toEqual([]);
});

test.each([
  ['10.0.0.11:8080', [{ port: 8080, address: '10.0.0.11' }]],
  ['[fd00::11]:8080', [{ port: 8080, address: 'fd00::11' }]],
  ['0.0.0.0:80', [{ port: 80 }]],
  ['unix', []],
  ['10.0.0.11:0', []],
  ['fd00::11', []],
  ['', []],
])('the balancer sends to %j: %j', (written, expected) => {
  expect(parseAddress(written)).toEqual(expected);
});
