/** What goes into a tar archive: regular files, folders (0755, /tmp 1777) and symbolic links, all owned by root. */
export type TarEntry =
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly bytes: Buffer }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const blockBytes = 512;
const typeFlags = { file: '0', link: '2', folder: '5' } as const;

/** A ustar archive with every time stamp zero, so that equal entries make equal archives. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const end = Buffer.alloc(2 * blockBytes);
  return Buffer.concat([...entries.flatMap((entry) => [header(entry), contents(entry)]), end]);
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(blockBytes);
  const name = entry.kind === 'folder' ? `${entry.path}/` : entry.path;
  if (Buffer.byteLength(name) > 100) throw new Error(`tar: a path has at most 100 bytes here; got ${name}`);
  block.write(name, 0);
  block.write(octal(modeOf(entry), 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(entry.kind === 'file' ? entry.bytes.length : 0, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(' '.repeat(8), 148);
  block.write(typeFlags[entry.kind], 156);
  if (entry.kind === 'link') block.write(entry.target, 157);
  block.write('ustar\0' + '00', 257, 'latin1');
  block.write('root', 265);
  block.write('root', 297);
  // The sum is taken with its own field as blanks.
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function modeOf(entry: TarEntry): number {
  switch (entry.kind) {
    case 'file':
      return entry.mode;
    case 'link':
      return 0o777;
    case 'folder':
      return entry.path === 'tmp' ? 0o1777 : 0o755;
  }
}

function contents(entry: TarEntry): Buffer {
  if (entry.kind !== 'file') return Buffer.alloc(0);
  const padded = Buffer.alloc(Math.ceil(entry.bytes.length / blockBytes) * blockBytes);
  entry.bytes.copy(padded);
  return padded;
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
