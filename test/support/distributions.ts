import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../lab/support/processes.ts';
import { cacheFolder, keptFolder } from './machine-cache.ts';

/** Debian's releases that the project is tried on, and what they bring: docker 20.10, 26.1 and the newest. */
export type DebianRelease = 'bookworm' | 'trixie' | 'sid';

/** Ubuntu's: docker 29. Its coreutils and its sudo are the ones in Rust. */
export type UbuntuRelease = 'resolute';

export const isUbuntu = (release: DebianRelease | UbuntuRelease): release is UbuntuRelease => release === 'resolute';

/** Signs the archives of every release; comes with Debian. */
export const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export const ubuntuMirror = 'http://archive.ubuntu.com/ubuntu';

/** Signs Ubuntu's archives; see {@link fetchUbuntuKeyring}. */
export const ubuntuKeyring = join(cacheFolder, 'ubuntu-keyring', 'usr/share/keyrings/ubuntu-archive-keyring.gpg');

/** Keeps Debian's package of the keyring in the cache folder. */
export async function fetchUbuntuKeyring(): Promise<void> {
  await keptFolder('ubuntu-keyring', (building) => unpackPackage('sid', 'ubuntu-keyring', building));
}

/** Where this machine's own apt gets Debian from. @throws Error where it is no Debian, or has no source of it. */
export async function debianMirror(): Promise<string> {
  const format = ['--format', '$(ORIGIN) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages'];
  const targets = await run(['apt-get', 'indextargets', ...format]);
  const mirror = /^Debian main (\S+)$/m.exec(targets)?.[1];
  if (mirror === undefined)
    throw new Error('apt on this machine knows no Debian archive; give it one, then: apt-get update');
  return mirror;
}

/** Fetches a package of a release, checked against Debian's signatures, and unpacks it into `folder`. It is not installed. */
export async function unpackPackage(release: DebianRelease, name: string, folder: string): Promise<void> {
  const apt = join(folder, '.apt');
  for (const path of ['lists/partial', 'archives']) await mkdir(join(apt, path), { recursive: true });
  await writeFile(join(apt, 'sources'), `deb [signed-by=${debianKeyring}] ${await debianMirror()} ${release} main\n`);
  const options = {
    'Dir::Etc::sourcelist': join(apt, 'sources'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': apt,
    'APT::Sandbox::User': 'root',
  };
  const words = Object.entries(options).flatMap(([option, value]) => ['-o', `${option}=${value}`]);
  await run(['apt-get', ...words, '--error-on=any', 'update'], { timeoutMs: 300_000 });
  // It downloads to where it stands.
  const downloaded = ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', join(apt, 'archives')];
  await run([...downloaded, 'apt-get', ...words, 'download', name], { timeoutMs: 300_000 });
  const fetched = (await readdir(join(apt, 'archives'))).filter((file) => file.endsWith('.deb'));
  for (const file of fetched) await run(['dpkg-deb', '--extract', join(apt, 'archives', file), folder]);
  await rm(apt, { recursive: true });
}
