import type { PortBinding } from '../docker/spec.ts';
import { UsageError } from './flags.ts';

/** `[[ip:]hostPort:]containerPort[/protocol]`, ports possibly ranges. Host port 0: any free one. */
export function parsePublish(text: string): PortBinding[] {
  const [address = '', protocol = 'tcp'] = text.split('/');
  const parts = address.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  const hostIp = parts.join(':').replace(/^\[|\]$/g, '');
  const containerPorts = parseRange(container);
  if (containerPorts === undefined) throw usage(`Invalid containerPort: ${container}`);
  const hostPorts = host === '' ? containerPorts.map(() => 0) : parseRange(host);
  if (hostPorts === undefined) throw usage(`Invalid hostPort: ${host}`);
  if (hostPorts.length !== containerPorts.length) {
    throw usage(`Invalid ranges specified for container and host Ports: ${container} and ${host}`);
  }
  return containerPorts.map((containerPort, index) => ({
    hostIp,
    hostPort: hostPorts[index] ?? 0,
    writtenPort: host === '' ? '' : String(hostPorts[index]),
    containerPort,
    protocol,
  }));
}

function parseRange(text: string): number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? first);
  if (last < first || last > 65_535) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const usage = (message: string) => new UsageError(`docker: ${message}.\nSee 'docker create --help'.`);
