/** @file What layers that drop values at random share. */
import { type Tensor, clone, dropout, zerosLike } from '@tensorflow/tfjs-core';
import { checkNumber } from '../../text/refusal.js';

/** @throws TypeError, or ValueError, for what is no share of a whole */
export function checkRate(name: string, value: unknown): number {
  checkNumber(name, value, (rate) => rate >= 0 && rate <= 1, 'a number from 0 to 1');
  return value;
}

/**
 * In training, drops a share of the values and scales the others, so that the mean stays.
 *
 * @param kept the shape of what is drawn: along sizes of 1, values are dropped together
 */
export function drop(x: Tensor, rate: number, kept: number[], isTraining: boolean | undefined): Tensor {
  // A tensor of its own: TF.js frees what a layer was given.
  if (!isTraining || rate === 0) return clone(x);
  return rate === 1 ? zerosLike(x) : dropout(x, rate, kept);
}
