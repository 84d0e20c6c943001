/** @file What holds for every input, whatever its numbers: the laws that follow from the definition of the layer. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coordinates, largestDifference, numbers, parameterOf, sizeOf } from '../core/reference.js';
import { describeBackends } from '../backends.js';
import { DRAWS, EXPERIMENTS } from './experiments.js';
import {
  drawInput,
  drawState,
  type Experiment,
  makeLayer,
  relativeDistance,
  toTensor,
} from './layer-and-core.js';

/** Training steps of a layer without an adjustment or a mask on float32 inputs. */
const STEPS = EXPERIMENTS.map((experiment): Experiment => ({
  ...experiment,
  // Laws change options, which fused: true might not go with.
  options: { ...experiment.options, fused: experiment.options.fused === false ? false : null },
  ...{ adjustment: null, mask: null, dtype: 'float32', training: true, trainable: true },
}));

const axesOf = ({ shape, options }: Experiment) =>
  [options.axis ?? -1]
    .flat()
    .map((axis) => (axis < 0 ? axis + shape.length : axis))
    .sort((a, b) => a - b);
const keepsBatch = (experiment: Experiment) => !axesOf(experiment).includes(0);
const withOptions = (experiment: Experiment, options: Experiment['options']): Experiment => ({
  ...experiment,
  options: { ...experiment.options, ...options },
});

/** The same where Keras' fused kernel, with its other moving variance, would not run. */
const UNFUSED = STEPS.map((experiment) => withOptions(experiment, { fused: false }));

/** One call: the output, and the weights after it. */
function call(experiment: Experiment, x: ArrayLike<number>, training = true) {
  return tf.tidy(() => {
    const { shape, options, mask, seed, updateMovingStatistics } = experiment;
    const layer = makeLayer(experiment, drawState(options, shape, seed), null);
    const y = layer.apply(toTensor(x, shape), {
      ...{ training, updateMovingStatistics },
      mask: mask && toTensor(mask.values, mask.shape, mask.dtype),
    }) as tf.Tensor;
    const result = {
      y: y.dataSync(),
      weights: layer.weights.map((weight) => Array.from(weight.read().dataSync())),
    };
    const inferred = (layer.apply(toTensor(x, shape), { training: false }) as tf.Tensor).dataSync();
    layer.dispose();
    return { ...result, inferred };
  });
}

const inputOf = ({ shape, seed }: Experiment) => drawInput(shape, 'float32', seed + 100);

/** Elements per channel. */
const countOf = (experiment: Experiment) =>
  sizeOf(experiment.shape) / sizeOf(axesOf(experiment).map((axis) => experiment.shape[axis]!));

describeBackends(() => {
  const holds = (law: (experiment: Experiment) => void, drawn: fc.Arbitrary<Experiment>) => {
    fc.assert(fc.property(drawn, law), { ...DRAWS, numRuns: 100 });
  };

  test('gives permuted outputs and the same statistics for a permuted batch', () => {
    const drawn = STEPS.filter(keepsBatch).map((e) => withOptions(e, { virtualBatchSize: null }));
    holds((experiment) => {
      const [batch = 1, ...sample] = experiment.shape;
      const order = Array.from({ length: batch }, (_, i) => i).sort(
        (a, b) => numbers(batch, experiment.seed)[a]! - numbers(batch, experiment.seed)[b]!,
      );
      const size = sizeOf(sample);
      const permute = (values: ArrayLike<number>) =>
        order.flatMap((i) => Array.from(values).slice(i * size, (i + 1) * size));
      const x = inputOf(experiment);
      const straight = call(experiment, x);
      const permuted = call(experiment, permute(x));
      expect(relativeDistance(permuted.y, permute(straight.y))).toBeLessThan(2e-5);
      expect(relativeDistance(permuted.weights.flat(), straight.weights.flat())).toBeLessThan(2e-5);
    }, drawn);
  });

  test('does with one ghost batch what it does without ghost batches', () => {
    holds((experiment) => {
      const x = inputOf(experiment);
      const plain = call(withOptions(experiment, { virtualBatchSize: null }), x);
      const one = call(withOptions(experiment, { virtualBatchSize: experiment.shape[0]! }), x);
      expect(relativeDistance(one.y, plain.y)).toBeLessThan(2e-5);
      expect(relativeDistance(one.weights.flat(), plain.weights.flat())).toBeLessThan(2e-5);
    }, UNFUSED.filter(keepsBatch));
  });

  test('does with a mask of ones what it does without a mask', () => {
    const drawn = UNFUSED.map((e) => withOptions(e, { virtualBatchSize: null }));
    holds((experiment) => {
      const x = inputOf(experiment);
      const plain = call(experiment, x);
      const shape = experiment.shape.slice(0, -1);
      const ones = { shape, values: Array<number>(sizeOf(shape)).fill(1) };
      for (const dtype of ['bool', 'float32'] as const) {
        const masked = call({ ...experiment, mask: { ...ones, dtype } }, x);
        expect(relativeDistance(masked.y, plain.y)).toBeLessThan(2e-5);
        expect(relativeDistance(masked.weights.flat(), plain.weights.flat())).toBeLessThan(2e-5);
      }
    }, drawn);
  });

  test('does with renorm clipped to r = 1 and d = 0 what it does without renorm', () => {
    holds((experiment) => {
      const x = inputOf(experiment);
      const plain = call(withOptions(experiment, { renorm: false, renormClipping: null }), x);
      const renormClipping = { rmax: 1, rmin: 1, dmax: 0 };
      const clipped = call(withOptions(experiment, { renorm: true, renormClipping }), x);
      expect(relativeDistance(clipped.y, plain.y)).toBeLessThan(2e-5);
    }, STEPS);
  });

  const ordinary = STEPS.map((e) =>
    withOptions(e, { virtualBatchSize: null, renorm: false, renormClipping: null }),
  );
  const several = ordinary.filter((experiment) => countOf(experiment) >= 4);

  test('gives every channel of a training batch the mean beta and the deviation |gamma|', () => {
    holds(
      (experiment) => {
        const { shape, seed } = experiment;
        const axes = axesOf(experiment);
        const { gamma, beta } = drawState(experiment.options, shape, seed);
        const { y } = call(experiment, inputOf(experiment));
        const channels = new Map<number, number[]>();
        y.forEach((value, i) => {
          const channel = parameterOf(i, shape, axes);
          channels.set(channel, [...(channels.get(channel) ?? []), value]);
        });
        const mean = (list: number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
        for (const [channel, list] of channels) {
          const centre = mean(list);
          const deviation = Math.sqrt(mean(list.map((value) => (value - centre) ** 2)));
          expect(centre).toBeCloseTo(beta?.[channel] ?? 0, 4);
          expect(deviation).toBeCloseTo(Math.abs(gamma?.[channel] ?? 1), 4);
        }
      },
      several.map((e) => withOptions(e, { epsilon: 1e-7 })),
    );
  });

  test('does not see by how much the input of training is scaled and shifted', () => {
    holds(
      (experiment) => {
        const x = inputOf(experiment);
        const { y } = call(experiment, x);
        // A factor and a shift for each channel.
        const axes = axesOf(experiment);
        const other = x.map((value, i) => {
          const channel = parameterOf(i, experiment.shape, axes);
          return Math.fround(value * (1 + (channel % 3)) + (channel % 5));
        });
        expect(largestDifference(call(experiment, other).y, y)).toBeLessThan(1e-4);
      },
      several.map((e) => withOptions(e, { epsilon: 1e-7 })),
    );
  });

  test('infers with momentum 0 what it has just computed in training', () => {
    holds(
      (experiment) => {
        const { y, inferred } = call({ ...experiment, updateMovingStatistics: true }, inputOf(experiment));
        expect(relativeDistance(inferred, y)).toBeLessThan(2e-5);
      },
      ordinary.map((e) => withOptions(e, { momentum: 0, fused: false })),
    );
  });

  test('normalizes each sample by itself in inference', () => {
    holds(
      (experiment) => {
        const [batch = 1, ...sample] = experiment.shape;
        const x = inputOf(experiment);
        const { y } = call(experiment, x, false);
        const last = { ...experiment, shape: [1, ...sample] };
        const size = sizeOf(sample);
        const alone = call(last, x.slice((batch - 1) * size), false);
        expect(relativeDistance(alone.y, y.slice((batch - 1) * size))).toBeLessThan(1e-6);
      },
      STEPS.filter(keepsBatch).map((e) => withOptions(e, { virtualBatchSize: null })),
    );
  });

  test('keeps ghost batches apart: sample i belongs to group i mod (batch / virtualBatchSize)', () => {
    const drawn = STEPS.filter((e) => e.options.virtualBatchSize != null && !e.options.renorm);
    holds((experiment) => {
      const { shape, options } = experiment;
      const groups = shape[0]! / options.virtualBatchSize!;
      const x = inputOf(experiment);
      const { y } = call(experiment, x);
      // Other numbers in the last group change nothing in the others.
      const isLast = (i: number) => coordinates(i, shape)[0]! % groups === groups - 1;
      const other = call(
        experiment,
        x.map((value, i) => (isLast(i) ? 7 - 2 * value : value)),
      );
      const rest = (values: ArrayLike<number>) => Array.from(values).filter((_, i) => !isLast(i));
      expect(rest(other.y)).toEqual(rest(y));
    }, drawn);
  });
});
