import * as z from 'zod';
import { parseAnswer } from '../answer.ts';
import { server, urls, via } from '../keys.ts';
import { balancerKind } from '../kind.ts';
import { readEach } from '../read.ts';

/** A balancer behind an HTTP endpoint that is asked server by server. */
export const httpBalancer = balancerKind({
  type: 'http',
  schema: z.strictObject({
    type: z.literal('http'),
    url: urls.describe('Answers GET with 2xx and the text up, down or drained; {server} stands for the server.'),
    server,
    via,
  }),
  settle: ({ url }) => ({ urls: url }),
  open: ({ urls }, { servers, get, now, close }) => ({
    read: (signal) =>
      readEach(urls, now, async (url) => {
        const states = await Promise.all(
          servers.map(async (server) => {
            const address = url.replaceAll('{server}', encodeURIComponent(server));
            return [server, parseAnswer(await get(address, signal === undefined ? {} : { signal }))] as const;
          }),
        );
        return new Map(states);
      }),
    close,
  }),
});
