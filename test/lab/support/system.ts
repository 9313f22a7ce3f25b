import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  debianKeyring,
  debianMirror,
  fetchUbuntuKeyring,
  isUbuntu,
  ubuntuKeyring,
  ubuntuMirror,
  type DebianRelease,
  type UbuntuRelease,
} from '../../support/distributions.ts';
import { cacheFolder, keptFolder } from '../../support/machine-cache.ts';
import { installPrograms } from './packages.ts';
import { run } from './processes.ts';

type Release = DebianRelease | UbuntuRelease;

/** What runs on the hosts of a lab. */
export interface HostSystem {
  /** `machine`: the programs of the machine itself; otherwise a Debian or Ubuntu of the hosts' own. */
  readonly release: 'machine' | Release;
  /** `simple`: a loop that keeps sshd and dockerd running, on the machine's cgroups. `systemd`: on cgroup version 2. */
  readonly init: 'simple' | 'systemd';
  /** Where docker keeps images. */
  readonly store: 'overlay2' | 'containerd';
}

export const machineSystem: HostSystem = { release: 'machine', init: 'simple', store: 'overlay2' };

export const releases = [
  'machine',
  'bookworm',
  'trixie',
  'sid',
  'resolute',
] as const satisfies readonly HostSystem['release'][];
export const inits = ['simple', 'systemd'] as const satisfies readonly HostSystem['init'][];

/** The system that options name. @throws Error that says what they may be */
export function parseSystem(options: {
  readonly system: string;
  readonly init: string;
  readonly containerdStore: boolean;
}): HostSystem {
  const system: HostSystem = {
    release: oneOf(releases, '--system', options.system),
    init: oneOf(inits, '--init', options.init),
    store: options.containerdStore ? 'containerd' : 'overlay2',
  };
  checkSystem(system);
  return system;
}

function oneOf<Word extends string>(words: readonly Word[], option: string, given: string): Word {
  const found = words.find((word) => word === given);
  if (found === undefined) throw new Error(`${option}: must be one of ${words.join(', ')}; got ${given}`);
  return found;
}

/** @throws Error that says which option is wrong and what goes together. */
export function checkSystem({ release, init, store }: HostSystem): void {
  if (init === 'systemd' && release === 'machine')
    throw new Error('--init systemd: needs hosts with a system of their own, as in: --system sid --init systemd');
  if (store === 'containerd' && (release === 'machine' || release === 'bookworm'))
    throw new Error('--containerd-store: docker 20.10 has none; newer ones: --system trixie, --system sid');
}

/** As `sid, systemd, containerd store`; empty for the machine's own programs. */
export function formatSystem({ release, init, store }: HostSystem): string {
  if (release === 'machine') return '';
  return [
    release,
    ...(init === 'systemd' ? ['systemd'] : []),
    ...(store === 'containerd' ? ['containerd store'] : []),
  ].join(', ');
}

const everywhere = [
  ...['docker.io', 'containerd', 'runc', 'openssh-server', 'iptables', 'iproute2', 'ca-certificates', 'procps'],
  ...['systemd', 'systemd-sysv', 'dbus', 'sudo', 'curl'],
];
const packages: Readonly<Record<Release, readonly string[]>> = {
  bookworm: everywhere,
  trixie: [...everywhere, 'docker-cli'],
  sid: [...everywhere, 'docker-cli'],
  // Ubuntu's own choice since 25.10, in the place of sudo.
  resolute: [...everywhere, 'sudo-rs'],
};
const recipe = (release: Release): readonly string[] => [
  '--variant=minbase',
  `--keyring=${isUbuntu(release) ? ubuntuKeyring : debianKeyring}`,
  ...(isUbuntu(release) ? ['--components=main,universe'] : []),
  `--include=${packages[release].join(',')}`,
  release,
];

const nameOf = (release: Release): string =>
  `root-${release}-${createHash('sha256').update(recipe(release).join(' ')).digest('hex').slice(0, 8)}`;

/** The root file system that hosts of a release have in common; see {@link prepareRoot}. */
export const rootOf = (release: Release): string => join(cacheFolder, nameOf(release));

/** Makes the root file system of a release where this machine has none yet: about a minute, and 600 MB. */
export async function prepareRoot(release: Release, say: (line: string) => void): Promise<void> {
  await installPrograms([['debootstrap', 'debootstrap']], say);
  if (isUbuntu(release)) await fetchUbuntuKeyring();
  await keptFolder(nameOf(release), async (building) => {
    say(`building a ${release} in ${rootOf(release)}: once, a minute or two`);
    // With mounts of its own: what it mounts goes when it ends, however that is.
    const apart = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    // Debian's debootstrap does not know the newer Ubuntus; one script is for all of them.
    const from = isUbuntu(release) ? [ubuntuMirror, '/usr/share/debootstrap/scripts/gutsy'] : [await debianMirror()];
    await run([...apart, 'debootstrap', ...recipe(release), building, ...from], { timeoutMs: 1_200_000 });
    const archives = join(building, 'var/cache/apt/archives');
    const left = (await readdir(archives)).filter((file) => file.endsWith('.deb'));
    await Promise.all(left.map((file) => rm(join(archives, file))));
  });
}
