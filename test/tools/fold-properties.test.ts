/** @file Whatever the network, folding keeps its predictions, and accounts for every normalization. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { layerBatchNormalization } from 'evenkeel';
import { fold } from 'evenkeel/tools';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { type Symbolic, apply, classesOf, distance, predict, spoil } from './networks.js';

const { layers } = tf;

/** One step of a network on images; what does not fit the sizes that are left is skipped. */
type Step = (x: Symbolic) => Symbolic;

const padding = fc.constantFrom('valid' as const, 'same' as const);
const activation = fc.constantFrom('linear' as const, 'relu' as const);
const useBias = fc.boolean();
const kernelSize = fc.integer({ min: 1, max: 2 });
const fits = (x: Symbolic) => x.shape.slice(1, 3).every((size) => size! >= 3);
const inImages =
  (make: () => tf.layers.Layer): Step =>
  (x) =>
    fits(x) ? apply(make(), x) : x;

const convolution = fc
  .record({ padding, activation, useBias, kernelSize, filters: fc.integer({ min: 1, max: 4 }) })
  .map((args) => inImages(() => layers.conv2d(args)));
const depthwise = fc
  .record({ padding, activation, useBias, kernelSize, depthMultiplier: fc.integer({ min: 1, max: 2 }) })
  .map((args) => inImages(() => layers.depthwiseConv2d(args)));
const separable = fc
  .record({ padding, activation, useBias, kernelSize, filters: fc.integer({ min: 1, max: 4 }) })
  .map((args) => inImages(() => layers.separableConv2d(args)));
const normalization = fc
  .record({
    axis: fc.constantFrom(-1, -1, -1, 1, [1, 3]),
    center: fc.boolean(),
    scale: fc.boolean(),
    renorm: fc.boolean(),
  })
  .map(
    (args): Step =>
      (x) =>
        apply(layerBatchNormalization(args), x),
  );
const stock = fc.constant<Step>((x) => apply(layers.batchNormalization(), x));
const other = fc.constantFrom<Step>(
  (x) => apply(layers.reLU(), x),
  (x) => apply(layers.dropout({ rate: 0.5 }), x),
  (x) => apply(layers.permute({ dims: [2, 1, 3] }), x),
  inImages(() => layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' })),
  inImages(() => layers.maxPooling2d({ poolSize: 2, strides: 1 })),
  (x) => apply(layers.zeroPadding2d({ padding: 1 }), x),
  (x) => apply(layers.dense({ units: 3 }), x),
);
const step = fc.oneof(convolution, depthwise, separable, normalization, normalization, stock, other);
const steps = (maxLength: number) => fc.array(step, { minLength: 1, maxLength });

/** Joins two branches, so that results have several users. */
const end = fc.constantFrom<(a: Symbolic, b: Symbolic) => Symbolic[]>(
  (a, b) => [a, b],
  (a, b) => [apply(layers.dense({ units: 2 }), apply(layers.flatten(), a)), b],
  (a, b) => {
    const flat = [a, b].map((x) => apply(layers.globalAveragePooling2d({}), x));
    return [
      apply(
        layers.dense({ units: 2 }),
        apply(layerBatchNormalization(), apply(layers.concatenate(), ...flat)),
      ),
    ];
  },
  (a, b) => [
    apply(layerBatchNormalization(), apply(layers.dense({ units: 3 }), apply(layers.flatten(), a))),
    b,
  ],
);

describeBackends(() => {
  test('predictions stay within 1e-5', async () => {
    const network = fc.tuple(steps(4), steps(5), steps(3), end, fc.boolean());
    await fc.assert(
      fc.asyncProperty(network, async ([stem, left, right, join, positive]) => {
        const input = tf.input({ shape: [6, 5, 2] });
        const run = (x: Symbolic, list: Step[]) => list.reduce((y, apply_) => apply_(y), x);
        const trunk = run(input, stem);
        const model = tf.model({ inputs: input, outputs: join(run(trunk, left), run(trunk, right)) });
        spoil(model, { positive });
        const before = tf.memory().numTensors;
        const { model: folded, ...report } = await fold(model);
        const count = (of: tf.LayersModel) =>
          classesOf(of).filter((className) => className === 'BatchNormalization').length;
        expect(report.folded.length + report.kept.length).toBe(count(model));
        expect(count(folded)).toBe(report.kept.length);
        expect(distance(predict(folded, 3), predict(model, 3))).toBeLessThan(1e-5);
        folded.dispose();
        expect(tf.memory().numTensors).toBe(before);
        model.dispose();
      }),
      { numRuns: 60, seed: 11 },
    );
  });
}, ['wasm']);
