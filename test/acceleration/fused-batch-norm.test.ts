/**
 * @file TF.js' own batch normalization, its layer and `tf.batchNorm`, with our kernel and gradient. Each test of a
 * failure begins with TF.js as it is.
 */
import * as tf from '@tensorflow/tfjs';
import { forward } from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { compile, draw, fit, train, valuesOf } from '../models/models.js';
import { drawState, floats, relativeDistance, toTensor } from '../properties/layer-and-core.js';
import { accelerated, held } from './accelerated.js';

const stock = tf.layers.batchNormalization;

type Parameters = Record<'mean' | 'variance' | 'offset' | 'scale', tf.Tensor | undefined>;

const EPSILON = 0.01;

function drawParameters(shape: number[], seed: number): Record<keyof Parameters, tf.Tensor> {
  return {
    mean: draw(shape, seed),
    variance: tf.tidy(() => tf.add(draw(shape, seed + 1), 1.1)),
    offset: draw(shape, seed + 2),
    scale: draw(shape, seed + 3),
  };
}

/** `tf.batchNorm`, which declares fewer shapes than it takes. */
const batchNorm = (x: tf.Tensor, { mean, variance, offset, scale }: Parameters) =>
  (tf.batchNorm as (...args: unknown[]) => tf.Tensor)(x, mean, variance, offset, scale, EPSILON);

/** The same by TF.js' operations. */
function composed(x: tf.Tensor, { mean, variance, offset, scale }: Parameters): tf.Tensor {
  const normalized = tf.mul(tf.sub(x, mean!), tf.rsqrt(tf.add(variance!, EPSILON)));
  return tf.add(tf.mul(normalized, scale ?? 1), offset ?? 0);
}

const INPUTS = [[6], [4, 5], [3, 4, 5], [2, 3, 4, 5]];

/** Every shape of parameters for an input: of its last axis alone, and of its rank with 1 on any axes. */
const parameterShapes = (shape: number[]): number[][] => [
  shape.slice(-1),
  [1],
  ...Array.from({ length: 2 ** shape.length }, (_, kept) =>
    shape.map((size, d) => ((kept >> d) & 1 ? size : 1)),
  ),
];

const CASES = INPUTS.flatMap((shape) => parameterShapes(shape).map((form) => ({ shape, form })));

const ABSENT: (keyof Parameters)[][] = [[], ['scale'], ['offset'], ['scale', 'offset']];

describeBackends(() => {
  describe('inference of the stock layer', () => {
    test.each([
      { shape: [2, 3, 4, 5], axis: 1, wasRight: false },
      { shape: [2, 3, 4, 5], axis: 2, wasRight: false },
      { shape: [2, 3, 4, 5], axis: -1, wasRight: true },
      { shape: [2, 3, 4], axis: 1, wasRight: false },
      { shape: [2, 3], axis: 1, wasRight: true },
    ])('is right for axis $axis of $shape (before: $wasRight)', async ({ shape, axis, wasRight }) => {
      const x = floats(tf.util.sizeFromShape(shape), 7);
      const state = drawState({ axis }, shape, 3);
      const { y } = forward({ values: x, shape }, state, { axis }, { training: false });
      const layer = stock({ axis });
      layer.build(shape);
      layer.setWeights(Object.values(state).map((values: Float64Array) => toTensor(values, [values.length])));
      const error = () => relativeDistance(valuesOf(layer.apply(toTensor(x, shape)) as tf.Tensor), y);
      expect(error() < 1e-5).toBe(wasRight);
      expect(await accelerated(error)).toBeLessThan(1e-6);
      expect(error() < 1e-5).toBe(wasRight);
    });

    test('keeps its digits where the mean is 10⁴ times the deviation', async () => {
      const x = Float32Array.from(floats(600, 1), (value) => 1e4 + value);
      const mean = [1e4, 1e4, 1e4];
      const want = Array.from(x, (value) => (value - 1e4) / Math.sqrt(1 / 3 + EPSILON));
      const [y] = await accelerated(() => [
        batchNorm(tf.tensor(x, [200, 3]), {
          mean: tf.tensor1d(mean),
          variance: tf.fill([3], 1 / 3),
          scale: undefined,
          offset: undefined,
        }),
      ]);
      expect(relativeDistance(valuesOf(y), want)).toBeLessThan(1e-6);
    });
  });

  test('tf.batchNorm is right for parameters of any shape, with and without scale and offset', async () => {
    await accelerated(() => {
      for (const { shape, form } of CASES) {
        for (const absent of ABSENT) {
          const x = draw(shape, 5);
          const parameters: Parameters = drawParameters(form, 6);
          for (const name of absent) parameters[name] = undefined;
          const [got, want] = [batchNorm(x, parameters), composed(x, parameters)];
          expect(got.shape).toEqual(shape);
          expect(relativeDistance(valuesOf(got), valuesOf(want)), `${shape} by ${form}`).toBeLessThan(2e-6);
        }
      }
    });
  });

  test('tf.profile shows it under the name that it had, and nothing beside it', async () => {
    await accelerated(async () => {
      const [x, parameters] = [draw([2, 3, 4, 5], 1), drawParameters([1, 3, 1, 1], 2)];
      const { kernels } = await tf.profile(() => batchNorm(x, parameters));
      expect(kernels.map(({ name }) => name)).toEqual(['FusedBatchNorm', 'Reshape']);
    });
  });

  test('takes what the passes cannot: other types, axes between others, nothing', async () => {
    await accelerated(() => {
      const x = draw([2, 3, 2, 3, 2], 1);
      const parameters = drawParameters([2, 1, 2, 1, 2], 2);
      expect(
        relativeDistance(valuesOf(batchNorm(x, parameters)), valuesOf(composed(x, parameters))),
      ).toBeLessThan(2e-6);
      const mixed = { ...drawParameters([1, 1, 1, 1, 2], 2), scale: draw([1, 3, 1, 1, 1], 3) };
      expect(relativeDistance(valuesOf(batchNorm(x, mixed)), valuesOf(composed(x, mixed)))).toBeLessThan(
        2e-6,
      );
      expect(batchNorm(tf.zeros([0, 3]), drawParameters([3], 1)).shape).toEqual([0, 3]);
      // Six numbers with the parameters of three: not broadcast, but TF.js gives them a meaning.
      const six = draw([6], 1);
      const three = drawParameters([3], 2);
      const twice = composed(tf.reshape(six, [2, 3]), three);
      expect(relativeDistance(valuesOf(batchNorm(six, three)), valuesOf(twice))).toBeLessThan(2e-6);
    });
  });

  describe('the gradient', () => {
    const NAMES = ['mean', 'variance', 'offset', 'scale'] as const;

    /** Gradients of Σ y·dy by everything that is there. */
    function gradients(f: typeof batchNorm, shape: number[], form: number[], absent: readonly string[]) {
      const present = NAMES.filter((name) => !absent.includes(name));
      const drawn = drawParameters(form, 6);
      const [x, dy] = [draw(shape, 5), draw(shape, 9)];
      const ofAll = tf.grads((...[x, ...rest]: tf.Tensor[]) => {
        const none = { mean: undefined, variance: undefined, offset: undefined, scale: undefined };
        const parameters: Parameters = {
          ...none,
          ...Object.fromEntries(present.map((name, i) => [name, rest[i]])),
        };
        return tf.sum(tf.mul(f(x!, parameters), dy));
      });
      return ofAll([x, ...present.map((name) => drawn[name])]);
    }

    test('is right for parameters of any shape, with and without scale and offset', async () => {
      await accelerated(() => {
        for (const { shape, form } of CASES) {
          for (const absent of ABSENT) {
            const [got, want] = [batchNorm, composed].map((f) => gradients(f, shape, form, absent));
            expect(got!.map((gradient) => gradient.shape)).toEqual(want!.map((gradient) => gradient.shape));
            got!.forEach((gradient, i) => {
              expect(
                relativeDistance(valuesOf(gradient), valuesOf(want![i]!)),
                `input ${i} of ${shape} by ${form} without ${absent}`,
              ).toBeLessThan(1e-5);
            });
          }
        }
      });
    });

    test('failed in TF.js for parameters of another rank, and without scale', () => {
      const error = (form: number[], absent: string[] = []) => {
        const [got, want] = [batchNorm, composed].map((f) => gradients(f, [2, 3, 4, 5], form, absent));
        return Math.max(...got!.map((one, i) => relativeDistance(valuesOf(one), valuesOf(want![i]!))));
      };
      expect(error([5])).toBeLessThan(1e-5);
      expect(() => error([1, 3, 1, 1])).toThrow(/cannot reshape|Size\(120\)/i);
      expect(() => error([5], ['scale'])).toThrow();
    });

    test('computes only what is asked for', async () => {
      await accelerated(async () => {
        const { mean, variance, offset, scale } = drawParameters([3], 2);
        const x = draw([40, 3], 1);
        const names = async (f: () => unknown) => {
          const { kernels } = await tf.profile(() => {
            f();
            return tf.scalar(0);
          });
          return kernels
            .map(({ name }) => name)
            .filter((name) => !['Reshape', 'Fill', 'Identity'].includes(name));
        };
        const parameters = { mean, variance, offset, scale };
        expect(await names(() => tf.grad((x) => batchNorm(x, parameters))(x))).toEqual([
          'FusedBatchNorm',
          'EvenkeelNormalize',
        ]);
        expect(
          await names(() => tf.grad((offset) => batchNorm(x, { ...parameters, offset }))(offset)),
        ).toEqual(['FusedBatchNorm', 'EvenkeelGradientSums']);
        const within = (z: tf.Tensor) => {
          tf.grad((x) => batchNorm(x, parameters))(x);
          return z;
        };
        const ours = (await names(() => tf.grad((z) => within(tf.neg(z)))(offset))).filter(
          (name) => name !== 'unnamed scope',
        );
        expect(ours, 'within another gradient').toEqual([
          'Neg',
          'FusedBatchNorm',
          'EvenkeelNormalize',
          'Neg',
        ]);
      });
    });

    test.each([[[5]], [[1, 3, 1, 1]]])('can be differentiated again, with parameters of %s', async (form) => {
      const shape = [2, 3, 4, 5];
      await accelerated(() => {
        // The gradient of the squares of all gradients.
        const penalty = (f: typeof batchNorm) => {
          const { mean, variance, offset, scale } = drawParameters(form, 6);
          const of = (...args: tf.Tensor[]) => {
            const [x, mean, variance, offset, scale] = args;
            return tf.sum(tf.square(f(x!, { mean, variance, offset, scale })));
          };
          const squares = (...args: tf.Tensor[]) =>
            tf.addN(
              tf
                .grads(of)(args)
                .map((one) => tf.sum(tf.square(one))),
            );
          return tf.grads(squares)([draw(shape, 5), mean, variance, offset, scale]);
        };
        const [got, want] = [batchNorm, composed].map(penalty);
        got!.forEach((gradient, i) => {
          const [values, wanted] = [valuesOf(gradient), valuesOf(want![i]!)];
          expect(relativeDistance(values, wanted), `input ${i}`).toBeLessThan(1e-5);
        });
      });
    });
  });

  describe('training of the stock layer', () => {
    test.each([
      { shape: [3, 4, 5], axis: 1 },
      { shape: [3, 4, 5], axis: 2 },
      { shape: [4, 5], axis: 1 },
    ])('works along axis $axis of $shape, where it fails without', async ({ shape, axis }) => {
      const model = () => {
        const layers = [
          stock({ axis, inputShape: shape }),
          tf.layers.flatten(),
          tf.layers.dense({ units: 1 }),
        ];
        const whole = tf.sequential({ layers });
        compile(whole);
        return whole;
      };
      await expect(fit(model())).rejects.toThrow();
      await accelerated(() => fit(model()));
    });

    test('along axis 1 follows the same path as along the last axis of the transposed input', async () => {
      const losses = (axis: number) => {
        const shape = axis === 1 ? [3, 4, 5] : [4, 5, 3];
        const model = tf.sequential({ layers: [stock({ axis, inputShape: shape })] });
        compile(model, tf.train.sgd(0.5));
        const seen = (t: tf.Tensor) => (axis === 1 ? t : tf.transpose(t, [0, 2, 3, 1]));
        const [x, y] = [draw([8, 3, 4, 5], 1), draw([8, 3, 4, 5], 2)];
        return train(model, seen(x), seen(y), 10);
      };
      await accelerated(async () => {
        const [first, last] = [await losses(1), await losses(-1)];
        expect(relativeDistance(first, last)).toBeLessThan(1e-5);
        expect(first.at(-1)).toBeLessThan(first[0]!);
      });
    });

    test('leaves no tensor behind', async () => {
      await accelerated(async () => {
        const model = tf.sequential({ layers: [stock({ axis: 1, inputShape: [3, 4, 5] })] });
        compile(model);
        const [x, y] = [draw([8, 3, 4, 5], 1), draw([8, 3, 4, 5], 2)];
        await train(model, x, y, 3);
        const before = held();
        for (let i = 0; i < 200; i++) await model.trainOnBatch(x, y);
        tf.dispose(model.predict(x));
        expect(held()).toEqual(before);
      });
    });
  });
});
