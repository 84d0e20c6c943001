/** @file Zip archives: what is read, what is refused, and that each ends in time. */
import { deflateRawSync } from 'node:zlib';
import { ValueError } from 'evenkeel';
import { type Limits, readArchive } from 'evenkeel/data';
import { describe, expect, test, vi } from 'vitest';
import { unpackArchive, writeArchive } from '../../src/data/archive.js';
import { Budget } from '../../src/data/limits.js';
import { refusalOf } from './refusal.js';
import { type Member, checksumOf, longEnd, zipOf } from './zip.js';

const text = new TextEncoder();
const content = text.encode('content of a file, content of a file');
const stored: Member = { name: 'a.npy', stored: content };
const deflated: Member = {
  name: 'b.npy',
  stored: deflateRawSync(content),
  says: { method: 8, size: content.length, checksum: checksumOf(content) },
};
const all = { includes: () => true };

const read = async (bytes: Uint8Array, limits?: Partial<Limits>) =>
  Object.fromEntries(await readArchive(bytes, all, { limits }));

const refusal = (bytes: Uint8Array, limits?: Partial<Limits>) => refusalOf(read(bytes, limits));

describe('an archive', () => {
  test('is read, stored or deflated, with a comment, folders and the separator of Windows', async () => {
    const folder: Member = { name: 'folder/', stored: new Uint8Array() };
    const bytes = zipOf([stored, deflated, folder, { name: 'x\\c.npy', stored: new Uint8Array() }], {
      comment: text.encode('PK\x05\x06 is no end'),
    });
    expect(await read(bytes)).toEqual({ 'a.npy': content, 'b.npy': content, 'x/c.npy': new Uint8Array() });
  });

  test('is read where it lies within other bytes', async () => {
    const bytes = zipOf([stored, deflated]);
    const around = new Uint8Array(bytes.length + 10);
    around.set(bytes, 5);
    expect(await read(around.subarray(5, 5 + bytes.length))).toEqual({ 'a.npy': content, 'b.npy': content });
  });

  test('gives those files that are asked for', async () => {
    expect([...(await readArchive(zipOf([stored, deflated]), ['b.npy'])).keys()]).toEqual(['b.npy']);
  });

  test('with numbers of 64 bits is read', async () => {
    const extra = Buffer.alloc(12);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(8, 2);
    const long: Member = { ...stored, says: { offset: 0xffffffff }, extra };
    const [start, length] = [30 + 5 + content.length, 46 + 5 + extra.length];
    const bytes = zipOf([long], {
      ...{ count: 0xffff, start: 0xffffffff, length: 0xffffffff },
      before: longEnd(start + length, 1, length, start),
    });
    expect(await read(bytes)).toEqual({ 'a.npy': content });
  });

  test('is the same whenever it is written, and read again', async () => {
    const files = new Map([
      ['ä/a.npy', content],
      ['b.npy', new Uint8Array()],
    ]);
    const bytes = await writeArchive(files);
    expect(await read(bytes)).toEqual(Object.fromEntries(files));
    expect(await writeArchive(files)).toEqual(bytes);
  });
});

const of = (member: Member, says: Member['says']): Uint8Array =>
  zipOf([{ ...member, says: { ...member.says, ...says } }]);

const DAMAGED = /^The zip archive is damaged: .+ Fetch or save it anew\.$/;

describe('an archive is refused', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['with a file twice', zipOf([stored, stored]), /holds 'a\.npy' twice/],
    ['with a password', of(stored, { flags: 1 }), /is encrypted.*without a password/],
    ['compressed otherwise', of(stored, { method: 9 }), /method 9\. Accepted are 0.*and 8/],
    ['with another checksum', of(stored, { checksum: 1 }), DAMAGED],
    ['with another checksum, deflated', of(deflated, { checksum: 1 }), DAMAGED],
    ['of a file longer than it says', of(deflated, { size: 5 }), DAMAGED],
    ['of a file shorter than it says', of(deflated, { size: 50 }), DAMAGED],
    ['of a folder with content', zipOf([{ ...stored, name: 'a/' }]), /damaged: a folder has content/],
    ['of a stored file of another size', of(stored, { size: 50 }), DAMAGED],
    ['of what is not deflated', of(stored, { method: 8 }), DAMAGED],
    ['with a file that is cut off', of(stored, { packedSize: 500 }), DAMAGED],
    ['with a file in its list', of(stored, { offset: 70 }), DAMAGED],
    ['with a file beyond it', of(stored, { offset: 0xfffffff0 }), DAMAGED],
    ['that lacks the size of a file', of(stored, { size: 0xffffffff }), /takes 4294967295 bytes of memory/],
    ['that says it has more files', zipOf([stored], { count: 2 }), DAMAGED],
    ['without an end', text.encode('PK\x03\x04'), DAMAGED],
    [
      'of endlessly many files',
      zipOf([stored], {
        count: 0xffff,
        before: longEnd(30 + 10 + 46 + content.length, 2n ** 64n - 1n, 1, 1),
      }),
      DAMAGED,
    ],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });

  test('whose files share their bytes', async () => {
    const kernel: Member = { ...stored, name: 'c.npy', says: { offset: 0 }, localName: 'a.npy' };
    expect(await refusal(zipOf([stored, kernel]))).toMatch(/damaged: Overlapping/);
  });

  test('that unpacks to far more than its size, before it does', async () => {
    const zeros = new Uint8Array(2 ** 27);
    const bomb: Member = {
      name: 'a.npy',
      stored: deflateRawSync(zeros),
      says: { method: 8, size: zeros.length, checksum: checksumOf(zeros) },
    };
    expect(await refusal(zipOf([bomb]))).toMatch(
      /^The archive's 'a\.npy': takes 134217728 bytes of memory.*raise the limit: limits: \{ memory: … \}/,
    );
    expect((await read(zipOf([bomb]), { memory: 2 ** 27 }))['a.npy']).toHaveLength(2 ** 27);
    // Saying little does not help: of the two thousand parts few are unpacked.
    const breathe = vi.fn(() => Promise.resolve());
    await expect(unpackArchive(of(bomb, { size: 2 ** 20 }), all, new Budget(), breathe)).rejects.toThrow(
      DAMAGED,
    );
    expect(breathe.mock.calls.length).toBeLessThan(50);
  });

  test('wherever it is cut off, and whichever byte is changed, or it is read as it was', async () => {
    const bytes = zipOf([stored, deflated]);
    const expected = await read(bytes);
    for (let i = 0; i < bytes.length; i++) {
      await refusal(bytes.subarray(0, i));
      const changed = Uint8Array.from(bytes);
      changed[i]! ^= 0xff;
      const result = await read(changed).catch((error: unknown) => error);
      if (!(result instanceof ValueError)) {
        expect(Object.values(result as typeof expected)).toEqual(Object.values(expected).slice(-2));
      }
    }
  });
});

describe('an archive of many files', () => {
  const many = zipOf(Array.from({ length: 60_000 }, (_, i) => ({ name: `${i}`, stored: new Uint8Array() })));

  test(
    'is counted while it is read, and read in time where the limit allows',
    { timeout: 10_000 },
    async () => {
      await expect(readArchive(many, ['59999'])).rejects.toThrow(
        /takes 30\d+ entries, and at most 30\d+ are accepted/,
      );
      expect((await readArchive(many, ['59999'], { limits: { entries: 60_000 } })).size).toBe(1);
    },
  );

  test('is read as far as its steps allow', async () => {
    expect(await refusal(many, { steps: 2 ** 12 })).toMatch(
      /'4': takes 5120 steps, and at most 4096 are accepted/,
    );
  });

  test('with long names that begin alike is refused in time', { timeout: 10_000 }, async () => {
    const start = text.encode('a'.repeat(2 ** 16 - 5));
    const files = Array.from({ length: 1000 }, (_, i) => ({
      name: Buffer.concat([start, text.encode(String(1000 + i))]),
      stored: new Uint8Array(),
    }));
    expect(await refusal(zipOf(files))).toMatch(
      /a file whose name has 65535 characters\. Accepted are 16383/,
    );
  });
});
