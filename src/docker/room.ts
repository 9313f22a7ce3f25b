import { leanClient, script, type Argv } from './commands.ts';
import type { Room } from './observed.ts';

/**
 * For scripts: `room FOLDER` prints what is free in docker's folder. By one process where `stat` knows file systems: blocks
 * that are free for anybody, their size, inodes, and those of them that are free. Else by what `df` says.
 */
export const roomFunction = `
room() {
  printf 'folder %s\\n' "$1"
  free=$(stat -f -c '%a %S %c %d' -- "$1" 2>/dev/null)
  case \${free:-?} in
    *[!0-9' ']*) ;;
    *) echo "free $free"; return ;;
  esac
  echo blocks
  df -Pk -- "$1" 2>/dev/null
  echo inodes
  df -Pi -- "$1" 2>/dev/null
}`;

/** Prints what is free in docker's folder. */
export const roomCommand: Argv = script(
  'rollout-room',
  `
${leanClient}${roomFunction}
root=$(docker info --format '{{.DockerRootDir}}') || exit
room "$root"
exit 0
`,
  [],
);

/** What {@link roomFunction} has printed; undefined where the host cannot tell, as for a docker that is elsewhere. */
export function parseRoom(stdout: string): Room | undefined {
  const [, folder, rest = ''] = /^folder (\/.*)\n([^]*)/m.exec(stdout) ?? [];
  if (folder === undefined) return undefined;
  const free = /^free (\d+) (\d+) (\d+) (\d+)\n/.exec(rest)?.slice(1).map(Number);
  if (free !== undefined) {
    const [blocks = 0, blockBytes = 0, inodes = 0, freeInodes = 0] = free;
    // Some file systems count none.
    return { folder, freeBytes: blocks * blockBytes, freeInodes: inodes === 0 ? undefined : freeInodes };
  }
  const [, blocks = '', inodes = ''] = /^blocks\n([^]*?)^inodes\n([^]*)/m.exec(rest) ?? [];
  const freeKilobytes = availableIn(blocks);
  if (freeKilobytes === undefined) return undefined;
  return { folder, freeBytes: freeKilobytes * 1024, freeInodes: availableIn(inodes) };
}

/** The fourth column of `df -P`: device names and folders may hold blanks, the columns between are numbers and a share. */
function availableIn(table: string): number | undefined {
  const available = /\s\d+\s+\d+\s+(\d+)\s+\d+%\s/.exec(table)?.[1];
  return available === undefined ? undefined : Number(available);
}
