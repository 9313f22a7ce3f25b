import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Remote } from '../../../src/ssh/remote.ts';
import { SshHome } from '../../support/ssh-client.ts';
import {
  answer,
  generateKey,
  startSshServer,
  type TestServer,
  type TestServerOptions,
} from '../../support/ssh-server.ts';

const key = generateKey();
let home: SshHome;
let server: TestServer | undefined;

beforeEach(async () => {
  home = await SshHome.create();
});
afterEach(async () => {
  await home.close();
  await server?.close();
});

async function connect(options: TestServerOptions): Promise<Remote> {
  server = await startSshServer({ authorizedKeys: [key], ...options });
  await home.trust(server);
  const privateKeyFile = await home.write('key', key.private);
  return home.connector().connect(home.host('h1', server.port, { privateKeyFile }));
}

describe('a command', () => {
  test('is quoted once, gets its stdin, and gives stdout, stderr and exit code', async () => {
    const remote = await connect({
      exec: (channel) => {
        const chunks: Buffer[] = [];
        channel.on('data', (chunk: Buffer) => chunks.push(chunk));
        channel.on('end', () => answer(channel, Buffer.concat(chunks), 3, 'careful\n'));
      },
    });
    const { durationMs, ...result } = await remote.exec(['echo', "it's", 'a b', '$HOME', ''], { stdin: 'häß 🚢' });
    expect(result).toEqual({ exitCode: 3, stdout: 'häß 🚢', stderr: 'careful\n' });
    expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(server?.commands).toEqual([String.raw`echo 'it'\''s' 'a b' '$HOME' ''`]);
  });

  test('that a signal ended exits with 128 and its number', async () => {
    const remote = await connect({
      exec: (channel) => {
        channel.exit('KILL');
        channel.end();
      },
    });
    expect(await remote.exec(['sleep', '9'])).toMatchObject({ exitCode: 137 });
  });
});
