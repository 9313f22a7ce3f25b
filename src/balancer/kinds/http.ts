import * as z from 'zod';
import { answerWords, parseAnswer } from '../answer.ts';
import { port, server, urls, via } from '../keys.ts';
import { balancerKind } from '../kind.ts';
import { readEach, readServers } from '../read.ts';

/** A balancer behind an HTTP endpoint that is asked server by server. */
export const httpBalancer = balancerKind({
  type: 'http',
  schema: z.strictObject({
    type: z.literal('http'),
    url: urls.describe(`Answers GET with 2xx and the text ${answerWords}; {server} stands for the server.`),
    server,
    port,
    via,
  }),
  settle: ({ url }) => ({ endpoints: url.map((address) => ({ address, name: nameOf(address) })) }),
  asksAlike: ({ endpoints }) => {
    const alike = endpoints.find(({ address }) => !address.includes('{server}'));
    if (alike === undefined) return undefined;
    const message = `must hold {server}, which stands for the name of the server that is asked for: ${alike.name} would give every node the same answer`;
    return { key: 'url', message };
  },
  open: ({ endpoints }, { servers, get, now, close }) => ({
    read: (signal) =>
      readEach(endpoints, now, (endpoint) =>
        readServers(endpoint, servers, async (server) => {
          const address = endpoint.address.replaceAll('{server}', encodeURIComponent(server));
          return parseAnswer(await get(address, signal === undefined ? {} : { signal }));
        }),
      ),
    close,
  }),
});

/** Host and path: never the user, the password or a token that a URL may carry. */
function nameOf(address: string): string {
  const { host, pathname } = new URL(address);
  return pathname === '/' ? host : `${host}${pathname.replaceAll('%7Bserver%7D', '{server}')}`;
}
