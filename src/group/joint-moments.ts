/**
 * @file Moments and gradient sums of all ranks together: what of a synchronized layer's step goes over the group, between
 * the passes over a rank's own data. Numbers are float64.
 */
import type { GradientSums, Moments } from '../core/passes.js';
import { type JointCall, makeMessage } from './group.js';

/**
 * Beyond this much of mean²/variance, Σw·x² is not enough: of the 53 bits of a float64 it leaves the variance 53 − 16, and
 * fewer from there on.
 */
const MOST_CANCELLATION = 2 ** 16;

/**
 * The moments of all ranks' batches together, from Σw, Σw·x and Σw·x² per channel: one message. Where a channel is far from
 * zero, another one sums squares about the joint mean. All ranks see the same sums, so that all decide alike. A rank whose
 * count is 0 brings nothing.
 */
export function jointMoments({ count, mean, variance }: Moments, call: JointCall): Moments {
  const { length } = count;
  const message = makeMessage(3 * length);
  for (let k = 0; k < length; k++) {
    const n = count[k]!;
    if (n === 0) continue; // the others mean nothing
    message[k] = n;
    message[length + k] = n * mean[k]!;
    message[2 * length + k] = n * (variance[k]! + mean[k]! ** 2);
  }
  const sums = call.sum('moments', message);
  const joint = {
    count: sums.subarray(0, length),
    mean: new Float64Array(length),
    variance: new Float64Array(length),
  };
  let isCancelled = false;
  for (let k = 0; k < length; k++) {
    const n = joint.count[k]!;
    if (n === 0) continue;
    const square = (joint.mean[k] = sums[length + k]! / n) ** 2;
    joint.variance[k] = sums[2 * length + k]! / n - square;
    isCancelled ||= square > MOST_CANCELLATION * joint.variance[k]!;
  }
  if (!isCancelled) return joint;

  const aboutMean = makeMessage(length);
  for (let k = 0; k < length; k++) {
    if (count[k] !== 0) aboutMean[k] = count[k]! * (variance[k]! + (mean[k]! - joint.mean[k]!) ** 2);
  }
  const squares = call.sum('moments about the mean', aboutMean);
  for (let k = 0; k < length; k++) {
    if (joint.count[k] !== 0) joint.variance[k] = squares[k]! / joint.count[k]!;
  }
  return joint;
}

/** The sums over all ranks' elements, in one message. */
export function jointGradientSums({ dy, dyTimesX }: GradientSums, call: JointCall): GradientSums {
  const { length } = dy;
  const message = makeMessage(2 * length);
  message.set(dy);
  message.set(dyTimesX, length);
  const sums = call.sum('gradient sums', message);
  return { dy: sums.subarray(0, length), dyTimesX: sums.subarray(length) };
}
