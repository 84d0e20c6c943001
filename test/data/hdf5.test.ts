/** @file HDF5 files as h5py wrote them, in each of their forms: what is read is what h5py reads. */
import { describe, expect, test } from 'vitest';
import { ValueError } from '../../src/text/value-error.js';
import { isHdf5, readHdf5 } from '../../src/data/hdf5/hdf5.js';
import { readHdf5Files, unpack } from '../golden/index.js';

const FILES = readHdf5Files();
const bytesOf = (file: string) => new Uint8Array(Buffer.from(file, 'base64'));
const fileNamed = (wanted: string) => bytesOf(FILES.find(({ name }) => name === wanted)!.file);

describe.each(FILES)('$name', ({ file: content, groups, texts, numbers }) => {
  const file = readHdf5(bytesOf(content));

  test('is known as HDF5', () => {
    expect(isHdf5(bytesOf(content))).toBe(true);
  });

  test('has the names in its groups', () => {
    for (const [path, names] of Object.entries(groups)) {
      expect(file.has(path)).toBe(true);
      expect(file.keys(path).sort()).toEqual(names.sort());
    }
  });

  test('has the texts of its attributes', () => {
    for (const [path, attributes] of Object.entries(texts)) {
      for (const [name, text] of Object.entries(attributes)) {
        const read = typeof text === 'string' ? file.text(path, name) : file.texts(path, name);
        expect(read, `${path} ${name}`).toEqual(text);
      }
    }
  });

  test('has its numbers', () => {
    for (const [path, packed] of Object.entries(numbers)) {
      if (path in REFUSED) continue;
      const { shape, values } = file.array(path);
      expect(shape, path).toEqual(packed.shape);
      expect(file.shape(path), path).toEqual(packed.shape);
      expect(values, path).toEqual(Float32Array.from(unpack(packed)));
    }
  });
});

/** What h5py reads, if it can, and we do not. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  '/lzf': /'\/lzf' that are compressed by the filter 32000 \(lzf\)/,
  '/scaleoffset': /by the filter 6 \(scaleoffset\)/,
  // h5py gives zeros, which Keras would take for weights.
  '/never written': /^The numbers at '\/never written' were never written/,
  '/written in part': /^The numbers at '\/written in part' were never written, or not all of them/,
  '/external': /lie in other files/,
  '/virtual': /lie in other datasets/,
  '/nothing': /has nothing at '\/nothing'/,
  '/texts': /no numbers at '\/texts', but texts/,
  '/complex': /no numbers at '\/complex', but compounds/,
  '/opaque': /no numbers at '\/opaque', but opaque bytes/,
  '/long double': /no numbers at '\/long double', but floats/,
  '/outside': /a link to another file at '\/outside'/,
  '/missing': /has no weight at '\/missing'/,
};

test.each(Object.entries(REFUSED))('%s is refused by name', (path, message) => {
  const file = readHdf5(fileNamed('refused'));
  const read = () => file.array(path);
  expect(read).toThrow(ValueError);
  expect(read).toThrow(message);
});

test('everything in the file that is refused is listed', () => {
  const file = readHdf5(fileNamed('refused'));
  const known = [...Object.keys(REFUSED).map((path) => path.slice(1)), 'missing'];
  expect(file.keys('').filter((name) => !known.includes(name))).toEqual([]);
});

test('attributes that are no text are refused where one is asked for', () => {
  const file = readHdf5(fileNamed('refused'));
  expect(() => file.text('', 'number')).toThrow(/its number is not text/);
  expect(() => file.texts('', 'number')).toThrow(/its number is not text/);
  expect(file.text('', 'no such')).toBeNull();
  expect(file.texts('', 'no such')).toBeNull();
  const texts = readHdf5(fileNamed('texts, latest'));
  expect(() => texts.text('', 'list of texts')).toThrow(/list of texts is not one text/);
});

describe.each(['earliest', 'latest'])('links within a file, %s,', (version) => {
  const file = readHdf5(fileNamed(`links, ${version}`));

  test('are followed, by path and round', () => {
    for (const path of ['soft/numbers', 'twice', 'a/beside', 'a/again/loop/b/numbers', '/a/./b//numbers']) {
      expect(file.array(path), path).toEqual(file.array('a/b/numbers'));
    }
  });

  test('that lead nowhere lead to nothing', () => {
    expect(file.has('nowhere')).toBe(false);
    expect(file.keys('nowhere')).toEqual([]);
    expect(() => file.array('nowhere')).toThrow(/no weight at 'nowhere'/);
  });

  test('that lead to themselves are refused', () => {
    expect(() => file.has('round')).toThrow(ValueError);
    expect(() => file.has('round')).toThrow(/more than 16 links lead to one another/);
  });
});

/** Reads everything that the golden case has. */
function readAll(bytes: Uint8Array, name: string): void {
  const file = readHdf5(bytes);
  const { groups, texts, numbers } = FILES.find((one) => one.name === name)!;
  for (const path of Object.keys(groups)) file.keys(path);
  for (const [path, attributes] of Object.entries(texts)) {
    for (const attribute of Object.keys(attributes)) file.texts(path, attribute);
  }
  for (const path of Object.keys(numbers)) file.array(path);
}

describe('a bit that is changed is noticed', () => {
  test.each([
    ['many, latest', ['OHDR', 'FRHP', 'FHIB', 'FHDB', 'BTHD', 'BTIN', 'BTLF']],
    ['indexed, latest', ['FAHD', 'FADB', 'EAHD', 'EAIB', 'EADB', 'EASB', 'BTHD', 'BTIN', 'BTLF']],
  ])('in blocks of %s', { timeout: 60_000 }, (name, signatures) => {
    const original = fileNamed(name);
    readAll(original, name);
    const unnoticed: unknown[] = [];
    for (const signature of signatures) {
      const start = Buffer.from(original).indexOf(signature);
      expect(start, signature).toBeGreaterThan(0);
      for (const offset of [4, 5, 6, 10, 14, 18, 20]) {
        const bytes = original.slice();
        bytes[start + offset]! ^= 1;
        try {
          readAll(bytes, name);
          unnoticed.push([signature, offset]);
        } catch (error) {
          expect(error).toBeInstanceOf(ValueError);
        }
      }
    }
    expect(unnoticed).toEqual([]);
  });

  test.each(['earliest', 'latest'])('in chunks with a checksum, %s', (version) => {
    const bytes = fileNamed(`chunked, ${version}`);
    const path = 'checksum int8';
    // The first chunk, as it is stored: with a checksum, and without.
    const { values } = readHdf5(bytes).array(path);
    const first = [0, 1, 2, 3, 4, 5].map((i) => values[i]!);
    const at = Buffer.from(bytes).lastIndexOf(Buffer.from(Int8Array.from(first).buffer));
    expect(at).toBeGreaterThan(0);
    bytes[at]! ^= 1;
    expect(() => readHdf5(bytes).array(path)).toThrow(
      /the chunk 0 of 'checksum int8'.* has another checksum/,
    );
  });
});

test('numbers are the same from a file within a larger buffer, and from a Buffer, which stays as it is', () => {
  const bytes = fileNamed('chunked, earliest');
  const around = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(5)]);
  const within = around.subarray(3, 3 + bytes.length);
  const before = Buffer.from(within).toString('base64');
  for (const path of readHdf5(bytes).keys('')) {
    expect(readHdf5(within).array(path), path).toEqual(readHdf5(bytes).array(path));
  }
  expect(within.toString('base64')).toBe(before);
});
