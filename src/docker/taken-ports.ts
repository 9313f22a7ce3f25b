import { canonicalIpv6 } from '../service/addresses.ts';
import type { HostPort } from '../service/keys/ports.ts';
import { parseParts, partFunction } from '../shell/parts.ts';
import { leanClient, script, type Argv } from './commands.ts';
import { UnreadableAnswer } from './unreadable.ts';

/** A port of the host that is in use, and by whom. */
export interface TakenPort extends HostPort {
  /** The container that publishes it. */
  readonly container?: string;
  /** `nginx (pid 812)`, where the host tells. */
  readonly process?: string;
}

/**
 * Prints, in parts, the ports that running containers publish, the sockets that listen, and, where `ss` is there and may
 * say so, whose they are.
 */
export const takenPortsCommand: Argv = script(
  'rollout-ports',
  `
set -f; ${leanClient}${partFunction}
part ps docker ps --no-trunc --format '{{.Names}} {{.Ports}}'
for list in tcp tcp6 udp udp6; do
  [ ! -r "/proc/net/$list" ] || part "$list" cat "/proc/net/$list"
done
! command -v ss >/dev/null 2>&1 || part ss ss -Hlntup
`,
  [],
);

/** What {@link takenPortsCommand} prints. @throws UnreadableAnswer */
export function parseTakenPorts(stdout: string): readonly TakenPort[] {
  const parts = parseParts(stdout);
  const ps = parts?.get('ps');
  if (parts === undefined || ps?.exitCode !== 0)
    throw new UnreadableAnswer('the list of ports in use', ps?.stderr ?? stdout);
  const tables = (['tcp', 'tcp6', 'udp', 'udp6'] as const).map((name) => ({ name, part: parts.get(name) }));
  for (const { name, part } of [{ name: 'docker ps', part: ps }, ...tables])
    if (part !== undefined && (part.exitCode !== 0 || !isWhole(part.stdout)))
      throw new UnreadableAnswer(`the list of ports in use, of ${name},`, part.stderr || part.stdout.slice(-40));
  const published = ps.stdout.split('\n').flatMap(parsePublished);
  const processes = processesOf(parts.get('ss')?.stdout ?? '');
  const listening = tables.flatMap(({ name, part }) =>
    parseSockets(part?.stdout ?? '', name.startsWith('tcp') ? 'tcp' : 'udp'),
  );
  const known = new Set(published.map(({ first, protocol }) => `${protocol} ${first}`));
  const others = listening.filter(({ first, protocol }) => !known.has(`${protocol} ${first}`));
  return [
    ...published,
    ...others.map((port): TakenPort => {
      const process = processes.get(`${port.protocol} ${port.first}`);
      return process === undefined ? port : { ...port, process };
    }),
  ];
}

/** A list that is broken off says nothing of the ports behind its end. */
const isWhole = (stdout: string): boolean => stdout === '' || stdout.endsWith('\n');

/** `app 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 9000-9001->9000-9001/udp`. */
function parsePublished(line: string): TakenPort[] {
  const [container = '', ...ports] = line.split(/,?\s+/);
  return ports.flatMap((port): TakenPort[] => {
    const { ip = '', first, last = first, protocol = 'tcp' } = publishedForm.exec(port)?.groups ?? {};
    if (first === undefined) return [];
    const range = { first: Number(first), last: Number(last) };
    return [...numbersOf(range)].map((number) => ({
      ip: plainAddress(ip),
      first: number,
      last: number,
      protocol,
      container,
    }));
  });
}

const publishedForm = /^(?:(?<ip>.*):)?(?<first>\d{1,5})(?:-(?<last>\d{1,5}))?->[\d-]+\/(?<protocol>\w+)$/;
const mostPorts = 65_536;

function* numbersOf({ first, last }: { first: number; last: number }): Generator<number> {
  for (let number = first; number <= Math.min(last, first + mostPorts); number += 1) yield number;
}

/** `0.0.0.0`, and `::` in all the ways that docker has written it. */
function plainAddress(ip: string): string {
  const bare = ip.replace(/^\[(.*)\]$/, '$1');
  return canonicalIpv6(bare) ?? bare;
}

/** A table of the kernel: `0: 0100007F:1F90 00000000:0000 0A …`, addresses in the machine's byte order. */
function parseSockets(table: string, protocol: 'tcp' | 'udp'): HostPort[] {
  // A TCP socket that listens; a UDP socket that is bound and connected to nobody.
  const state = protocol === 'tcp' ? '0A' : '07';
  return table.split('\n').flatMap((line): HostPort[] => {
    const { address = '', port, found } = socketForm.exec(line)?.groups ?? {};
    if (port === undefined || found?.toUpperCase() !== state) return [];
    const number = parseInt(port, 16);
    return [{ ip: socketAddress(address), first: number, last: number, protocol }];
  });
}

const socketForm =
  /^\s*\d+: (?<address>[0-9A-F]{8}|[0-9A-F]{32}):(?<port>[0-9A-F]{4}) [0-9A-F:]+ (?<found>[0-9A-F]{2}) /i;

function socketAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => parseInt(byte, 16)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => `${bytes[2 * at] ?? ''}${bytes[2 * at + 1] ?? ''}`);
  return canonicalIpv6(groups.join(':')) ?? '::';
}

/** `tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=812,fd=6))`. */
function processesOf(stdout: string): ReadonlyMap<string, string> {
  const found = stdout.split('\n').flatMap((line): [string, string][] => {
    const [protocol = '', , , , local = ''] = line.split(/\s+/);
    const port = /:(\d+)$/.exec(local)?.[1];
    const [, name = '', pid = ''] = /users:\(\("([^"]*)",pid=(\d+)/.exec(line) ?? [];
    return port === undefined || name === '' ? [] : [[`${protocol} ${port}`, `${name} (pid ${pid})`]];
  });
  return new Map(found);
}
