import { script, type Argv } from './commands.ts';
import type { Room } from './observed.ts';

/** Prints docker's folder, and what `df` says of it. */
export const roomCommand: Argv = script(
  'rollout-room',
  `
root=$(docker info --format '{{.DockerRootDir}}') || exit
echo "folder $root"
echo blocks
df -Pk -- "$root" 2>/dev/null
echo inodes
df -Pi -- "$root" 2>/dev/null
exit 0
`,
  [],
);

/** What {@link roomCommand} has printed; undefined where the host cannot tell, as for a docker that is elsewhere. */
export function parseRoom(stdout: string): Room | undefined {
  const [, folder, blocks = '', inodes = ''] = /^folder (\/.*)\nblocks\n([^]*?)^inodes\n([^]*)/m.exec(stdout) ?? [];
  const freeKilobytes = availableIn(blocks);
  if (folder === undefined || freeKilobytes === undefined) return undefined;
  return { folder, freeBytes: freeKilobytes * 1024, freeInodes: availableIn(inodes) };
}

/** The fourth column of `df -P`: device names and folders may hold blanks, the columns between are numbers and a share. */
function availableIn(table: string): number | undefined {
  const available = /\s\d+\s+\d+\s+(\d+)\s+\d+%\s/.exec(table)?.[1];
  return available === undefined ? undefined : Number(available);
}
