import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2, { type Client, type ClientChannel } from 'ssh2';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

export interface ExecOutcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A bare ssh2 connection to a sandbox host, to test the sandbox itself and not rollout's transport. */
export async function connectTo(sandbox: Sandbox, host: string, username = 'deploy'): Promise<Client> {
  const client = new ssh2.Client();
  const privateKey = await readFile(join(sandbox.dir, 'id_ed25519'));
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve).once('error', reject);
    client.connect({ host: '127.0.0.1', port: sandbox.host(host).sshd.port, username, privateKey });
  });
  client.on('error', () => undefined);
  return client;
}

export function openChannel(client: Client, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) reject(error);
      else resolve(channel);
    });
  });
}

export function exec(client: Client, command: string, stdin = ''): Promise<ExecOutcome> {
  return new Promise((resolve, reject) => {
    // Listeners are added at once: a quick command's end may come in the same packet as its beginning.
    client.exec(command, (error, channel) => {
      if (error) {
        reject(error);
        return;
      }
      let stdout = '';
      let stderr = '';
      channel.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      channel.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      channel.on('close', (code: number | null) => resolve({ code, stdout, stderr }));
      channel.end(stdin);
    });
  });
}
