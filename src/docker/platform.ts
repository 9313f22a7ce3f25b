import type { Facts } from '../model/host.ts';

/** The architectures that `docker info` calls by the kernel's name, and images by another. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  i386: '386',
  i686: '386',
  aarch64: 'arm64',
  armv7l: 'arm/v7',
  armv6l: 'arm/v6',
  loongarch64: 'loong64',
};

/** What images call a host's platform: `linux/amd64`. */
export function platformOfHost({ os, arch }: Pick<Facts, 'os' | 'arch'>): string {
  return `${os}/${architectures[arch] ?? arch}`;
}
