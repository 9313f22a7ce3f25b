import { expect, test } from 'vitest';
import type { Lab } from './support/fleet.ts';
import { secretValues } from '../support/secret-values.ts';
import { secretTests } from '../support/secrets.ts';
import { describeOnLab } from './support/lab-test.ts';

describeOnLab('secrets on the lab', (lab) => {
  secretTests(lab, {
    failingTask: 'env; echo "$plain $quotes" >&2; env | base64 >&2; exit 7',
    filesOf: (host) => filesWithSecrets(lab(), host),
  });

  test('the search of a host finds a secret in a file that anyone may read', async () => {
    const left = '/run/left-by-a-test';
    await lab().exec('h1', ['sh', '-c', 'printf "x=%s" "$1" >"$2"', 'sh', secretValues['dollars'] ?? '', left]);
    expect(await filesWithSecrets(lab(), 'h1')).toBe(`${left}\n`);
    await lab().exec('h1', ['rm', left]);
  });
});

/** All but the 0400 files of services; a container's own environment is docker's to keep. */
async function filesWithSecrets(lab: Lab, host: string): Promise<string> {
  const words = Object.values(secretValues).map((value) => `-e${value}`);
  const places = ['/root', '/home', '/run', '/tmp', '/etc', '/var/lib/rollout', '/dev/shm'];
  const files = ['find', ...places, '-type', 'f', '!', '-perm', '0400', '!', '-path', '/run/docker/*'];
  return (await lab.exec(host, [...files, '-exec', 'grep', '-lIF', ...words, '{}', '+'])).stdout;
}
