/**
 * @file Images in another size, as TensorFlow's `tf.image.resize` makes them, with centres of pixels at halves. TF.js has
 * two of the eight interpolations. Each goes along one axis after the other, as a sum of weighted pixels.
 */
import { type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { type RunShape, type Work, countNumbers } from '../../model/run-cost.js';
import { type Rows, numbersHeld, resample } from './resampling.js';

export const INTERPOLATIONS = [
  'bilinear',
  'nearest',
  'bicubic',
  'area',
  'lanczos3',
  'lanczos5',
  'gaussian',
  'mitchellcubic',
] as const;

/** How a pixel of the result comes of those of the image, as in `tf.image.resize`. */
export type Interpolation = (typeof INTERPOLATIONS)[number];

/** A filter: weights by the distance from a sample, which are 0 from the radius on. */
interface Filter {
  readonly radius: number;
  readonly weigh: (distance: number) => number;
}

const lanczos = (radius: number): Filter => ({
  radius,
  weigh(x) {
    if (x > radius) return 0;
    if (x <= 1e-3) return 1;
    return (radius * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / radius)) / (Math.PI * x) ** 2;
  },
});

const DEVIATION = 0.5;

const FILTERS = {
  bilinear: { radius: 1, weigh: (x) => Math.max(0, 1 - x) },
  bicubic: {
    radius: 2,
    weigh(x) {
      if (x >= 2) return 0;
      return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1;
    },
  },
  lanczos3: lanczos(3),
  lanczos5: lanczos(5),
  gaussian: {
    radius: 3 * DEVIATION,
    weigh: (x) => (x >= 3 * DEVIATION ? 0 : Math.exp((-x * x) / (2 * DEVIATION ** 2))),
  },
  mitchellcubic: {
    radius: 2,
    weigh(x) {
      if (x >= 2) return 0;
      return x >= 1 ? (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9 : ((7 / 6) * x - 2) * x * x + 8 / 9;
    },
  },
} satisfies Partial<Record<Interpolation, Filter>>;

const clamp = (pixel: number, size: number) => Math.min(Math.max(pixel, 0), size - 1);

const tapsOf = (target: number, make: (pixel: number) => [number, number][]): Rows =>
  Array.from({ length: target }, (_, pixel) => make(pixel));

/** The place of a pixel's centre in the image that was. */
const centreOf = (pixel: number, size: number, target: number) =>
  Math.fround(Math.fround(pixel + 0.5) * Math.fround(size / target)) - 0.5;

const bilinear = (size: number, target: number): Rows =>
  tapsOf(target, (pixel) => {
    const centre = centreOf(pixel, size, target);
    const lower = Math.floor(centre);
    return [
      [clamp(lower, size), 1 - (centre - lower)],
      [clamp(Math.ceil(centre), size), centre - lower],
    ];
  });

/** TensorFlow takes cubic weights from a table of so many. */
const TABLE = 1024;

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

const bicubic = (size: number, target: number): Rows =>
  tapsOf(target, (pixel) => {
    const centre = centreOf(pixel, size, target);
    const lower = Math.floor(centre);
    const offset = roundHalfToEven((centre - lower) * TABLE) / TABLE;
    const within = [-1, 0, 1, 2]
      .filter((step) => clamp(lower + step, size) === lower + step)
      .map((step): [number, number] => [lower + step, FILTERS.bicubic.weigh(Math.abs(step - offset))]);
    return normalized(within);
  });

const area = (size: number, target: number): Rows => {
  const scale = size / target;
  return tapsOf(target, (pixel) => {
    const [from, to] = [pixel * scale, (pixel + 1) * scale];
    const taps: [number, number][] = [];
    for (let one = Math.floor(from); one < to; one++) {
      taps.push([clamp(one, size), (Math.min(one + 1, to) - Math.max(one, from)) / scale]);
    }
    return taps;
  });
};

const filtered = (filter: Filter, size: number, target: number, isAntialiased: boolean): Rows => {
  const inverse = Math.fround(size / target);
  const stretch = isAntialiased ? Math.max(inverse, 1) : 1;
  return tapsOf(target, (pixel) => {
    const sample = (pixel + 0.5) * inverse;
    const from = clamp(Math.ceil(sample - filter.radius * stretch - 0.5), size);
    const to = clamp(Math.floor(sample + filter.radius * stretch - 0.5), size);
    const taps: [number, number][] = [];
    for (let one = from; one <= to; one++) {
      taps.push([one, filter.weigh(Math.abs((one + 0.5 - sample) / stretch))]);
    }
    return normalized(taps);
  });
};

function normalized(taps: [number, number][]): [number, number][] {
  const total = taps.reduce((sum, [, weight]) => sum + weight, 0);
  return total === 0 ? taps : taps.map(([pixel, weight]) => [pixel, weight / total]);
}

/** For each pixel of the result along an axis, the pixels that it is made of, and their weights. */
export function tapsFor(
  interpolation: Interpolation,
  size: number,
  target: number,
  isAntialiased = false,
): Rows {
  if (interpolation === 'nearest') return nearest(size, target);
  if (interpolation === 'area') return area(size, target);
  if (!isAntialiased && interpolation === 'bilinear') return bilinear(size, target);
  if (!isAntialiased && interpolation === 'bicubic') return bicubic(size, target);
  return filtered(FILTERS[interpolation], size, target, isAntialiased);
}

/** What resizing takes, at most. */
export function workOfResize(input: RunShape, output: RunShape, interpolation: Interpolation): Work {
  const result = Math.max(countNumbers(input), countNumbers(output));
  // Of pixels that one is made of, where the image does not get smaller.
  const fewest = { nearest: 1, bilinear: 2 }[interpolation as string] ?? 2 * FILTERS.lanczos5.radius;
  const held = output.map((target, axis) => {
    const size = input[axis];
    if (size === target) return 0;
    const taps = interpolation === 'nearest' ? 1 : fewest * Math.max(1, (size ?? 1) / (target ?? 1));
    return numbersHeld(target ?? 1, taps, countNumbers(output));
  });
  const numbers = held.reduce((sum, one) => sum + one, 2 * result);
  return { numbers, multiplications: numbers };
}

/** Which pixel each pixel of the result is, as TensorFlow counts in float32. */
const nearest = (size: number, target: number): Rows =>
  tapsOf(target, (pixel) => [
    [Math.min(Math.floor(Math.fround((pixel + 0.5) * Math.fround(size / target))), size - 1), 1],
  ]);

/**
 * `images` is `[batch, height, width, channels]`. What has the size already is given back as it is.
 *
 * @param isAntialiased whether the filter grows where the image gets smaller
 */
export function resizeImages(
  images: Tensor4D,
  [height, width]: readonly [number, number],
  interpolation: Interpolation,
  isAntialiased = false,
): Tensor4D {
  const [, oldHeight, oldWidth] = images.shape;
  if (height === oldHeight && width === oldWidth) return images;
  return tidy(() => {
    const rows = tapsFor(interpolation, oldHeight, height, isAntialiased);
    const columns = tapsFor(interpolation, oldWidth, width, isAntialiased);
    return resample(resample(images, 1, rows), 2, columns);
  });
}
