import { BlockList, isIP } from 'node:net';

/**
 * Addresses that no registry may lead to: link-local ones, and those under which clouds tell a machine its own
 * credentials. Only who wrote such an address into an image's name means it.
 */
const forbidden = new BlockList();
forbidden.addSubnet('169.254.0.0', 16, 'ipv4');
forbidden.addSubnet('fe80::', 10, 'ipv6');
// The metadata services outside of link-local: AWS, Google, Alibaba, Oracle, Azure.
forbidden.addAddress('fd00:ec2::254', 'ipv6');
forbidden.addAddress('fd20:ce::254', 'ipv6');
forbidden.addAddress('100.100.100.200', 'ipv4');
forbidden.addAddress('192.0.0.192', 'ipv4');
forbidden.addAddress('168.63.129.16', 'ipv4');

/** `address` as a resolver gives it, or as it stands in a URL: with brackets, a zone, or an IPv4 address within IPv6. */
export function isForbiddenAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(bare);
  if (family === 0) return false;
  if (family === 4) return forbidden.check(bare, 'ipv4');
  const embedded = embeddedIpv4(bare);
  return forbidden.check(bare, 'ipv6') || (embedded !== undefined && forbidden.check(embedded, 'ipv4'));
}

/** The IPv4 address within `::ffff:…`, `::…` (compatible), `64:ff9b::…` (NAT64) and `2002:…::` (6to4). */
function embeddedIpv4(address: string): string | undefined {
  const groups = ipv6Groups(address);
  const [first = 0, second = 0, third = 0] = groups;
  const tail = groups.slice(6);
  if (first === 0x2002) return dotted([second, third]);
  const isNat64 = first === 0x64 && second === 0xff9b && groups.slice(2, 6).every((group) => group === 0);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && (groups[5] === 0xffff || groups[5] === 0);
  return isNat64 || isMapped ? dotted(tail) : undefined;
}

/** WHATWG's URL writes an IPv6 address in one way only: short, in hex. */
function ipv6Groups(address: string): readonly number[] {
  const { hostname } = new URL(`http://[${address}]/`);
  const [before = '', after] = hostname.slice(1, -1).split('::');
  const parse = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
  const head = parse(before);
  const rest = after === undefined ? [] : parse(after);
  return [...head, ...Array.from({ length: 8 - head.length - rest.length }, () => 0), ...rest];
}

function dotted([high = 0, low = 0]: readonly number[]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Docker's client and daemon treat these as insecure without being told. */
export function isLoopback(registry: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(registry);
}

/** Docker Hub's API answers under another name than its images have. */
export function apiHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry;
}
