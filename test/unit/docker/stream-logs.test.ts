import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { streamLogsCommand } from '../../../src/docker/logs.ts';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'rollout-logs-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The script in a real shell, with this text as the docker command. */
function start(docker: string, follow: boolean) {
  const file = join(dir, 'docker');
  writeFileSync(file, `#!/bin/sh\n${docker}\n`);
  chmodSync(file, 0o755);
  const [program = '', ...args] = streamLogsCommand('app', { follow, since: '10m', tail: 3 });
  const child = spawn(program, args, { env: { PATH: `${dir}:${process.env['PATH'] ?? ''}` }, stdio: 'pipe' });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, closed, said: () => said };
}

test('both streams come as one, with the exit code of docker', async () => {
  const { closed, said } = start('echo "$@"; echo oops >&2; exit 3', false);
  expect({ code: await closed, said: said() }).toEqual({
    code: 3,
    said: 'logs --timestamps --since 10m --tail 3 -- app\noops\n',
  });
});

test('the end of its stdin ends docker too', async () => {
  const { child, closed, said } = start(
    'trap "echo ended; exit 0" TERM; echo "$@"; while :; do sleep 0.05; done',
    true,
  );
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdin.end();
  await closed;
  expect(said()).toBe('logs --timestamps --follow --since 10m --tail 3 -- app\nended\n');
});
