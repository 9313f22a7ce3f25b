import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/docker/observed.ts';
import type { TakenPort } from '../../../src/docker/taken-ports.ts';
import type { Op } from '../../../src/plan/plan.ts';
import { newPorts, takenPortErrors } from '../../../src/plan/taken-ports.ts';
import { service } from '../../support/services.ts';

const app = (...ports: readonly string[]) => service({ image: 'shop/app:1', ports }, 'app');
interface Step {
  readonly kind: 'start' | 'stop';
  readonly container: string;
}
const plan = (...ops: readonly Step[]) => ({ during: ops as unknown as readonly Op[] });
const start = { kind: 'start', container: 'app' } as const;
const stopOf = (container: string) => ({ kind: 'stop', container }) as const;
const held = (ip: string, port: number, by: Partial<TakenPort> = {}): TakenPort => ({
  ...{ ip, first: port, last: port, protocol: 'tcp' },
  ...by,
});

function errorsOf(ports: readonly string[], taken: readonly TakenPort[], ...ops: readonly Step[]): readonly string[] {
  const planned = plan(start, ...ops);
  return takenPortErrors(planned, newPorts(planned, [app(...ports)], new Map()), taken);
}

describe('a port that is taken', () => {
  test('by a container: its name, and how to take it over', () => {
    expect(errorsOf(['8080:80'], [held('0.0.0.0', 8080, { container: 'legacy' })])).toEqual([
      'port 8080 of app is taken by container legacy; stop it, or write container_name: legacy in app to take it over',
    ]);
  });

  test('by a process, known or not, or by a proxy that docker has left behind', () => {
    const [known, unknown, proxy] = [{ process: 'nginx (pid 812)' }, {}, { process: 'docker-proxy (pid 7)' }].map(
      (by) => errorsOf(['80:80'], [held('0.0.0.0', 80, by)])[0],
    );
    expect(known).toBe('port 80 of app is taken by nginx (pid 812); stop it, or publish another port');
    expect(unknown).toBe(
      'port 80 of app is taken by a process (root can tell which: ss -lntup); stop it, or publish another port',
    );
    expect(proxy).toContain('systemctl restart docker frees it');
  });

  test.each([
    ['another protocol', ['53:53/udp'], held('0.0.0.0', 53)],
    ['another address', ['127.0.0.1:80:80'], held('10.0.0.1', 80)],
    ['IPv6 alone', ['0.0.0.0:80:80'], held('::1', 80)],
    ['a part of a range', ['8000-8002:80'], held('0.0.0.0', 8001)],
    ['no port of the host', ['80'], held('0.0.0.0', 80)],
  ])('stands in nobody’s way with %s', (_, ports, taken) => {
    expect(errorsOf(ports, [taken])).toEqual([]);
  });

  test('on every address is in the way of each, and the other way round', () => {
    expect(errorsOf(['127.0.0.1:80:80'], [held('0.0.0.0', 80)])).toHaveLength(1);
    expect(errorsOf(['80:80'], [held('127.0.0.1', 80)])).toHaveLength(1);
    expect(errorsOf(['[::1]:80:80'], [held('::', 80)])).toHaveLength(1);
    expect(errorsOf(['0.0.0.0:80:80'], [held('::', 80, { process: 'node (pid 1)' })])).toHaveLength(1);
  });

  test('as a whole range is in the way', () => {
    expect(errorsOf(['8000-8001:80'], [held('0.0.0.0', 8000), held('0.0.0.0', 8001)])[0]).toContain(
      'every port of 8000-8001 of app',
    );
  });

  test('by what the plan itself stops first is given back', () => {
    expect(errorsOf(['80:80'], [held('0.0.0.0', 80, { container: 'web' })], stopOf('web'))).toEqual([]);
  });
});

test('an update that keeps its ports asks for none', () => {
  const inspect = { HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } } };
  const running = { state: { running: true }, inspect } as unknown as Container;
  const stopped = { state: { running: false }, inspect } as unknown as Container;
  const of = (container: Container, ...ports: readonly string[]) =>
    newPorts(plan(start), [app(...ports)], new Map([['app', container]])).map(({ first }) => first);
  expect(of(running, '8080:80')).toEqual([]);
  expect(of(running, '8080:80', '9000:90')).toEqual([9000]);
  expect(of(stopped, '8080:80')).toEqual([8080]);
  expect(newPorts(plan(), [app('8080:80')], new Map())).toEqual([]);
});
