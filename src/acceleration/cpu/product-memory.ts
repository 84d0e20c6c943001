/**
 * @file A memory of a few megabytes in which the kernels' module multiplies matrices whose numbers are JavaScript arrays:
 * parts of these are copied into it, and of the product out of it.
 */
import { PRODUCT_SCRATCH_BYTES } from '../kernel-bytes.js';
import { accelerationKernels } from '../wasm-kernels.js';

const PAGE = 65_536;
/** More than this is not taken. */
const MOST_BYTES = 2 ** 23;

/** One factor, or the product: where it lies, as an index of `floats`, and the tables of its two indices, of `offsets`. */
export type Factor = readonly [at: number, first: number, second: number];

let memory: WebAssembly.Memory | undefined;

/** Room in the memory, good until somebody else asks for some. */
export interface Room {
  /** The whole memory, as numbers and as the tables' offsets in bytes. */
  readonly floats: Float32Array;
  readonly offsets: Uint32Array;
  /** Where each array begins that was asked for. */
  readonly at: readonly number[];
  /** c (+)= a·b, where c is of m rows and n columns. */
  multiply(
    a: Factor,
    b: Factor,
    c: readonly [at: number, rows: number],
    sizes: readonly [m: number, n: number, k: number],
    isAdded: boolean,
  ): void;
}

/** Room for arrays of so many numbers or offsets each; null where that is too much, or there is no memory left. */
export function takeRoom(...lengths: number[]): Room | null {
  let next = PRODUCT_SCRATCH_BYTES / 4;
  const at = lengths.map((length) => {
    const start = next;
    next += Math.ceil(length / 4) * 4;
    return start;
  });
  if (4 * next > MOST_BYTES) return null;
  try {
    memory ??= new WebAssembly.Memory({ initial: 0 });
    const missing = 4 * next - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  } catch {
    return null;
  }
  const kernels = accelerationKernels(memory);
  return {
    floats: new Float32Array(memory.buffer),
    offsets: new Uint32Array(memory.buffer),
    at,
    multiply([a, aRows, aTerms], [b, bTerms, bColumns], [c, cRows], [m, n, k], isAdded) {
      kernels.matrixProduct(
        4 * a,
        4 * aRows,
        4 * aTerms,
        4 * b,
        4 * bTerms,
        4 * bColumns,
        4 * c,
        4 * cRows,
        m,
        n,
        k,
        isAdded,
        0,
      );
    },
  };
}

/** A block of numbers in an array: where it begins, and how far its rows are apart. */
export interface Block {
  readonly values: Float32Array;
  readonly at: number;
  readonly step: number;
}

/** Copies rows of `length` numbers each. */
export function copyBlock(from: Block, to: Block, rows: number, length: number): void {
  if (from.step === length && to.step === length) {
    to.values.set(from.values.subarray(from.at, from.at + rows * length), to.at);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const start = from.at + row * from.step;
    to.values.set(from.values.subarray(start, start + length), to.at + row * to.step);
  }
}

/** Writes a table: that of `length` neighbours, `step` numbers apart. */
export function writeOffsets(offsets: Uint32Array, at: number, length: number, step: number): void {
  for (let i = 0; i < length; i++) offsets[at + i] = 4 * step * i;
}
