/** @file The layer by itself: a training step and inference, against the stock layer. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { difference, makeData, makeSubject } from './layer-subject.js';
import { LARGE, SMALL, race } from './measure.js';

export interface LayerRow {
  shape: string;
  what: 'step' | 'inference';
  evenkeelMs: number;
  stockMs: number;
  timesAsFast: number;
}

/** The stock layer lacks Bessel's correction, so after a step its moving variance, and inference, differ by this much. */
const AGREEMENT = 2e-3;

export function raceLayer(shape: readonly number[]): LayerRow[] {
  const data = makeData([...shape]);
  const stock = makeSubject(tf.layers.batchNormalization({}), data);
  const ours = makeSubject(layerBatchNormalization(), data);
  const { name, error } = difference(ours.results(), stock.results());
  if (!(error <= AGREEMENT)) {
    throw new Error(`${shape.join('x')}: ${name} differs from the stock layer's by ${error}, relative.`);
  }
  const effort = tf.util.sizeFromShape([...shape]) > 1e5 ? LARGE : SMALL;
  const times = {
    step: race({ ours: ours.step, stock: stock.step }, effort),
    inference: race({ ours: ours.infer, stock: stock.infer }, effort),
  };
  tf.dispose(data);
  return (['step', 'inference'] as const).map((what) => ({
    shape: shape.join('x'),
    what,
    evenkeelMs: times[what].ours,
    stockMs: times[what].stock,
    timesAsFast: times[what].stock / times[what].ours,
  }));
}
