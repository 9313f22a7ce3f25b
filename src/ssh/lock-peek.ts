import { describeHolder, parseHolder } from './lock-holder.ts';
import type { LockOptions } from './lock.ts';
import { lockFolders, rootFolder } from './lock-script.ts';
import { printable } from './printable.ts';

/** Who holds a host's lock, in the holder's own words: the file's text is whatever its holder has written there. */
export interface FoundLock {
  readonly holder: string;
  readonly run?: string;
  /** Epoch milliseconds. */
  readonly since?: number;
}

/**
 * Prints `lock ` and the text of whoever holds the lock, then does as the command says. A text without a lock is what a
 * killed run has left. Where the kernel lists one of that file, a shared lock of a moment tells whether it is held. In
 * a container, as of LXC, it lists only locks whose taker still lives; a run's was taken by a `flock` that has ended. So
 * there the list is not believed: the number is that of the first pid namespace of every Linux.
 */
const peekScript = `
own=$1
shift
shared=
while [ "$1" != -- ]; do
  [ -n "$shared" ] || { [ -d "$1" ] && [ -k "$1" ] && [ -w "$1" ] && shared=$1/rollout.lock; }
  shift
done
shift
said=
for file in "$own/rollout.lock" "$shared"; do
  [ -f "$file" ] && [ -s "$file" ] && [ ! -L "$file" ] && [ -r "$file" ] || continue
  said=$(head -c 2000 "$file" | head -n 1)
  [ -n "$said" ] || continue
  # What the kernel knows no lock of needs none to be asked with: a run that starts right now would find that one.
  if [ "$(readlink /proc/self/ns/pid 2>/dev/null)" = 'pid:[4026531836]' ] && [ -r /proc/locks ] && inode=$(stat -c %i "$file" 2>/dev/null) && ! grep -q ":$inode " /proc/locks; then
    said=
    continue
  fi
  (flock -n -s 9) 9<"$file" 2>/dev/null
  [ "$?" -eq 1 ] && break
  said=
done
printf 'lock %s\\n' "$said"
exec "$@"
`.trim();

/** A command that also says who holds the host's lock. */
export function withLockPeek(
  command: readonly string[],
  { folders = lockFolders, ownFolder = rootFolder }: Pick<LockOptions, 'folders' | 'ownFolder'> = {},
): readonly string[] {
  return ['sh', '-c', peekScript, 'rollout-peek', ownFolder, ...folders, '--', ...command];
}

/** The lock's holder, and what the command itself has printed; undefined where that does not begin as it should. */
export function parseLockPeek(
  stdout: string,
): { readonly lock: FoundLock | undefined; readonly rest: string } | undefined {
  const [, text = '', rest = ''] = /^lock ([^\n]*)\n(.*)$/s.exec(stdout) ?? [];
  if (!stdout.startsWith('lock ')) return undefined;
  return { lock: text.trim() === '' ? undefined : foundLock(text), rest };
}

function foundLock(text: string): FoundLock {
  const found = parseHolder(text);
  if (found === undefined) return { holder: `somebody who writes ${JSON.stringify(printable(text))}` };
  const { run, since } = found;
  return {
    holder: describeHolder(found),
    ...(run === undefined ? {} : { run }),
    ...(since === undefined ? {} : { since }),
  };
}
