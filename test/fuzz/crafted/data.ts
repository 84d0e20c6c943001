/** @file Crafted files of data: .npy, .npz, IDX, gzipped or not. */
import { gzipSync } from 'node:zlib';
import { hostileName, hostileNumber } from '../hostile.js';
import { joinBytes, mutateBytes } from '../mutate-bytes.js';
import type { Random } from '../random.js';
import { type ZipEntry, writeZip } from './zip.js';

interface Crafted {
  readonly bytes: Uint8Array;
  readonly recipe: string;
}

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

const TYPES = [
  '<f4',
  '<f8',
  '<f2',
  '>f4',
  '|b1',
  '|u1',
  '<i8',
  '<u8',
  '>i2',
  '|S5',
  '<U3',
  '|O',
  '<c8',
  '<M8[s]',
  '<f16',
  'f4',
];

function npy(random: Random): Crafted {
  const isHonest = random.once(3);
  const type = isHonest ? '<f4' : random.pick(TYPES);
  const sizes = Array.from({ length: random.once(20) ? random.count(5000) : random.below(5) }, () =>
    isHonest ? random.count(20) : random.once(2) ? random.count(20) : Math.trunc(hostileNumber(random)),
  );
  const honest = sizes.reduce((product, size) => product * size, 4);
  const content = new Uint8Array(
    isHonest ? Math.min(honest, 1e6) : random.count(random.once(100) ? 1e8 : 5000),
  );
  const shape = `(${sizes.join(', ')}${sizes.length === 1 ? ',' : ''})`;
  const order = random.pick(['True', 'False', 'False', 'true', '0']);
  const header = random.once(8)
    ? `{'descr': [('${'a'.repeat(random.count(1000))}', '<f4')], 'fortran_order': False, 'shape': ${'('.repeat(random.count(50_000))}`
    : `{'descr': '${type}', 'fortran_order': ${isHonest ? 'False' : order}, 'shape': ${shape}, }${' '.repeat(random.below(64))}\n`;
  const version = isHonest ? 1 : random.pick([1, 2, 3, 0, 255]);
  const text = latin1(header);
  const length =
    version === 1
      ? [text.length & 255, (text.length >> 8) & 255]
      : [text.length & 255, (text.length >> 8) & 255, 0, 0];
  const bytes = joinBytes([latin1('\u0093NUMPY'), Uint8Array.from([version, 0, ...length]), text, content]);
  return { bytes, recipe: `.npy of ${type}${isHonest ? '' : ' that is not so'}` };
}

function npz(random: Random): Crafted {
  const entries = Array.from(
    { length: random.once(10) ? random.count(3000) : random.integer(1, 4) },
    (_, i): ZipEntry => {
      const name = random.once(3) ? hostileName(random) : `array_${random.once(8) ? 0 : i}`;
      return { name: `${name}.npy`, content: npy(random).bytes, isDeflated: random.once(2) };
    },
  );
  if (random.once(20))
    entries.push({ name: 'zeros.npy', content: new Uint8Array(random.pick([1e6, 1e8])), isDeflated: true });
  return { bytes: writeZip(entries), recipe: '.npz' };
}

function idx(random: Random): Crafted {
  const rank = random.once(3) ? random.below(256) : random.integer(0, 4);
  const isHonest = rank < 5 && random.once(2);
  const sizes = Array.from({ length: rank }, () =>
    isHonest || random.once(2) ? random.integer(0, 12) : random.below(2 ** 31),
  );
  const type = isHonest ? 0x08 : random.pick([0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e, 0x0a, 0]);
  const header = Buffer.alloc(4 + 4 * rank);
  header[2] = type;
  header[3] = rank;
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  const content = new Uint8Array(
    isHonest ? sizes.reduce((product, size) => product * size, 1) : random.count(10_000),
  );
  return { bytes: joinBytes([header, content]), recipe: 'IDX' };
}

let zeros: Uint8Array | undefined;

/** 100 MB. */
const packedZeros = () => (zeros ??= gzipSync(new Uint8Array(1e8)));

function packed(random: Random): Crafted {
  const { bytes, recipe } = random.pick([npy, npz, idx])(random);
  return random.pick<() => Crafted>([
    () => ({ bytes: new Uint8Array(gzipSync(bytes)), recipe: `${recipe}, gzipped` }),
    () => ({
      bytes: joinBytes([gzipSync(bytes), gzipSync(bytes)]),
      recipe: `${recipe}, gzipped in two parts`,
    }),
    () => ({ bytes: joinBytes([gzipSync(bytes), random.bytes(20)]), recipe: `${recipe}, gzipped, and more` }),
    () => ({ bytes: new Uint8Array(gzipSync(gzipSync(bytes))), recipe: `${recipe}, gzipped twice` }),
    () => {
      const many = Array.from({ length: random.pick([1, 3, 20]) }, () => packedZeros());
      return { bytes: joinBytes([gzipSync(npy(random).bytes), ...many]), recipe: 'a bomb of gzip' };
    },
  ])();
}

export function craftData(random: Random): Crafted {
  const crafted = random.pick([npy, npz, idx, packed])(random);
  if (random.once(2) || crafted.bytes.length > 1e6) return crafted;
  const { bytes, recipe } = mutateBytes(crafted.bytes, random);
  return { bytes, recipe: `${crafted.recipe} with ${recipe}` };
}
