import { expect, test } from 'vitest';
import { parseRoom } from '../../../src/docker/room.ts';
import { lackOfRoom } from '../../../src/plan/room.ts';

/** What rollout-room prints where df tells: blocks of 1 KB and inodes that are free, and what stands around them. */
const said = (blocks: string, inodes: string, folder = '/var/lib/docker'): string =>
  `folder ${folder}\nblocks\n${blocks}inodes\n${inodes}`;
const blocks = (free: number): string =>
  `Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/vda         263174212 23885988  ${free}      23% /\n`;
const inodes = (free: number): string =>
  `Filesystem       Inodes  IUsed    IFree IUse% Mounted on\n/dev/vda       16777216 445228 ${free}    3% /\n`;

test.each([
  ['room enough', said(blocks(83_000_000), inodes(16_331_988)), undefined],
  [
    'few bytes',
    said(blocks(12_288), inodes(16_331_988)),
    '/var/lib/docker has 12 MB free, 100 MB are needed to put a node back. Make room: docker system df shows what docker keeps, docker image prune removes unused layers',
  ],
  [
    'few inodes',
    said(blocks(83_000_000), inodes(7), '/data/docker root'),
    '/data/docker root has 7 inodes free, 1000 are needed to put a node back. Make room: docker system df shows what docker keeps, docker image prune removes unused layers',
  ],
  [
    'neither',
    said(blocks(0), inodes(0)),
    '/var/lib/docker has 0 MB free, 100 MB are needed; 0 inodes free, 1000 are needed to put a node back. Make room: docker system df shows what docker keeps, docker image prune removes unused layers',
  ],
  [
    'a file system that counts no inodes',
    said(blocks(83_000_000), 'Filesystem Inodes IUsed IFree IUse% Mounted on\npool 0 0 0 - /\n'),
    undefined,
  ],
  ['room enough, as stat tells', 'folder /var/lib/docker\nfree 20700000 4096 16777216 16331988\n', undefined],
  [
    'neither, as stat tells',
    'folder /var/lib/docker\nfree 3072 4096 16777216 7\n',
    '/var/lib/docker has 12 MB free, 100 MB are needed; 7 inodes free, 1000 are needed to put a node back. Make room: docker system df shows what docker keeps, docker image prune removes unused layers',
  ],
  ['a file system that counts no inodes, as stat tells', 'folder /pool\nfree 20700000 4096 0 0\n', undefined],
  ['a stat whose answer was broken off', 'folder /var/lib/docker\nfree 0 4096 167', undefined],
  ['a df that knows no inodes', said(blocks(83_000_000), ''), undefined],
  [
    'a device whose name holds blanks and numbers',
    said(
      'Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/disk 1 2 3 900000 500000 400000 56% /mnt/disk 1\n',
      '',
    ),
    undefined,
  ],
  ['a docker that is elsewhere: no such folder here', said('', ''), undefined],
  ['a login script that speaks first', `Welcome\n${said(blocks(83_000_000), inodes(5000))}`, undefined],
])('%s', (_, stdout, words) => {
  expect(lackOfRoom(parseRoom(stdout))).toBe(words);
});
