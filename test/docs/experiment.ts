/** @file What docs/how/paper.md says of the run of the experiment that its pictures show. */
import type { Findings } from '../../demo/experiment.js';
import { formatCount, formatPercent } from '../../demo/results.js';
import { readText } from './blocks.js';

export const readExperiment = (): Findings =>
  JSON.parse(readText('docs/pictures/runs/experiment.json')) as Findings;

export function experimentLines({ settings, results, data }: Findings): string[] {
  const { plain, normalized } = results;
  const steps = (count: number | null) =>
    count === null ? 'not at all' : `after ${formatCount(count)} steps`;
  return [
    `90 % of ${formatCount(data.testDigits)} test digits are recognized ${steps(normalized.stepsTo90)} with batch normalization, and ` +
      `${steps(plain.stepsTo90)} without; 95 % ${steps(normalized.stepsTo95)} with it, and ${steps(plain.stepsTo95)} without, in ` +
      `${formatCount(settings.steps)} steps. At the end it is ${formatPercent(normalized.finalAccuracy)} and ` +
      `${formatPercent(plain.finalAccuracy)}. ${settings.hiddenLayers} layers of ${settings.units} sigmoid units, batches of ` +
      `${settings.batchSize}, learning rate ${settings.learningRate}, momentum of the layers ${String(settings.options.momentum)}.`,
  ];
}
