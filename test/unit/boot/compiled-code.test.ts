import { assert, integer, property, string, tuple, uint8Array, uniqueArray } from 'fast-check';
import { expect, test } from 'vitest';
import { packCode, unpackCode, type CompiledChunk } from '../../../src/boot/compiled-code.ts';

const chunks = uniqueArray(
  tuple(
    string(),
    tuple(integer({ min: 0, max: 0xffff_ffff }), uint8Array({ maxLength: 200 })).map(
      ([sourceCrc, bytes]): CompiledChunk => ({ sourceCrc, code: Buffer.from(bytes) }),
    ),
  ),
  { selector: ([name]) => name, maxLength: 5 },
).map((entries) => new Map(entries));

test('what is packed comes back as it was', () => {
  assert(
    property(chunks, (packed) => {
      expect(unpackCode(packCode(packed))).toEqual(packed);
    }),
  );
});

test('nothing comes back from what is damaged, be it in a single bit, or cut off', () => {
  assert(
    property(chunks, integer({ min: 0 }), (packed, position) => {
      const bytes = packCode(packed);
      const bit = position % (bytes.length * 8);
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(unpackCode(damaged)).toBeUndefined();
      expect(unpackCode(bytes.subarray(0, bit >> 3))).toBeUndefined();
    }),
  );
});

test('nothing comes back from what never was a cache', () => {
  assert(
    property(uint8Array(), (bytes) => {
      expect(unpackCode(Buffer.from(bytes))).toBeUndefined();
    }),
  );
});
