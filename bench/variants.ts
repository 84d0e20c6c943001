/** @file What options cost: a training step with each, against the plain one, at one image shape. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { makeData } from './layer-subject.js';
import { LARGE, race } from './measure.js';

const SHAPE = [32, 28, 28, 64];

const VARIANTS: Record<string, { args: BatchNormalizationArgs; isMasked?: true; shape?: number[] }> = {
  plain: { args: {} },
  'channels first': { args: { axis: 1 }, shape: [32, 64, 28, 28] },
  'ghost batches of 8': { args: { virtualBatchSize: 8 } },
  renorm: { args: { renorm: true, renormClipping: { rmax: 3, rmin: 1 / 3, dmax: 5 } } },
  // As many elements, but no image: Keras' rule ignores the masks of those.
  masked: { args: {}, isMasked: true, shape: [32, 28 * 28, 64] },
};

export interface VariantRow {
  variant: string;
  ms: number;
  timesPlain: number;
}

/** Forward, statistics and the gradients of x and gamma, of each variant in turn. */
export function raceVariants(): VariantRow[] {
  const made: tf.Tensor[] = [];
  const contenders = Object.fromEntries(
    Object.entries(VARIANTS).map(([name, { args, isMasked, shape = SHAPE }]) => {
      const { xs, dys } = makeData(shape);
      const mask = isMasked
        ? tf.cast(tf.greater(tf.randomUniform(shape.slice(0, -1)), 0.2), 'float32')
        : null;
      made.push(...xs, ...dys, ...(mask ? [mask] : []));
      const layer = layerBatchNormalization(args);
      layer.build([null, ...shape.slice(1)]);
      const gradients = tf.grads((x: tf.Tensor) => layer.apply(x, { training: true, mask }) as tf.Tensor);
      const gamma = layer.gamma!.read();
      let turn = 0;
      return [
        name,
        () => {
          tf.dispose(gradients([xs[turn % 3]!, gamma], dys[turn++ % 3]));
        },
      ];
    }),
  );
  const times = race(contenders, LARGE);
  tf.dispose(made);
  return Object.entries(times).map(([variant, ms]) => ({ variant, ms, timesPlain: ms / times.plain! }));
}
