import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const inventoriesFolder = new URL('inventories', import.meta.url).pathname;

/** An inventory that both sides read: a folder with its files. */
export interface InventoryCase {
  readonly name: string;
  readonly folder: string;
  /** `-i` and what goes with it, relative to the folder; the same words for both sides. */
  readonly args: readonly string[];
}

/** `-i` is the file `hosts…` of a folder, unless a file `args` says otherwise; `extra-args` come on top. One word a line. */
export function inventoryCases(): InventoryCase[] {
  return readdirSync(inventoriesFolder)
    .sort()
    .map((name) => {
      const folder = join(inventoriesFolder, name);
      const hosts = readdirSync(folder).find((file) => file.startsWith('hosts'));
      const sources = words(join(folder, 'args')) ?? ['-i', hosts ?? ''];
      return { name, folder, args: [...sources, ...(words(join(folder, 'extra-args')) ?? [])] };
    });
}

function words(file: string): string[] | undefined {
  if (!existsSync(file)) return undefined;
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The inventory that every pattern is tried on. */
export const patternInventory = new URL('patterns.ini', import.meta.url).pathname;

/** Patterns, some with a --limit. */
export const patterns: readonly { readonly pattern: string; readonly limit?: string }[] = [
  ...[
    'all',
    '*',
    'web',
    'web1',
    'web1.example.com',
    'web:db',
    'web,db',
    'web, db , cache1',
    'db:web',
    'web:&eu',
    '&eu:web',
    'web:&eu:!web1.example.com',
    '!web1.example.com:web:&eu',
    'all:!web',
    '!web',
    '&web',
    'web:!eu:!db',
    'web:&eu:&canary',
    'prod:!db:&eu',
    'web*',
    'web?.example.com',
    'web[12].example.com',
    'web[!1].example.com',
    'web[0]',
    'web[1]',
    'web[-1]',
    'web[-2]',
    'web[0:1]',
    'web[1:]',
    'web[0:0]',
    'web[1:100]',
    'web[2:1]',
    'db[0],web[0]',
    'web[0]:db[0]',
    'prod[1:2]:!db2',
    '*.example.com',
    '*.example.com:!web',
    '*.example.com[0:1]',
    '~web\\d+\\.example\\.com',
    '~^(web|db)',
    '~db',
    '~.*2.*',
    '~(?i)WEB1',
    '~e',
    'web:~db[12]',
    'web:!~.*1.*',
    'eu:us',
    'eu:&us',
    'ungrouped',
    'lonely',
    'localhost',
    'web:localhost',
    '10.0.0.*',
    '10.0.0.1',
    '10.0.0.1:web',
    '[fe80::1]',
    'fe80::1',
    'cache1,web:&eu',
    'web,&eu',
    'web,!web1.example.com',
    'web1.example.com,web1.example.com,web2.example.com',
    'parent',
    'parent:!child',
    'child',
    'empty',
    'all:&parent:!web3.example.com',
    'a-b',
    'a-b:web',
    'we?',
    'd[ab]*',
    'a*:!a-b',
    '*1*:&*2*',
    'nothing:web',
  ].map((pattern) => ({ pattern })),
  { pattern: 'web', limit: 'eu' },
  { pattern: 'all', limit: 'web1.example.com' },
  { pattern: 'all', limit: 'web:!eu' },
  { pattern: 'all', limit: '!web' },
  { pattern: 'web', limit: 'db,web2.example.com' },
  { pattern: 'all', limit: 'web[0]' },
  { pattern: 'all', limit: '~db' },
  { pattern: 'all', limit: '@limit-file' },
  { pattern: 'web:db', limit: '@limit-file,db1' },
  { pattern: 'db', limit: 'all:&eu' },
];
