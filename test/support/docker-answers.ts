import { formatPart, type Part } from '../../src/shell/parts.ts';

/** What docker answers on a host, for tests that change one thing in it. */

const hex = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);

/** A container's id, made from its name. */
export const containerId = hex;

export function containerDocument(name: string, overrides: Readonly<Record<string, unknown>> = {}) {
  return {
    Id: hex(name),
    Name: `/${name}`,
    Image: `sha256:${hex('image')}`,
    RestartCount: 0,
    State: {
      Status: 'running',
      Running: true,
      ExitCode: 0,
      Error: '',
      StartedAt: '2026-11-20T15:00:00Z',
      FinishedAt: '0001-01-01T00:00:00Z',
    },
    Config: { Image: 'shop/app:1', Labels: { 'rollout.play': 'web' } },
    HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
    ...overrides,
  };
}

export const infoDocument = (overrides: Readonly<Record<string, unknown>> = {}) => ({
  Name: 'h1',
  NCPU: 2,
  MemTotal: 4 * 1024 ** 3,
  Architecture: 'x86_64',
  OSType: 'linux',
  ServerVersion: '20.10.24',
  Containers: 0,
  ...overrides,
});

export function answerPart(name: string, stdout: string | readonly unknown[] | object, failed: Partial<Part> = {}) {
  const text = typeof stdout === 'string' ? stdout : `${JSON.stringify(stdout, null, 4)}\n`;
  return formatPart({ name, exitCode: 0, stdout: text, stderr: '', ...failed });
}

/** A survey of containers by name: ours and others. */
export function surveyAnswer(ours: readonly string[], others: readonly string[] = [], images: readonly object[] = []) {
  const rows = [
    ...ours.map((name) => `${hex(name)} ours ${name} shop/app:1\n`),
    ...others.map((name) => `${hex(name)} other ${name} their/image\n`),
  ];
  const documents = [...ours.map((name) => containerDocument(name)), ...images];
  const inspect = ours.length === 0 ? '' : answerPart('inspect', documents);
  return answerPart('info', infoDocument({ Containers: rows.length })) + answerPart('ps', rows.join('')) + inspect;
}
