import { join } from 'node:path';
import { keptFolder } from './machine-cache.ts';
import { unpackPackage } from './debian.ts';

/** Raised when what is kept is to be made anew. */
const name = 'docker-compose-trixie-v1';

/**
 * The path of a docker-compose 2.26 (Debian 13's), a program that runs by itself on any Linux and, for `config`, without a
 * docker. The first call on a machine fetches it; it is not installed. @throws Error where it cannot be fetched
 */
export async function composeV2(): Promise<string> {
  const folder = await keptFolder(name, (building) => unpackPackage('trixie', 'docker-compose', building));
  return join(folder, 'usr/libexec/docker/cli-plugins/docker-compose');
}
