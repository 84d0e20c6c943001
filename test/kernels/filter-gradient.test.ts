/** @file The gradient of a convolution's filter against a naive loop in float64: sizes, tails, blocks, what is not finite. */
import { describe, expect, test } from 'vitest';
import { FILTER_GRADIENT_SCRATCH } from '../../src/acceleration/kernel-bytes.js';
import { accelerationKernels } from '../../src/acceleration/wasm-kernels.js';
import { ROUNDING } from './tolerances.js';
import { drawn, makeMemory, VARIANTS, Workbench } from './workbench.js';

interface Convolution {
  readonly images: number;
  /** Height and width of x. */
  readonly inSize: readonly [number, number];
  readonly inChannels: number;
  readonly outChannels: number;
  readonly filter: readonly [number, number];
  readonly strides?: readonly [number, number];
  /** Zeros before and after, in both directions. */
  readonly padding?: number;
}

const shapeOf = ({ inSize, filter, strides = [1, 1], padding = 0, ...rest }: Convolution) => {
  const outSize = [0, 1].map((d) => Math.floor((inSize[d]! + 2 * padding - filter[d]!) / strides[d]!) + 1);
  return { ...rest, inSize, filter, strides, padding, outSize: outSize as [number, number] };
};

function gradient(
  bench: Workbench,
  one: Convolution,
  x: Float32Array,
  dy: Float32Array,
  turn = 0,
): Float32Array {
  const { images, inSize, inChannels, outSize, outChannels, filter, strides, padding } = shapeOf(one);
  bench.clear();
  const [atX, atDy] = [bench.input(x, turn % 4), bench.input(dy, (turn >> 2) % 4)];
  const length = filter[0] * filter[1] * inChannels * outChannels;
  const result = bench.output(4 * length, (turn >> 1) % 4);
  const scratch = bench.output(FILTER_GRADIENT_SCRATCH, turn % 3);
  accelerationKernels(bench.memory).filterGradient(
    ...([atX, atDy, result, scratch] as const),
    ...([images, ...inSize, inChannels, ...outSize, outChannels] as const),
    ...([...filter, ...strides, padding, padding] as const),
  );
  bench.check();
  return bench.floats(result, length);
}

/** Visits every product: what it adds to, and the places of its factors. */
function forEachProduct(one: Convolution, each: (filter: number, x: number, dy: number) => void): void {
  const { images, inSize, inChannels, outSize, outChannels, filter, strides, padding } = shapeOf(one);
  for (let n = 0; n < images; n++) {
    for (let i = 0; i < outSize[0]; i++) {
      for (let j = 0; j < outSize[1]; j++) {
        for (let h = 0; h < filter[0]; h++) {
          for (let w = 0; w < filter[1]; w++) {
            const [row, column] = [i * strides[0] + h - padding, j * strides[1] + w - padding];
            if (row < 0 || row >= inSize[0] || column < 0 || column >= inSize[1]) continue;
            const pixel = (n * inSize[0] + row) * inSize[1] + column;
            for (let c = 0; c < inChannels; c++) {
              const first = ((h * filter[1] + w) * inChannels + c) * outChannels;
              const dy = ((n * outSize[0] + i) * outSize[1] + j) * outChannels;
              for (let o = 0; o < outChannels; o++) each(first + o, pixel * inChannels + c, dy + o);
            }
          }
        }
      }
    }
  }
}

const lengthsOf = (one: Convolution) => {
  const { images, inSize, inChannels, outSize, outChannels } = shapeOf(one);
  return [
    images * inSize[0] * inSize[1] * inChannels,
    images * outSize[0] * outSize[1] * outChannels,
  ] as const;
};

/** Fails where the result is further from the naive loop's than rounding explains. */
function check(bench: Workbench, one: Convolution, turn: number): void {
  const [xLength, dyLength] = lengthsOf(one);
  const [x, dy] = [drawn(xLength, turn), drawn(dyLength, turn + 1)];
  const got = gradient(bench, one, x, dy, turn);
  const [sums, magnitudes] = [new Float64Array(got.length), new Float64Array(got.length)];
  const counts = new Uint32Array(got.length);
  forEachProduct(one, (k, i, j) => {
    sums[k]! += x[i]! * dy[j]!;
    magnitudes[k]! += Math.abs(x[i]! * dy[j]!);
    counts[k]!++;
  });
  got.forEach((value, k) => {
    const allowed = ROUNDING * (counts[k]! + 1) * magnitudes[k]!;
    if (!(Math.abs(value - sums[k]!) <= allowed)) {
      expect.fail(`${JSON.stringify(one)}: ${value} instead of ${sums[k]} at ${k}`);
    }
  });
}

describe.each(VARIANTS)('in %s memory', (variant) => {
  const bench = new Workbench(makeMemory(variant));

  test('does as the naive loop does, for any number of channels', () => {
    let turn = 0;
    for (const inChannels of [1, 2, 3, 4, 5, 8, 63, 64, 65, 127, 128, 129, 130, 132]) {
      for (const outChannels of [1, 3, 7, 8, 9, 12, 16, 64, 66, 128, 131, 136]) {
        turn++;
        if (inChannels * outChannels > 4000 && turn % 3 > 0) continue;
        const filter = [1 + (turn % 2), 1 + (turn % 3)] as const;
        check(bench, { images: 2, inSize: [4, 5], inChannels, outChannels, filter, padding: turn % 2 }, turn);
      }
    }
  });

  test('does as the naive loop does, for any filter, stride and padding', () => {
    let turn = 0;
    for (const filter of [
      [1, 1],
      [3, 3],
      [2, 5],
      [5, 1],
    ] as const) {
      for (const strides of [
        [1, 1],
        [2, 2],
        [1, 3],
        [4, 2],
      ] as const) {
        for (const padding of [0, 1, 2, 6]) {
          turn++;
          check(
            bench,
            { images: 3, inSize: [7, 6], inChannels: 5, outChannels: 9, filter, strides, padding },
            turn,
          );
        }
      }
    }
  });

  test.each<Convolution>([
    { images: 9, inSize: [16, 17], inChannels: 3, outChannels: 8, filter: [3, 3], padding: 1 },
    { images: 1, inSize: [3, 5000], inChannels: 1, outChannels: 1, filter: [2, 3], padding: 1 },
    { images: 5000, inSize: [2, 1], inChannels: 1, outChannels: 1, filter: [2, 1], padding: 1 },
    { images: 6, inSize: [5, 7], inChannels: 160, outChannels: 150, filter: [2, 2], padding: 1 },
  ])('takes all blocks of $images images of $inSize', (one) => {
    check(bench, one, 5);
  });

  test('what is not finite spoils what it meets alone', () => {
    const one: Convolution = {
      images: 2,
      inSize: [4, 4],
      inChannels: 5,
      outChannels: 9,
      filter: [3, 3],
      padding: 1,
    };
    const [xLength, dyLength] = lengthsOf(one);
    const [x, dy] = [drawn(xLength, 1), drawn(dyLength, 2)];
    // In a corner, which some taps never see.
    x[2] = Infinity;
    dy[3] = NaN;
    const meets = new Set<number>();
    forEachProduct(one, (k, i, j) => {
      if (i === 2 || j === 3) meets.add(k);
    });
    const got = gradient(bench, one, x, dy);
    expect(meets.size).toBeLessThan(got.length);
    got.forEach((value, k) => {
      expect(Number.isFinite(value), `at ${k}`).toBe(!meets.has(k));
    });
  });

  test.each([3, 129, 130, 192])('reads nothing behind x and dy, with %i channels', (channels) => {
    const one = {
      images: 1,
      inSize: [2, 3],
      inChannels: channels,
      outChannels: channels,
      filter: [1, 1],
    } as const;
    const length = 6 * channels;
    for (const isX of [true, false]) {
      const memory = makeMemory(variant);
      const last = memory.buffer.byteLength - 4 * length;
      const [atX, atDy] = isX ? [last, FILTER_GRADIENT_SCRATCH] : [FILTER_GRADIENT_SCRATCH, last];
      const run = () => {
        accelerationKernels(memory).filterGradient(
          ...([atX, atDy, FILTER_GRADIENT_SCRATCH + 4 * length, 0] as const),
          ...([one.images, ...one.inSize, channels, ...one.inSize, channels, 1, 1, 1, 1, 0, 0] as const),
        );
      };
      expect(run).not.toThrow();
    }
  });
});
