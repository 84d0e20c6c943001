/** @file A measurement in words. */
import type { Reading } from '../shared/protocol.js';

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A larger loss says no more than that it is large. */
const LARGEST_LOSS = 1000;

export function lossInWords({ testLoss, divergedAt }: Reading): string {
  if (divergedAt !== null) return `diverged at step ${divergedAt}: the loss is no number`;
  if (!Number.isFinite(testLoss)) return 'diverged: the loss is no number';
  return testLoss > LARGEST_LOSS
    ? `loss over ${LARGEST_LOSS.toLocaleString('en')}`
    : `loss ${testLoss.toFixed(3)}`;
}

/** How far apart the accuracies of two modes are where they differ for the eye. */
const PLAIN_DIFFERENCE = 0.03;

/** Whether the network is plainly more, or less often right in training mode than in inference mode. */
export const modesDiffer = ({ accuracy, trainingModeAccuracy, testLoss }: Reading): boolean =>
  Number.isFinite(testLoss) &&
  trainingModeAccuracy !== null &&
  Math.abs(trainingModeAccuracy - accuracy) > PLAIN_DIFFERENCE;
