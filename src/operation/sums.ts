/** @file Sums and products that are as exact as float32 allows, and that zeros keep clean, on every backend. */
import { type Tensor, equal, mul, pad, reshape, sum, transpose, zerosLike } from '@tensorflow/tfjs-core';
import { choose } from './choose.js';
import { stopGradient } from './stop-gradient.js';

/** How many numbers are added one by one at most. */
const BLOCK = 16;
/** Blocks this short are still worth their sum. */
const SHORTEST_BLOCK = 4;

/**
 * The sum over some dimensions, which stay as dimensions of 1: of short blocks, then of their sums. TF.js' own on wasm
 * (4.22) adds one number after another in float32, and loses digits as they grow: of 400,000 numbers about 3 the mean is
 * off by 2e-4. It could go when TF.js sums in blocks or in float64.
 */
export function sumOver(x: Tensor, dimensions: readonly number[]): Tensor {
  const isSummed = (d: number) => dimensions.includes(d);
  const count = dimensions.reduce((product, d) => product * x.shape[d]!, 1);
  if (count <= BLOCK) return sum(x, [...dimensions], true);
  // What is summed goes last, where TF.js on wasm would bring it too.
  const order = [...x.shape.keys()].sort((a, b) => Number(isSummed(a)) - Number(isSummed(b)) || a - b);
  const isInOrder = order.every((d, i) => d === i);
  let rows = reshape(isInOrder ? x : transpose(x, order), [-1, count]);
  while (rows.shape[1]! > BLOCK) rows = sumOfBlocks(rows);
  return reshape(
    sum(rows, 1),
    x.shape.map((size, d) => (isSummed(d) ? 1 : size)),
  );
}

/** `[rows, n]` → `[rows, blocks]`. Where n has no suitable divisor, zeros are added to it. */
function sumOfBlocks(rows: Tensor): Tensor {
  const [count, length] = rows.shape as [number, number];
  let size = BLOCK;
  while (size >= SHORTEST_BLOCK && length % size !== 0) size--;
  if (size >= SHORTEST_BLOCK) return sum(reshape(rows, [count, length / size, size]), 2);
  const missing = BLOCK - (length % BLOCK);
  const padded = pad(rows, [
    [0, 0],
    [0, missing],
  ]);
  return sum(reshape(padded, [count, (length + missing) / BLOCK, BLOCK]), 2);
}

/** dy·x, of one shape, where x has no part if dy is 0, even if it is not a number: padding that is masked in the loss. */
export const productWhereGiven = (dy: Tensor, x: Tensor): Tensor =>
  choose(equal(stopGradient(dy), 0), zerosLike(dy), mul(dy, x));
