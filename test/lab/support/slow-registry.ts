import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { controllerAddress, registryAddress, type LabSettings } from './layout.ts';

export interface SlowRegistry extends AsyncDisposable {
  /** Address and port, as image names begin. */
  readonly host: string;
}

const ticksPerSecond = 10;

/**
 * A registry over a slow line: each layer comes at `bytesPerSecond` at most, whatever else comes beside it.
 * @param behind its address and port; the lab's own where it is left out
 */
export async function startSlowRegistry(
  lab: LabSettings,
  bytesPerSecond: number,
  port: number,
  behind = registryAddress(lab.network),
): Promise<SlowRegistry> {
  const bytesPerTick = Math.ceil(bytesPerSecond / ticksPerSecond);
  const hand = async (answer: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += bytesPerTick) {
        const part = chunk.subarray(at, at + bytesPerTick);
        response.write(part);
        await sleep((part.length / bytesPerSecond) * 1000);
      }
    }
    response.end();
  };
  const server = createServer((incoming, response) => {
    const target = `http://${behind}${incoming.url ?? '/'}`;
    const { method, headers } = incoming;
    const forwarded = ask(target, { method, headers }, (answer) => {
      hand(answer, response).catch(() => response.destroy());
    });
    forwarded.once('error', () => response.destroy());
    response.once('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  const address = controllerAddress(lab.network);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
  return {
    host: `${address}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
