import type { Host } from '../model/host.ts';
import { quoteArgv } from '../shell/quote.ts';

/** One line for a person's shell: commands on a host, reached as the run reaches it. */
export function typedOn({ connection }: Host, commands: readonly (readonly string[])[]): string {
  const sudo = connection.become === undefined ? [] : ['sudo'];
  const line = commands.map((command) => quoteArgv([...sudo, ...command])).join(' && ');
  if (connection.kind === 'local') return line;
  const { address, port, user, proxyJump } = connection;
  return quoteArgv([
    'ssh',
    ...(proxyJump === undefined || proxyJump.length === 0 ? [] : ['-J', proxyJump.join(',')]),
    ...(port === undefined || port === 22 ? [] : ['-p', String(port)]),
    user === undefined ? address : `${user}@${address}`,
    line,
  ]);
}
