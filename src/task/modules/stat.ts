import * as z from 'zod';
import type { Value } from '../../model/host.ts';
import { flag, must, text } from '../../schema/values.ts';
import { done, taskModule } from '../module.ts';
import type { PathQuery } from '../query.ts';

export const statModule = taskModule({
  name: 'stat',
  doc: 'What is at a path on the host, as `stat` of the result: exists, isreg, isdir, islnk, mode, pw_name, gr_name, uid, gid, size, mtime, inode, nlink, lnk_target, checksum.',
  schema: () =>
    z.strictObject(
      {
        path: text.describe('On the host.'),
        follow: flag.default(false).describe('What a link leads to, and not the link.'),
        get_checksum: flag.default(true).describe('With the SHA-1 of a file.'),
      },
      must('a mapping with path'),
    ),
  observe: (params) => [queryOf(params)],
  plan: (params, found) => {
    const there = found.path(queryOf(params));
    if (there === undefined) return done({ changed: false, stat: { exists: false } });
    const stat: Record<string, Value> = {
      exists: true,
      path: params.path,
      isreg: there.type === 'file',
      isdir: there.type === 'directory',
      islnk: there.type === 'link',
      mode: there.mode.padStart(4, '0'),
      uid: there.uid,
      gid: there.gid,
      pw_name: there.owner,
      gr_name: there.group,
      size: there.bytes,
      mtime: there.modifiedSeconds,
      inode: there.inode,
      nlink: there.links,
    };
    if (there.target !== undefined) stat['lnk_target'] = there.target;
    if (there.checksum !== undefined) stat['checksum'] = there.checksum;
    return done({ changed: false, stat });
  },
});

function queryOf(params: { path: string; follow: boolean; get_checksum: boolean }): PathQuery {
  const { path, follow, get_checksum: sums } = params;
  return { kind: 'path', path, ...(follow ? { follow } : {}), ...(sums ? { wants: 'checksum' } : {}) };
}
