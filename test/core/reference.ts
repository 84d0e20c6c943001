/**
 * @file What the core is held against where tf-keras has no say: the definition of the layer, one element at a time,
 * sharing no code with src; and seeded numbers to feed both.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export const sizeOf = (shape: readonly number[]) => shape.reduce((size, dim) => size * dim, 1);

/** Numbers in [-1, 1), all different, the same for the same seed. */
export function numbers(length: number, seed: number): Float64Array {
  const generator = xoroshiro128plus(seed);
  return Float64Array.from({ length }, () => 2 * uniformFloat64(generator) - 1);
}

/** Where element i of a row-major array stands: `[n, h, w, c]`. */
export function coordinates(i: number, shape: readonly number[]): number[] {
  let rest = i;
  return shape
    .toReversed()
    .map((dim) => {
      const coordinate = rest % dim;
      rest = (rest - coordinate) / dim;
      return coordinate;
    })
    .reverse();
}

/** Where the parameter of element i stands among the parameters: the axes' coordinates, the last one fastest. */
export function parameterOf(i: number, shape: readonly number[], axes: readonly number[]): number {
  const at = coordinates(i, shape);
  return axes.reduce((index, axis) => index * shape[axis]! + at[axis]!, 0);
}

/** What element i shares its statistics with: its channel and, if there are any, its ghost batch. */
export function statisticsKey(
  i: number,
  shape: readonly number[],
  axes: readonly number[],
  virtualBatchSize: number | null,
): string {
  const sample = coordinates(i, shape)[0]!;
  const ghost = virtualBatchSize === null ? 0 : sample % (shape[0]! / virtualBatchSize);
  return `ghost batch ${ghost}, parameter ${parameterOf(i, shape, axes)}`;
}

/** x̂ of every element, by the definition: mean and variance over the elements with the same key. */
export function normalized(
  x: Float64Array,
  shape: readonly number[],
  axes: readonly number[],
  virtualBatchSize: number | null,
  epsilon: number,
): Float64Array {
  const members = new Map<string, number[]>();
  x.forEach((value, i) => {
    const key = statisticsKey(i, shape, axes, virtualBatchSize);
    members.set(key, [...(members.get(key) ?? []), value]);
  });
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const moments = new Map(
    [...members].map(([key, values]) => {
      const centre = mean(values);
      return [key, { centre, variance: mean(values.map((value) => (value - centre) ** 2)) }];
    }),
  );
  return x.map((value, i) => {
    const { centre, variance } = moments.get(statisticsKey(i, shape, axes, virtualBatchSize))!;
    return (value - centre) / Math.sqrt(variance + epsilon);
  });
}

/** The largest difference between two arrays; infinite where they cannot be compared. */
export function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}
