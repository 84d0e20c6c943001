/** @file Data files that ask for more than they are: each is refused in time, or read within the memory that is stated. */
import { gzipSync } from 'node:zlib';
import { type Limits, readArrays } from 'evenkeel/data';
import { describe, expect, test } from 'vitest';
import { npy } from '../cli/files.js';
import { idx } from '../demo/files.js';
import { refusalOf } from './refusal.js';
import { zipOf } from './zip.js';

const read = async (bytes: Uint8Array, limits?: Partial<Limits>) =>
  (await readArrays({ name: 'x', bytes }, { limits })).arrays;

async function refusal(bytes: Uint8Array, limits?: Partial<Limits>): Promise<string> {
  const message = await refusalOf(read(bytes, limits));
  expect(message.length).toBeLessThan(1000);
  return message;
}

/** An .npy file with a header of one's own. */
function npyWith(header: string, elements = new Uint8Array()): Uint8Array {
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 0, 0, 0, 0]);
  start.writeUInt32LE(header.length, 8);
  return new Uint8Array(Buffer.concat([start, Buffer.from(header, 'latin1'), elements]));
}

const headerOf = (shape: string, type = '|u1') =>
  `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;

describe('what is packed', { timeout: 20_000 }, () => {
  const zeros = gzipSync(npy('<f2', [2 ** 26], new Uint8Array(2 ** 27)));

  test('is unpacked as far as the limit allows', async () => {
    expect(zeros.length).toBeLessThan(200_000);
    expect(await refusal(zeros)).toMatch(
      new RegExp(
        `^x: takes \\d+ bytes of memory, and at most ${2 ** 26 + 100 * zeros.length} are accepted of a file of ` +
          `${zeros.length} bytes\\. If you trust it, raise the limit: limits: \\{ memory: … \\}`,
      ),
    );
  });

  test('counts as what is unpacked, a copy, and what it is decoded to', async () => {
    const memory = 2 ** 27 + 128 + 2 ** 27 + 2 ** 28;
    expect((await read(zeros, { memory })).get('')!.values).toHaveLength(2 ** 26);
    expect(await refusal(zeros, { memory: memory - 1 })).toMatch(/bytes of memory, and at most/);
  });

  test('more than once is in no format', async () => {
    expect(await refusal(gzipSync(gzipSync(npy('|u1', [1], Uint8Array.of(1)))))).toMatch(
      /in no format known/,
    );
  });

  test('and cut off anywhere is refused', async () => {
    const packed = gzipSync(npy('|u1', [3], Uint8Array.of(1, 2, 3)));
    for (let i = 0; i < packed.length; i++) await refusal(packed.subarray(0, i));
  });

  test('as one of many arrays counts with the others', async () => {
    const one = npy('|u1', [1000], new Uint8Array(1000));
    const members = Array.from({ length: 100 }, (_, i) => ({ name: `${i}.npy`, stored: one }));
    expect((await read(zipOf(members))).size).toBe(100);
    // Each as it is unpacked, and decoded.
    const memory = 100 * (one.length + 1000);
    expect((await read(zipOf(members), { memory })).size).toBe(100);
    expect(await refusal(zipOf(members), { memory: memory - 1 })).toMatch(
      new RegExp(`^x/99\\.npy: takes ${memory} bytes of memory, and at most ${memory - 1} are accepted`),
    );
    expect(await refusal(zipOf(members), { entries: 99 })).toMatch(
      /^x: The archive: takes 100 entries, and at most 99/,
    );
  });
});

describe('the header of an .npy file', { timeout: 5000 }, () => {
  test.each<[string, string, RegExp]>([
    ['of a shape of 10 MB', headerOf('1,'.repeat(5_000_000)), /header is damaged/],
    [
      'of 10,000 dimensions',
      headerOf('1,'.repeat(10_000)),
      /has the shape \[1, 1.*accepted are 64 dimensions/,
    ],
    ['of spaces', `{'descr'${' '.repeat(60_000)}`, /header is damaged/],
    ['of keys', `{${"'descr':".repeat(7000)}`, /header is damaged/],
    ['of a type without an end', `{'descr': '${'<f4'.repeat(20_000)}`, /header is damaged/],
    [
      'of shapes without an end',
      `{'descr': '<f4', 'fortran_order': True, ${"'shape': (1,".repeat(4000)}`,
      /damaged/,
    ],
    ['of sizes beyond 2^53', headerOf('9007199254740993, 0'), /accepted are 64 dimensions of whole numbers/],
    ['of endless sizes', headerOf(`${'9'.repeat(400)}, 0`), /has the shape \[Infinity, 0\]/],
    ['of a product beyond 2^53', headerOf('4294967296, 4294967296'), /takes 18446744073709552000/],
    ['of an endless product', headerOf('9007199254740991,'.repeat(60)), /takes Infinity/],
    ['of an endless product with 0', headerOf(`${'9007199254740991,'.repeat(60)} 0`), /takes NaN/],
    ['of sizes without commas', headerOf('1 2'), /whole numbers/],
    ['of a type that objects have', headerOf('1', '|constructor'), /elements of type '\|constructor'/],
    ['of a type that is long', headerOf('1', `|${'x'.repeat(60_000)}`), /elements of type '\|xxx/],
  ])('%s is refused', async (_, header, message) => {
    expect(await refusal(npyWith(header))).toMatch(message);
  });

  test('may have 64 dimensions', async () => {
    const { shape } = (await read(npyWith(headerOf('1,'.repeat(64)), Uint8Array.of(5)))).get('')!;
    expect(shape).toHaveLength(64);
  });

  test('that says more bytes than there are is refused', async () => {
    const bytes = npyWith(headerOf('1'));
    new DataView(bytes.buffer).setUint32(8, 0xffffffff, true);
    expect(await refusal(bytes)).toMatch(/header is damaged/);
  });
});

describe('the numbers of an .npy file', () => {
  test('whose first dimension runs fastest keep their type', async () => {
    const { values } = (await read(npy('|i1', [2, 2], new Uint8Array([1, 254, 3, 4]), true))).get('')!;
    expect(values).toEqual(Int8Array.of(1, 3, -2, 4));
    const halves = (await read(npy('<f2', [1, 2], new Uint8Array(4), true))).get('')!;
    expect(halves.values).toEqual(new Float32Array(2));
  });

  test('whose first dimension runs fastest count with their copy', async () => {
    const bytes = npy('|u1', [10, 10], new Uint8Array(100), true);
    expect((await read(bytes, { memory: 200 })).size).toBe(1);
    expect(await refusal(bytes, { memory: 199 })).toMatch(/takes 200 bytes of memory/);
  });
});

describe('a file that is cut off anywhere', () => {
  test.each([
    ['.npy', npy('<f4', [2, 2], new Uint8Array(16))],
    ['IDX', idx([0x0802, 2, 2], new Uint8Array(4))],
  ])('is refused as %s', async (_, bytes) => {
    for (let i = 0; i < bytes.length; i++) await refusal(bytes.subarray(0, i));
  });
});

describe('an IDX file', () => {
  test('of sizes beyond any file is refused', async () => {
    const most = Array.from({ length: 255 }, () => 0xffffffff);
    expect(await refusal(new Uint8Array(idx([0x08ff, ...most], new Uint8Array(1))))).toMatch(
      /which takes Infinity/,
    );
  });

  test('counts what it is decoded to', async () => {
    const bytes = new Uint8Array(idx([0x0801, 100], new Uint8Array(100)));
    expect((await read(bytes, { memory: 100 })).size).toBe(1);
    expect(await refusal(bytes, { memory: 99 })).toMatch(/^x: takes 100 bytes of memory/);
  });
});

test('options that readArrays does not have are refused', async () => {
  await expect(readArrays({ name: 'x', bytes: new Uint8Array() }, { limit: {} } as object)).rejects.toThrow(
    /limit.*limits/,
  );
});
