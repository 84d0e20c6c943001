/** @file The product of two matrices against a naive loop in float64: sizes, tails, orders, tables, what is not finite. */
import { describe, expect, test } from 'vitest';
import { PRODUCT_SCRATCH_BYTES } from '../../src/acceleration/kernel-bytes.js';
import { accelerationKernels } from '../../src/acceleration/wasm-kernels.js';
import { ROUNDING } from './tolerances.js';
import { drawn, makeMemory, VARIANTS, Workbench } from './workbench.js';

/** How many products are added up in float32. */
const MOST_TERMS = 256;
const FILL = 0xff;

/** A matrix by two tables of offsets, in numbers. */
interface Factor {
  readonly values: Float32Array;
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

const every = (length: number, step: number, first = 0) => Array.from({ length }, (_, i) => first + i * step);

/** A matrix that lies row by row, or column by column. */
const matrix = (values: Float32Array, rows: number, columns: number, isTransposed = false): Factor => ({
  values,
  rows: every(rows, isTransposed ? 1 : columns),
  columns: every(columns, isTransposed ? rows : 1),
});

interface Options {
  /** What c holds before, which is added to. */
  readonly before?: Float32Array | null;
  /** Numbers between rows of c, which must stay. */
  readonly gap?: number;
  readonly turn?: number;
  /** Numbers that both addresses are moved back by, and all offsets of rows on. */
  readonly shift?: number;
}

/** c, by the kernel. */
function product(
  bench: Workbench,
  a: Factor,
  b: Factor,
  { before = null, gap = 0, turn = 0, shift = 0 }: Options = {},
): Float32Array {
  const [m, n, k] = [a.rows.length, b.columns.length, a.columns.length];
  const at = (i: number) => (turn >> (2 * i)) % 4;
  bench.clear();
  const table = (offsets: readonly number[], misalignment: number) =>
    bench.input(
      Uint32Array.from(offsets, (offset) => 4 * offset),
      misalignment,
    );
  const [aAt, bAt] = [bench.input(a.values, at(0)), bench.input(b.values, at(1))];
  const moved = (offsets: readonly number[]) => offsets.map((offset) => offset + shift);
  const tables = [moved(a.rows), a.columns, moved(b.rows), b.columns].map((offsets, i) =>
    table(offsets, at(i)),
  );
  const cRows = table(every(m, n + gap), at(1));
  const c = bench.output(4 * m * (n + gap), at(2), FILL);
  const rowOf = (i: number) => new Float32Array(bench.memory.buffer, c + 4 * i * (n + gap), n);
  if (before) for (let i = 0; i < m; i++) rowOf(i).set(before.subarray(i * n, (i + 1) * n));
  const scratch = bench.output(PRODUCT_SCRATCH_BYTES, at(3));
  accelerationKernels(bench.memory).matrixProduct(
    ...([aAt - 4 * shift, tables[0]!, tables[1]!] as const),
    ...([bAt - 4 * shift, tables[2]!, tables[3]!] as const),
    ...([c, cRows, m, n, k, before !== null, scratch] as const),
  );
  bench.check();
  const result = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    result.set(rowOf(i), i * n);
    const between = new Uint8Array(bench.memory.buffer, c + 4 * (i * (n + gap) + n), 4 * gap);
    if (between.some((byte) => byte !== FILL)) expect.fail(`what lies behind row ${i} was written`);
  }
  return result;
}

/** Fails where c is further from the naive loop's result than rounding explains. */
function check(bench: Workbench, a: Factor, b: Factor, options: Options = {}): void {
  const [m, n, k] = [a.rows.length, b.columns.length, a.columns.length];
  const c = product(bench, a, b, options);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = options.before?.[i * n + j] ?? 0;
      let magnitude = 0;
      for (let p = 0; p < k; p++) {
        const term = a.values[a.rows[i]! + a.columns[p]!]! * b.values[b.rows[p]! + b.columns[j]!]!;
        sum += term;
        magnitude += Math.abs(term);
      }
      const allowed = ROUNDING * (Math.min(k, MOST_TERMS) * magnitude + Math.abs(sum));
      if (!(Math.abs(c[i * n + j]! - sum) <= allowed)) {
        expect.fail(`[${m}, ${n}, ${k}]: ${c[i * n + j]} instead of ${sum} at ${i}, ${j}`);
      }
    }
  }
}

describe.each(VARIANTS)('in %s memory', (variant) => {
  const bench = new Workbench(makeMemory(variant));

  test.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 130])(
    'does as the naive loop does, with %i rows',
    (m) => {
      let turn = 0;
      for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 127, 128, 131]) {
        for (const k of [0, 1, 2, 3, 4, 5, 8, 31, 128, 255, 256, 257, 520]) {
          turn++;
          if (m * n * k > 100_000 && turn % 4 > 0) continue;
          const a = matrix(drawn(m * k, turn), m, k, turn % 2 === 1);
          const b = matrix(drawn(k * n, turn + 1), k, n, turn % 3 === 1);
          check(bench, a, b, {
            before: turn % 5 === 1 ? drawn(m * n, turn + 2) : null,
            gap: turn % 4,
            turn,
            shift: turn % 7,
          });
        }
      }
    },
  );

  test('takes the patches of an image as they lie, whatever the stride and dilation', () => {
    const [height, width] = [11, 9];
    for (const channels of [1, 2, 3, 4, 5, 8]) {
      for (const [stride, dilation] of [
        [1, 1],
        [2, 1],
        [1, 2],
        [3, 1],
      ] as const) {
        const image = drawn(height * width * channels, channels, 2, 0.3);
        const seen = (length: number) => Math.floor((length - 2 * dilation - 1) / stride) + 1;
        const pixel = (y: number, x: number) => (y * width + x) * channels;
        const rows = every(seen(height), stride).flatMap((y) =>
          every(seen(width), stride).map((x) => pixel(y, x)),
        );
        const taps = every(3, dilation).flatMap((y) =>
          every(3, dilation).flatMap((x) => every(channels, 1, pixel(y, x))),
        );
        const filter = drawn(taps.length * 7, channels + 1);
        check(bench, { values: image, rows, columns: taps }, matrix(filter, taps.length, 7));
        // The gradient of the filter: the same patches, transposed.
        const dy = drawn(rows.length * 7, channels + 2);
        check(bench, { values: image, rows: taps, columns: rows }, matrix(dy, rows.length, 7));
      }
    }
  });

  test('takes numbers in any order, such as a filter that is turned', () => {
    for (const [m, n, k] of [
      [8, 8, 12],
      [5, 9, 130],
    ] as const) {
      const [a, b] = [matrix(drawn(m * k, 1), m, k), matrix(drawn(k * n, 2), k, n)];
      const turned = { ...b, rows: b.rows.toReversed() };
      check(bench, { ...a, columns: a.columns.toReversed() }, turned);
      check(bench, { ...a, rows: a.rows.toReversed() }, { ...b, columns: b.columns.toReversed() });
      // The first and the last of four as far apart as neighbours would be.
      const swapped = (offsets: readonly number[]) =>
        offsets.map((_, i) => offsets[i % 4 === 1 ? i + 1 : i % 4 === 2 ? i - 1 : i] ?? offsets[i]!);
      check(bench, { ...a, columns: swapped(a.columns) }, { ...b, columns: swapped(b.columns) });
    }
  });

  test('long sums stay as exact as short ones', () => {
    for (const a of [drawn(4 * 40_000, 1, 1, 0.5), new Float32Array(4 * 40_000).fill(0.1)]) {
      const b = new Float32Array(40_000).fill(0.1);
      const c = product(bench, matrix(a, 4, 40_000), matrix(b, 40_000, 1));
      for (let i = 0; i < 4; i++) {
        let sum = 0;
        for (let p = 0; p < 40_000; p++) sum += a[i * 40_000 + p]! * b[p]!;
        expect(Math.abs(c[i]! - sum) / sum).toBeLessThan(1e-6);
      }
    }
  });

  test.each([NaN, Infinity, -Infinity])('%d spoils its own row or column and no other', (stranger) => {
    for (const [m, n, k] of [
      [5, 9, 6],
      [9, 13, 130],
    ] as const) {
      for (const isTransposed of [false, true]) {
        const [a, b] = [drawn(m * k, 1, 1, 0.6), drawn(k * n, 2, 1, 0.6)];
        const make = () => product(bench, matrix(a, m, k, isTransposed), matrix(b, k, n, isTransposed));
        const before = make();
        const isSpoilt = (values: Float32Array, at: number) => {
          const kept = values[at]!;
          values[at] = stranger;
          const c = make();
          values[at] = kept;
          return Array.from(c, (value, i) => {
            if (Number.isFinite(value)) expect(value).toBe(before[i]);
            return Object.is(value, stranger);
          });
        };
        // The last of the last row and of the last column, which tails are copies of.
        const ofRow = isSpoilt(a, m * k - 1);
        expect(ofRow).toEqual(ofRow.map((_, i) => Math.floor(i / n) === m - 1));
        const ofColumn = isSpoilt(b, k * n - 1);
        expect(ofColumn).toEqual(ofColumn.map((_, i) => i % n === n - 1));
      }
    }
  });

  test('addresses go beyond 2 GiB', () => {
    const far = new Workbench(makeMemory(variant, 33_000), 2 ** 31 - 4000);
    for (const isTransposed of [false, true]) {
      const [a, b] = [matrix(drawn(700, 1), 70, 10, isTransposed), matrix(drawn(90, 2), 10, 9, isTransposed)];
      check(far, a, b);
    }
  });
});
