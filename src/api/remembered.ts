import { ownImages } from '../engine/images.ts';
import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { groupAlike } from '../model/alike.ts';
import { parseImageRef } from '../model/image.ts';
import { mostKept } from '../ssh/lock.ts';
import { recall } from '../ssh/recall.ts';
import type { Remote } from '../ssh/remote.ts';
import type { Remembered } from '../store/hosts/agreed.ts';
import { parseBadImages, parseKeptRun, type BadImages } from '../store/hosts/kept-run.ts';
import { foundOf, lookAll, troublesOf } from './composition/hosts.ts';
import { open, type RunHooks } from './open.ts';
import { defaultOptions, given, type ConnectionOptions, type PlaybookOptions } from './options.ts';
import { redactError } from './redact-error.ts';
import { systemSurroundings, type Surroundings } from './surroundings.ts';

/** How hosts are reached that are asked for what they remember. */
export type RecallOptions = Partial<PlaybookOptions> & Partial<ConnectionOptions> & Partial<Surroundings> & RunHooks;

/** A digest that a run was sent back with, as hosts remember it. */
export interface BadDigest {
  readonly run: string;
  readonly atMs: number;
  readonly hosts: readonly string[];
}

/**
 * The runs that the hosts of a playbook remember, newest first on each. Hosts that cannot be read are left out, and are
 * told of. @throws ConfigError, and RunRefused where no host can be read
 */
export async function rememberedRuns(
  playbook: string,
  options: RecallOptions,
  { prefix = '', most = mostKept }: { readonly prefix?: string; readonly most?: number } = {},
): Promise<{ readonly hosts: readonly Remembered[]; readonly troubles: readonly string[] }> {
  const surroundings = { ...systemSurroundings(), ...given(options) };
  const opened = await open(playbook, { ...defaultOptions, ...given(options) }, surroundings, options, ownImages);
  try {
    const looks = await lookAll(opened, async ({ host, remote }) => {
      const lines = await recall(remote, { folder: 'runs', prefix, most });
      return { host: host.name, runs: lines.flatMap((line) => parseKeptRun(line) ?? []) };
    });
    const hosts = foundOf(looks);
    const troubles = groupAlike(troublesOf(looks));
    if (hosts.length === 0) throw new RunRefused(exitCodes.unreachable, 'no host says what it remembers', troubles);
    return { hosts, troubles };
  } catch (error) {
    throw redactError(error, opened.redactor);
  } finally {
    await opened.close();
  }
}

/** What one host remembers of bad images. @throws RemoteError */
export async function recallBad(remote: Remote): Promise<readonly BadImages[]> {
  const lines = await recall(remote, { folder: 'bad', most: mostKept });
  return lines.flatMap((line) => parseBadImages(line) ?? []);
}

/**
 * What hosts remember, by digest. Any host is believed, since the worst that it can bring about is that a digest is not
 * tried.
 */
export function badDigestsOf(
  hosts: Iterable<{ readonly host: string; readonly found: readonly BadImages[] }>,
): ReadonlyMap<string, BadDigest> {
  const bad = new Map<string, { run: string; atMs: number; hosts: string[] }>();
  for (const { host, found } of hosts) {
    for (const { run, atMs, images } of found) {
      for (const digest of images.map((written) => parseImageRef(written)?.digest)) {
        if (digest === undefined) continue;
        const known = bad.get(digest);
        if (known === undefined) bad.set(digest, { run, atMs, hosts: [host] });
        else if (!known.hosts.includes(host)) known.hosts.push(host);
      }
    }
  }
  return bad;
}
