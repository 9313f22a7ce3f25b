import { crc32 } from 'node:zlib';

/** What V8 made of one file. */
export interface CompiledChunk {
  /** Of the file that it was made of. */
  readonly sourceCrc: number;
  readonly code: Buffer;
}

interface Entry {
  readonly name: string;
  readonly sourceCrc: number;
  readonly length: number;
}

const prefixBytes = 8;

/** One file of many: a checksum of all that follows, the length of a table, the table, and the code in its order. */
export function packCode(chunks: ReadonlyMap<string, CompiledChunk>): Buffer {
  const entries = [...chunks].map(([name, { sourceCrc, code }]): Entry => ({ name, sourceCrc, length: code.length }));
  const table = Buffer.from(JSON.stringify(entries));
  const packed = Buffer.concat([Buffer.alloc(prefixBytes), table, ...[...chunks.values()].map(({ code }) => code)]);
  packed.writeUInt32LE(table.length, 4);
  packed.writeUInt32LE(crc32(packed.subarray(4)), 0);
  return packed;
}

/** Undefined where a single bit is not as it was: V8 itself would run what is damaged. */
export function unpackCode(packed: Buffer): Map<string, CompiledChunk> | undefined {
  if (packed.length < prefixBytes || packed.readUInt32LE(0) !== crc32(packed.subarray(4))) return undefined;
  let end = prefixBytes + packed.readUInt32LE(4);
  const entries = JSON.parse(packed.toString('utf8', prefixBytes, end)) as readonly Entry[];
  const chunks = new Map<string, CompiledChunk>();
  for (const { name, sourceCrc, length } of entries) {
    chunks.set(name, { sourceCrc, code: packed.subarray(end, end + length) });
    end += length;
  }
  return chunks;
}
