import { join } from 'node:path';
import { keptFolder } from './machine-cache.ts';
import { unpackPackage, type DebianRelease } from './distributions.ts';

/** Raised when what is kept is to be made anew. */
const version = 'v1';

/**
 * The path of a docker-compose 2.x: 2.26 of Debian 13, or 2.40 or newer of sid, a program that runs by itself on any Linux and, for `config`, without a
 * docker. The first call on a machine fetches it; it is not installed. @throws Error where it cannot be fetched
 */
export async function composeV2(release: Exclude<DebianRelease, 'bookworm'> = 'trixie'): Promise<string> {
  const name = `docker-compose-${release}-${version}`;
  const folder = await keptFolder(name, (building) => unpackPackage(release, 'docker-compose', building));
  return join(folder, 'usr/libexec/docker/cli-plugins/docker-compose');
}
