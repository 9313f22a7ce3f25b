import { posix } from 'node:path';
import * as z from 'zod';
import { flag, must, text } from '../../schema/values.ts';
import { done, failed, taskModule, type Result, type TaskSurroundings, type Verdict } from '../module.ts';
import type { Found, PathFacts, PathQuery } from '../query.ts';

/** A host that sends without end must not fill the controller's disk. */
export const mostFetchedBytes = 2 ** 31;

const schema = () =>
  z.strictObject(
    {
      src: text
        .refine((path) => path.startsWith('/'), must('an absolute path: hosts have no folder that it could be in'))
        .describe('The file on the host; a symbolic link is followed. Folders are not fetched.'),
      dest: text.describe(
        "The folder of the controller that it goes into, relative to the playbook: as DEST/HOST/PATH. With flat: the file, or with a slash at its end the folder that it goes into under the file's name.",
      ),
      flat: flag
        .default(false)
        .describe('Without the name of the host and the path: of several hosts the last one stays.'),
      fail_on_missing: flag.default(true).describe('false: a file that is not there is passed over.'),
      validate_checksum: flag.default(true).describe('What has come must have the checksum that the host says.'),
    },
    must('a mapping with src and dest'),
  );
type Params = z.output<ReturnType<typeof schema>>;

export const fetchModule = taskModule({
  name: 'fetch',
  doc: 'A file of the host, to the controller. Written beside its place and renamed, and only where it differs. What only its owner may read on the host only its owner may read here.',
  schema,
  observe: ({ src }) => [pathOf(src)],
  plan: (params, found, task) => planFetch(params, found, task),
});

const pathOf = (path: string): PathQuery => ({ kind: 'path', path, follow: true, wants: 'checksum' });

function planFetch(params: Params, found: Found, task: TaskSurroundings): Verdict {
  const { src, fail_on_missing: mustBeThere } = params;
  const file = found.path(pathOf(src));
  const wrong = faultOf(file);
  if (wrong !== undefined)
    return mustBeThere
      ? failed(wrong, { file: src })
      : done({ changed: false, file: src, msg: `${wrong}, not transferring, ignored` });
  const there = placeOf(params, task);
  if (there.type === 'directory' || there.type === 'other')
    return failed(
      params.flat && there.type === 'directory'
        ? 'dest is an existing directory, use a trailing slash if you want to fetch src into that directory'
        : `${there.path} is ${there.type === 'directory' ? 'a folder' : 'no plain file'}`,
    );
  const result: Result = { file: src, dest: there.path };
  const isSame = there.type === 'file' && there.checksum() === file?.checksum;
  if (isSame) return done({ changed: false, ...result, checksum: there.checksum() });
  return {
    kind: 'change',
    result,
    apply: async (host) => {
      let remote = '';
      const kept = await host.keep(['sh', '-c', sendScript, 'rollout-send', src, String(mostFetchedBytes)], {
        path: there.path,
        isPrivate: !isForEverybody(file),
        mostBytes: mostFetchedBytes,
        check: ({ exitCode, stderr, checksum }) => {
          if (exitCode !== 0) throw new Error(stderr.trim() || `exit code ${exitCode}`);
          remote = /^sum ([0-9a-f]{40})$/m.exec(stderr)?.[1] ?? '';
          if (params.validate_checksum && checksum !== remote)
            throw new Error(`checksum mismatch: ${src} has ${remote || 'none'}, what came has ${checksum}`);
        },
      });
      return { checksum: kept.checksum, remote_checksum: remote, size: kept.bytes };
    },
  };
}

function faultOf(file: PathFacts | undefined): string | undefined {
  if (file === undefined) return 'the remote file does not exist';
  if (file.type === 'directory') return 'remote file is a directory, fetch cannot work on directories';
  if (file.type !== 'file') return 'the remote file is no plain file';
  return file.checksum === undefined ? 'no read permission on remote file' : undefined;
}

const isForEverybody = (file: PathFacts | undefined): boolean => (parseInt(file?.mode ?? '0', 8) & 0o004) !== 0;

/** Where it goes: always below `dest`, whatever the names in it are made of. @throws Error where it would not */
function placeOf(
  { src, dest, flat }: Params,
  task: TaskSurroundings,
): ReturnType<TaskSurroundings['controller']['place']> {
  const whole = task.controller.place(dest);
  if (flat && !dest.endsWith('/')) return whole;
  // A name that the inventory has: always a text.
  const host = task.evaluate('inventory_hostname') as string;
  const inside = flat ? posix.basename(src) : `${host}/${src}`;
  const path = posix.join(whole.path, inside);
  const base = flat ? whole.path : posix.join(whole.path, host);
  if (!isBelow(base, whole.path, flat) || !isBelow(path, base, false))
    throw new Error(`Detected directory traversal, expected to be contained in '${whole.path}' but got '${path}'`);
  return task.controller.place(path);
}

const isBelow = (path: string, folder: string, orSame: boolean): boolean =>
  (orSame && path === folder) || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/**
 * `rollout-send FILE MOST`: a file, and `sum SHA1` on stderr. As much as it has when it begins: a log that grows meanwhile
 * is whole up to there. What says that it has nothing is read to its end: the kernel's files have no size.
 */
const sendScript = `
file=$1 most=$2
bytes=$(stat -L -c %s -- "$file") || exit
[ "$bytes" -le "$most" ] || { echo "$file has $bytes bytes, and at most $most are fetched: bring it with scp or rsync" >&2; exit 1; }
[ "$bytes" -gt 0 ] || bytes=$most
head -c "$bytes" < "$file" || exit
sum=$(head -c "$bytes" < "$file" | sha1sum) || exit
echo "sum \${sum%% *}" >&2`.trim();
