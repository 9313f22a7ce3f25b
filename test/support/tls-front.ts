import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface TlsFront {
  readonly port: number;
  /** For NODE_EXTRA_CA_CERTS: its certificate is its own authority, and names `localhost` alone. */
  readonly certificateFile: string;
  /** Server names that clients asked for. */
  readonly serverNames: ReadonlySet<string>;
  close(): Promise<void>;
}

/** TLS in front of a plain HTTP server, on 127.0.0.1. */
export async function startTlsFront(folder: string, behind: string): Promise<TlsFront> {
  const keyFile = join(folder, 'tls-key.pem');
  const certificateFile = join(folder, 'tls-cert.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  const files = ['-keyout', keyFile, '-out', certificateFile];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files]);
  const serverNames = new Set<string>();
  const server = createServer(
    { key: await readFile(keyFile), cert: await readFile(certificateFile) },
    (incoming, response) => {
      const onward = request(new URL(incoming.url ?? '/', behind), (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.once('error', () => response.destroy());
      onward.end();
    },
  );
  server.on('secureConnection', ({ servername }) => {
    if (typeof servername === 'string') serverNames.add(servername);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    certificateFile,
    serverNames,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
