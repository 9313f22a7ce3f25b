import { rootStateFolder, userStateFolder } from './lock-script.ts';
import type { KeptFile } from './lock.ts';
import type { Remote } from './remote.ts';

/** Of one file; what is longer was not written by a run. */
const mostFileBytes = 65_536;

/** What is asked for. */
export interface Recalled {
  readonly folder: KeptFile['folder'];
  /** The beginning of their names. */
  readonly prefix?: string;
  /** So many, the newest. */
  readonly most: number;
}

/**
 * What runs have kept on a host, newest first, a line a file: whatever stands there, cut at a limit. None where there is
 * nothing. @throws RemoteError
 */
export async function recall(remote: Remote, wanted: Recalled): Promise<readonly string[]> {
  const maxOutputBytes = wanted.most * (mostFileBytes + 1);
  const { stdout } = await remote.exec(recallCommand(wanted), { timeoutMs: 60_000, maxOutputBytes });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Prints the first line of each file, as far as it is the user's own and plain. */
export function recallCommand(
  { folder, prefix = '', most }: Recalled,
  stateFolder: string = rootStateFolder,
): readonly string[] {
  const script = `
state=$1 folder=$2 prefix=$3 most=$4 bytes=$5
[ "$(id -u)" = 0 ] || state=\${HOME:-}/${userStateFolder}
cd -P "$state/$folder" 2>/dev/null && [ -O . ] || exit 0
ls | sort -r | while [ "$most" -gt 0 ] && read -r name; do
  case $name in "$prefix"*) ;; *) continue ;; esac
  [ -f "$name" ] && [ ! -L "$name" ] && [ -O "$name" ] || continue
  most=$((most - 1))
  head -c "$bytes" "$name" | tr -d '\\r' | { IFS= read -r line; printf '%s\\n' "$line"; }
done
`.trim();
  return ['sh', '-c', script, 'rollout-recall', stateFolder, folder, prefix, String(most), String(mostFileBytes)];
}
