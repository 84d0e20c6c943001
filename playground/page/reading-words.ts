/** @file A measurement in words. */
import { formatCount } from '../../shared/numbers.js';
import { LARGEST_LOSS, type Reading, isDiverged } from '../shared/protocol.js';

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export function lossInWords({ testLoss, divergedAt }: Reading): string {
  if (!isDiverged(testLoss)) return `loss ${testLoss.toFixed(3)}`;
  const what = Number.isFinite(testLoss) ? `over ${formatCount(LARGEST_LOSS)}` : 'no number';
  return `diverged${divergedAt === null ? '' : ` at step ${divergedAt}`}: the loss is ${what}`;
}

/** How far apart the accuracies of two modes are where they differ for the eye. */
const PLAIN_DIFFERENCE = 0.03;

/** Whether the network is plainly more, or less often right in training mode than in inference mode. */
export const modesDiffer = ({ accuracy, trainingModeAccuracy, testLoss }: Reading): boolean =>
  Number.isFinite(testLoss) &&
  trainingModeAccuracy !== null &&
  Math.abs(trainingModeAccuracy - accuracy) > PLAIN_DIFFERENCE;
