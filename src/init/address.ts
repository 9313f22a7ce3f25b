import type { InventoryHost } from './files.ts';

/** `[user@]host[:port]`, as for ssh; undefined where it is none. The name is the host as it is written. */
export function parseHostArgument(text: string): InventoryHost | undefined {
  const { user, six, host, port } =
    /^(?:(?<user>[^@\s:]+)@)?(?:\[(?<six>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9_][\w.-]*|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*))(?::(?<port>\d{1,5}))?$/.exec(
      text,
    )?.groups ?? {};
  const name = six ?? host;
  if (name === undefined || Number(port ?? 22) < 1 || Number(port ?? 22) > 65535) return undefined;
  return { name, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) };
}
