import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';

/** A regular file within a tar archive: where its bytes lie. */
export interface TarMember {
  readonly offset: number;
  readonly bytes: number;
}

/** What is no tar archive, or ends in its middle. */
export class TarError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TarError';
  }
}

const blockBytes = 512;
/** Of the headers that hold a long name. */
const mostNameBytes = 1024 * 1024;
/** An image has some dozens. */
const mostMembers = 100_000;

/** Every file of an archive by its path; links within it are the file that they lead to. Reads the headers alone. */
export async function indexTar(file: FileHandle): Promise<ReadonlyMap<string, TarMember>> {
  const { size } = await file.stat();
  const members = new Map<string, TarMember>();
  const links = new Map<string, string>();
  let said: LongNames = {};
  for (let at = 0; at + blockBytes <= size;) {
    const header = await readAt(file, at, blockBytes);
    if (header.every((byte) => byte === 0)) break;
    checkSum(header, at);
    const kind = String.fromCharCode(header[156] ?? 0);
    const bytes = said.size ?? numberIn(header, 124, 12);
    const offset = at + blockBytes;
    if (!Number.isSafeInteger(bytes) || offset + bytes > size) throw new TarError('it ends in its middle');
    at = offset + Math.ceil(bytes / blockBytes) * blockBytes;
    if ('xLK'.includes(kind)) {
      if (bytes > mostNameBytes) throw new TarError('it has a name without end');
      said = { ...said, ...longNames(kind, await readAt(file, offset, bytes)) };
      continue;
    }
    const path = normal(said.path ?? nameIn(header));
    const target = said.target ?? textIn(header, 157, 100);
    said = {};
    if (kind === '0' || kind === '\0') members.set(path, { offset, bytes });
    else if (kind === '1') links.set(path, normal(target));
    else if (kind === '2') links.set(path, normal(posix.join(posix.dirname(path), target)));
    if (members.size + links.size > mostMembers) throw new TarError(`it has more than ${mostMembers} files`);
  }
  for (const [path, target] of links) {
    const found = members.get(target) ?? members.get(links.get(target) ?? '');
    if (found !== undefined) members.set(path, found);
  }
  return members;
}

/** A header for a regular file of root's. */
function tarHeader(path: string, bytes: number): Buffer {
  const header = Buffer.alloc(blockBytes);
  header.write(path, 0, 100);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  // Eleven octal digits end at 8 GiB; beyond it is binary, as GNU and Go have it.
  if (bytes < 8 ** 11) header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124);
  else {
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(BigInt(bytes), 128);
  }
  header.write('00000000000\0', 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** What fills a file of so many bytes up to a block. */
function tarPadding(bytes: number): Buffer {
  return Buffer.alloc((blockBytes - (bytes % blockBytes)) % blockBytes);
}

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * blockBytes);

/** A file that an archive is made with. */
export function* wholeMember(path: string, bytes: Buffer): Generator<Buffer> {
  yield tarHeader(path, bytes.length);
  yield bytes;
  yield tarPadding(bytes.length);
}

/** A file that lies in another archive. */
export async function* memberOf(path: string, archive: string, { offset, bytes }: TarMember): AsyncGenerator<Buffer> {
  yield tarHeader(path, bytes);
  if (bytes > 0) yield* createReadStream(archive, { start: offset, end: offset + bytes - 1 }) as AsyncIterable<Buffer>;
  yield tarPadding(bytes);
}

interface LongNames {
  readonly path?: string;
  readonly target?: string;
  readonly size?: number;
}

/** Those of POSIX (`LENGTH key=value` lines) and of GNU. */
function longNames(kind: string, content: Buffer): LongNames {
  const text = content.toString('utf8');
  if (kind === 'L') return { path: cString(text) };
  if (kind === 'K') return { target: cString(text) };
  const found: { path?: string; target?: string; size?: number } = {};
  for (const [, key, value = ''] of text.matchAll(/^\d+ (path|linkpath|size)=(.*)$/gm)) {
    if (key === 'path') found.path = value;
    else if (key === 'linkpath') found.target = value;
    else found.size = Number(value);
  }
  return found;
}

export async function readAt(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, offset);
  if (bytesRead < bytes) throw new TarError('it ends in its middle');
  return buffer;
}

function checkSum(header: Buffer, at: number): void {
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (sum === numberIn(header, 148, 8)) return;
  const isGzip = at === 0 && header[0] === 0x1f && header[1] === 0x8b;
  throw new TarError(isGzip ? 'it is compressed: unpack it with gunzip first' : 'it is no tar archive');
}

function numberIn(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) return Number(header.readBigUInt64BE(at + length - 8));
  return Number.parseInt(textIn(header, at, length).trim() || '0', 8);
}

function nameIn(header: Buffer): string {
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? textIn(header, 345, 155) : '';
  const name = textIn(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textIn(header: Buffer, at: number, length: number): string {
  return cString(header.toString('utf8', at, at + length));
}

function cString(text: string): string {
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

function normal(path: string): string {
  return posix.normalize(path).replace(/^(?:\.?\/)+/, '');
}
