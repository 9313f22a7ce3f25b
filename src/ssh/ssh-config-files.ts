import { readdir, readFile, stat } from 'node:fs/promises';
import { join, parse, resolve, sep } from 'node:path';
import { matchesPatternList } from './known-hosts.ts';
import { parseSshConfig, SshConfigError, type ConfigFile, type Statement } from './ssh-config.ts';

/** As OpenSSH. */
const maxIncludeDepth = 16;

/**
 * The ssh_config files that apply, in order, with everything that they include: `file` alone where one is given
 * (as `ssh -F`), else the user's and the system's.
 * @throws SshConfigError
 */
export async function loadSshConfig(homeDir: string, file?: string): Promise<readonly ConfigFile[]> {
  const userFolder = join(homeDir, '.ssh');
  if (file === 'none') return [];
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new SshConfigError(file, `cannot be read: ${messageOf(error)}.`);
    });
    return [await resolveIncludes(parseSshConfig(text, file), userFolder, homeDir, [file])];
  }
  const files = [
    { path: join(userFolder, 'config'), folder: userFolder, isUsers: true },
    { path: '/etc/ssh/ssh_config', folder: '/etc/ssh', isUsers: false },
  ];
  return Promise.all(
    files.map(async ({ path, folder, isUsers }) => {
      const text = await readOptional(path);
      if (text === undefined) return [];
      if (isUsers) await refuseForeignFile(path);
      return resolveIncludes(parseSshConfig(text, path), folder, homeDir, [path]);
    }),
  );
}

async function resolveIncludes(
  statements: ConfigFile,
  folder: string,
  homeDir: string,
  /** The files that led here, to find cycles. */
  ancestors: readonly string[],
): Promise<ConfigFile> {
  return Promise.all(
    statements.map(async (statement): Promise<Statement> => {
      if (statement.kind !== 'include') return statement;
      const paths = await Promise.all(
        statement.patterns.map((pattern) => expandGlob(resolve(folder, expandHome(pattern, homeDir)))),
      );
      const files = await Promise.all(
        paths.flat().map(async (path) => {
          if (ancestors.includes(path)) throw new SshConfigError(statement.place, `${path} includes itself.`);
          if (ancestors.length >= maxIncludeDepth) {
            throw new SshConfigError(statement.place, `Include goes deeper than ${maxIncludeDepth} files.`);
          }
          const text = await readOptional(path);
          if (text === undefined) return [];
          return resolveIncludes(parseSshConfig(text, path), folder, homeDir, [...ancestors, path]);
        }),
      );
      return { ...statement, files };
    }),
  );
}

/** `~` and `~/…`; other users' homes stay as they are, and are then not found. */
export function expandHome(path: string, homeDir: string): string {
  return path === '~' || path.startsWith('~/') ? join(homeDir, path.slice(1)) : path;
}

/** Files that a pattern with `*` and `?` names, sorted. */
async function expandGlob(pattern: string): Promise<readonly string[]> {
  if (!/[*?]/.test(pattern)) return [pattern];
  const { root } = parse(pattern);
  let found = [root];
  for (const part of pattern.slice(root.length).split(sep)) {
    const next = await Promise.all(found.map((folder) => childrenNamed(folder, part)));
    found = next.flat();
  }
  return found;
}

async function childrenNamed(folder: string, part: string): Promise<readonly string[]> {
  if (!/[*?]/.test(part)) return [join(folder, part)];
  const names = await readdir(folder).catch((): string[] => []);
  return names
    .filter((name) => matchesPatternList([part], name) && (part.startsWith('.') || !name.startsWith('.')))
    .sort()
    .map((name) => join(folder, name));
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(String(error.code))) {
      return undefined;
    }
    throw new SshConfigError(path, `cannot be read: ${messageOf(error)}.`);
  }
}

/** Who can write a user's ssh_config can choose the hosts that it connects to. */
async function refuseForeignFile(path: string): Promise<void> {
  if (process.getuid === undefined) return;
  const { mode, uid } = await stat(path);
  if ((mode & 0o022) !== 0 || (uid !== 0 && uid !== process.getuid())) {
    throw new SshConfigError(path, `others can write it, so ssh would refuse it. Type: chmod go-w ${path}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
