/** @file Numbers that look drawn by chance, the same on the server and in every browser. */
import { Random } from '../../../../shared/random.js';

/** So many values of the normal distribution with mean 0 and deviation 1. */
export function normals(count: number, seed: number): number[] {
  const random = new Random(seed, 'batches');
  return Array.from({ length: count }, () => random.normal(1));
}

/** A column of one channel, as the core takes it. */
export const column = (values: ArrayLike<number>) => ({
  values: Float64Array.from(values),
  shape: [values.length, 1],
});
