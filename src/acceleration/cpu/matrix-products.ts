/**
 * @file Matrix products on the cpu backend by the kernels' module, part by part.
 *
 * TF.js 4.22 computes them one number at a time, in JavaScript. On one core of an AMD EPYC, rows × terms × columns:
 *
 *   60 × 784 × 100            7.1 → 0.22 ms
 *   784 × 60 × 100, xᵀ·dy     7.3 → 0.27 ms
 *   60 × 100 × 784, dy·wᵀ     7.3 → 0.25 ms
 *   128 × 512 × 512           66 → 1.6 ms
 *
 * It can go when TF.js' cpu backend has such a kernel.
 */
import { type TensorInfo, broadcast_util, util } from '@tensorflow/tfjs-core';
import { copyBlock, takeRoom, writeOffsets } from './product-memory.js';
import { type Call, type Computed, valuesOf } from './calls.js';

interface Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Multiplications from which on the module is faster. */
const ENOUGH_WORK = 2 ** 10;
/** A part of the factors, at most. */
const MOST = { rows: 128, columns: 256, terms: 1024 };

/** The numbers of `BatchMatMul` and its shape; null where it is left to TF.js. */
export function matrixProduct(call: Call): Computed | null {
  const { a, b } = call.inputs as unknown as { a: TensorInfo; b: TensorInfo };
  const { transposeA, transposeB } = call.attrs as unknown as Attributes;
  const [m, k] = inOrder(a, transposeA);
  const [terms, n] = inOrder(b, transposeB);
  const [leadingA, leadingB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [countA, countB] = [util.sizeFromShape(leadingA), util.sizeFromShape(leadingB)];
  const count = Math.max(countA, countB);
  const isBroadcast = countA !== countB && countA !== 1 && countB !== 1;
  if (k !== terms || isBroadcast || count * m * n * k < ENOUGH_WORK) return null;

  const shape = [...broadcast_util.assertAndGetBroadcastShape(leadingA, leadingB), m, n];
  const values = new Float32Array(count * m * n);
  const [valuesA, valuesB] = [valuesOf(call, a), valuesOf(call, b)];
  for (let i = 0; i < count; i++) {
    const factors = [
      { values: valuesA, at: countA === 1 ? 0 : i * m * k, isTransposed: transposeA },
      { values: valuesB, at: countB === 1 ? 0 : i * k * n, isTransposed: transposeB },
    ] as const;
    if (!multiply(...factors, values.subarray(i * m * n, (i + 1) * m * n), [m, n, k])) return null;
  }
  return { shape, values };
}

/** Rows and columns of a matrix. */
function inOrder({ shape }: TensorInfo, isTransposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return isTransposed ? [columns, rows] : [rows, columns];
}

/** A factor: a matrix that begins at `at`. */
interface Matrix {
  readonly values: Float32Array;
  readonly at: number;
  readonly isTransposed: boolean;
}

/** Writes a·b to c, of m rows and n columns. Returns false where there is no room. */
function multiply(
  a: Matrix,
  b: Matrix,
  c: Float32Array,
  [m, n, k]: readonly [m: number, n: number, k: number],
): boolean {
  const [rows, columns, terms] = [Math.min(m, MOST.rows), Math.min(n, MOST.columns), Math.min(k, MOST.terms)];
  const room = takeRoom(rows * terms, terms * columns, rows * columns, rows, terms, terms, columns, rows);
  if (!room) return false;
  const { floats, offsets } = room;
  const [aAt, bAt, cAt, ...tables] = room.at as [number, number, number, ...number[]];
  const [aRows, aTerms, bTerms, bColumns, cRows] = tables as [number, number, number, number, number];
  writeOffsets(offsets, aRows, rows, a.isTransposed ? 1 : terms);
  writeOffsets(offsets, aTerms, terms, a.isTransposed ? rows : 1);
  writeOffsets(offsets, bTerms, terms, b.isTransposed ? 1 : columns);
  writeOffsets(offsets, bColumns, columns, b.isTransposed ? terms : 1);
  writeOffsets(offsets, cRows, rows, columns);

  /** Puts a block of a factor of `width` columns in place, whose rows have room for `step` numbers. */
  const place = (matrix: Matrix, at: number, first: Pair, size: Pair, whole: Pair, most: Pair) => {
    const [i, j] = matrix.isTransposed ? [1, 0] : [0, 1];
    copyBlock(
      { values: matrix.values, at: matrix.at + first[i]! * whole[j]! + first[j]!, step: whole[j]! },
      { values: floats, at, step: most[j]! },
      size[i]!,
      size[j]!,
    );
  };
  for (let j = 0; j < n; j += columns) {
    const width = Math.min(columns, n - j);
    for (let p = 0; p < k; p += terms) {
      const depth = Math.min(terms, k - p);
      place(b, bAt, [p, j], [depth, width], [k, n], [terms, columns]);
      for (let i = 0; i < m; i += rows) {
        const height = Math.min(rows, m - i);
        place(a, aAt, [i, p], [height, depth], [m, k], [rows, terms]);
        const [inside, outside] = [
          { values: floats, at: cAt, step: columns },
          { values: c, at: i * n + j, step: n },
        ];
        if (p > 0) copyBlock(outside, inside, height, width);
        room.multiply(
          [aAt, aRows, aTerms],
          [bAt, bTerms, bColumns],
          [cAt, cRows],
          [height, width, depth],
          p > 0,
        );
        copyBlock(inside, outside, height, width);
      }
    }
  }
  return true;
}

type Pair = readonly [number, number];
