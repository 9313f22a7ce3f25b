import ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { generateSshKey } from '../../../src/sandbox/ssh-key.ts';

test('every key is one that ssh2 reads and can sign with', () => {
  for (let nth = 0; nth < 1000; nth += 1) {
    const { privateKey, blob } = generateSshKey();
    const key = ssh2.utils.parseKey(privateKey);
    if (key instanceof Error) throw key;
    expect(key.getPublicSSH()).toEqual(blob);
    expect(key.verify('text', key.sign('text'))).toBe(true);
  }
});
