/** @file Second derivatives, and what is trained by them: gradient penalties, WGAN-GP, MAML. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalization, type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { draw, valuesOf, weightsOf } from '../models/models.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import { CALLS, checkSecondDerivatives, gradientsOf } from './second.js';

type Loss = (x: tf.Tensor) => tf.Tensor;

describeBackends(() => {
  describe('of all that the output depends on', () => {
    test.each(CALLS)('%s', (_, call) => checkSecondDerivatives(call));
  });

  const layerOf = (args: BatchNormalizationArgs = {}) => {
    const layer = layerBatchNormalization(args);
    layer.build([null, 3]);
    const weights = layer.getWeights().map(({ shape }, i) => tf.add(tf.abs(draw(shape, i)), 0.2));
    layer.setWeights(weights);
    return layer;
  };
  const apply = (layer: BatchNormalization, x: tf.Tensor, call: object = { training: true }) =>
    layer.apply(x, { updateMovingStatistics: false, ...call }) as tf.Tensor;
  const cubes = (y: tf.Tensor) => tf.sum(tf.pow(y, 3));
  const squaredGradient =
    (loss: Loss): Loss =>
    (x) =>
      tf.sum(tf.square(tf.grad(loss)(x)));

  const expectClose = (got: tf.Tensor[], want: tf.Tensor[]) => {
    expect(got.length).toBe(want.length);
    got.forEach((tensor, i) => {
      expect(relativeDistance(valuesOf(tensor), valuesOf(want[i]!)), `result ${i}`).toBeLessThan(1e-4);
    });
  };
  /** Expects the same of kernels and of TF.js' operations. */
  const expectSame = (run: (args: BatchNormalizationArgs) => tf.Tensor[]) => {
    expectClose(run({}), run({ fused: false }));
  };

  describe('of Σ(∂L/∂x)², to which nothing but x leads', () => {
    const X = () => tf.tensor2d([[1], [3], [0.5]]);
    const EXACT = tf.tidy(() => [27.621, 971.98, 12.86]);
    const lossOf = (args: BatchNormalizationArgs): Loss => {
      const layer = layerBatchNormalization(args);
      const c = tf.tensor2d([[1], [-2], [0.5]]);
      return (x) => tf.add(tf.sum(tf.mul(apply(layer, x), c)), tf.sum(tf.pow(x, 3)));
    };
    const expectExact = (second: tf.Tensor, times = 1) => {
      EXACT.forEach((value, i) => {
        expect(second.dataSync()[i]! / times).toBeCloseTo(value, 2);
      });
    };

    test.each<BatchNormalizationArgs>([{}, { center: false, scale: false }, { fused: false }])(
      '%o',
      (args) => {
        expectExact(tf.grad(squaredGradient(lossOf(args)))(X()));
      },
    );

    test('where the layer ran outside of the inner gradient, which is taken twice', () => {
      const loss = lossOf({});
      const twice = (x: tf.Tensor) => {
        const value = loss(x);
        const [one, other] = [tf.grad(() => value)(x), tf.grad(() => value)(x)];
        return tf.sum(tf.add(tf.square(one), tf.square(other)));
      };
      expectExact(tf.grad(twice)(X()), 2);
    });

    test('where x is gone', () => {
      const penalty = squaredGradient(lossOf({}));
      expectExact(tf.grad((x) => penalty(tf.mul(x, 2)))(tf.mul(X(), 0.5)), 2);
    });
  });

  test('in inference do not lead to x, where dx does not depend on it', () => {
    const loss = (args: BatchNormalizationArgs) => {
      const layer = layerOf(args);
      return (x: tf.Tensor) => tf.sum(apply(layer, x, {}));
    };
    for (const args of [{}, { fused: false }]) {
      expect(() => tf.grad(squaredGradient(loss(args)))(draw([6, 3], 1))).toThrow('Cannot compute gradient');
    }
  });

  test.each<BatchNormalizationArgs>([{ renorm: true }, { renorm: true, virtualBatchSize: 2 }])(
    'take r and d of renorm for constants: %o',
    (options) => {
      const mask = options.virtualBatchSize ? null : tf.tensor1d([1, 0, 0.5, 2, 1, 1]);
      for (const given of [null, mask]) {
        expectSame((args) => {
          const layer = layerOf({ ...options, ...args });
          const f = squaredGradient((x) => cubes(apply(layer, x, { training: true, mask: given })));
          return gradientsOf(f, [draw([6, 3], 1), layer.gamma!.read(), layer.beta!.read()]);
        });
      }
    },
  );

  test('take a mask for a constant, though it be computed from the input', () => {
    const x = draw([6, 3], 1);
    const maskOf = (t: tf.Tensor) => tf.sigmoid(tf.sum(t, -1));
    const constant = maskOf(x);
    for (const args of [{}, { fused: false }]) {
      const layer = layerOf(args);
      const second = (mask: Loss) =>
        tf.grad(squaredGradient((t) => cubes(apply(layer, t, { training: true, mask: mask(t) }))))(x);
      expectClose([second(maskOf)], [second(() => constant)]);
    }
  });

  test.each([true, false])('are those of what forward saw, with training: %s', (training) => {
    const x = draw([6, 3], 1);
    const second = (meddle: (layer: BatchNormalization, rmax: tf.Variable) => void) => {
      const rmax = tf.variable(tf.scalar(1.2));
      const layer = layerOf({ renorm: true, renormClipping: { rmax } });
      const penalty = squaredGradient((t) => cubes(apply(layer, t, { training })));
      const meddled = (t: tf.Tensor) => {
        const value = penalty(t);
        meddle(layer, rmax);
        return value;
      };
      const result = tf.grad(meddled)(x);
      rmax.dispose();
      return result;
    };
    const want = second(() => undefined);
    const got = second((layer, rmax) => {
      layer.apply(tf.mul(x, 100), { training: true });
      layer.weights.forEach((weight) => {
        weight.write(tf.mul(weight.read(), 3));
      });
      rmax.assign(tf.scalar(0.1));
    });
    expect(valuesOf(got)).toEqual(valuesOf(want));
  });

  test.each<BatchNormalizationArgs>([
    ...[{}, { scale: false }, { renorm: true }, { virtualBatchSize: 3 }],
    { adjustment: ([batch]) => [tf.range(1, batch! + 1).expandDims(1), 1] },
  ])('have derivatives of their own: %o', (options) => {
    expectSame((args) => {
      const layer = layerOf({ ...options, ...args });
      const second = tf.grad(squaredGradient((t) => cubes(apply(layer, t))));
      const third = (x: tf.Tensor) => tf.sum(tf.mul(draw([6, 3], 2), second(x)));
      const parameters = layer.trainableWeights.map((weight) => weight.read());
      return gradientsOf(third, [tf.mul(draw([6, 3], 1), 3), ...parameters]);
    });
  });

  describe('train as with fused: false, and leave nothing behind:', () => {
    /** Runs some steps of what `make` makes, each way, and compares the weights in the end. */
    const expectSameTraining = (
      make: (args: BatchNormalizationArgs) => { step: (i: number) => void; weights: () => number[][] },
    ) => {
      const [kernels, operations] = [{}, { fused: false }].map((args) => {
        const { step, weights } = make(args);
        const before = weights();
        tf.tidy(() => {
          step(0);
        });
        const { numTensors, numBytes } = tf.memory();
        for (let i = 1; i < 5; i++) {
          tf.tidy(() => {
            step(i);
          });
        }
        expect(tf.memory()).toMatchObject({ numTensors, numBytes });
        expect(weights()).not.toEqual(before);
        return weights();
      });
      kernels!.forEach((values, i) => {
        expect(relativeDistance(values, operations![i]!), `weight ${i}`).toBeLessThan(1e-4);
      });
    };
    const network = (args: BatchNormalizationArgs, units: number[], inputs: number, seed: number) => {
      const model = tf.sequential();
      units.forEach((count, i) => {
        const kernelInitializer = tf.initializers.glorotNormal({ seed: seed + i });
        model.add(
          tf.layers.dense({
            ...{ units: count, kernelInitializer },
            ...(i === 0 && { inputShape: [inputs] }),
          }),
        );
        if (i === units.length - 1) return;
        layerBatchNormalization(model, args);
        model.add(tf.layers.reLU());
      });
      return model;
    };
    const call = (model: tf.LayersModel, x: tf.Tensor) => model.apply(x, { training: true }) as tf.Tensor;
    const variablesOf = (layer: tf.layers.Layer) =>
      layer.trainableWeights.map((weight) => weight.read() as unknown as tf.Variable);
    const numbersOf = (...models: tf.LayersModel[]) =>
      models.flatMap((model) => model.layers.flatMap(weightsOf));
    /** Mean of (‖∂model/∂x‖ − 1)² (Gulrajani et al. 2017, arXiv:1704.00028). */
    const penaltyOf = (model: tf.LayersModel, x: tf.Tensor) => {
      const gradient = tf.grad((t) => tf.sum(call(model, t)))(x);
      const norm = tf.sqrt(tf.add(tf.sum(tf.square(gradient), 1), 1e-8));
      return tf.mean(tf.square(tf.sub(norm, 1)));
    };

    test('a gradient penalty', () => {
      expectSameTraining((args) => {
        const model = network(args, [6, 5, 1], 4, 1);
        const optimizer = tf.train.sgd(0.05);
        return {
          step: (i) => {
            const x = draw([12, 4], i);
            const loss = () =>
              tf.add<tf.Scalar>(
                tf.mean(tf.square(tf.sub(call(model, x), tf.sum(x, 1, true)))),
                tf.mul(penaltyOf(model, x), 10),
              );
            optimizer.minimize(loss, false, variablesOf(model));
          },
          weights: () => numbersOf(model),
        };
      });
    });

    test('WGAN-GP', () => {
      expectSameTraining((args) => {
        const [generator, critic] = [
          network(args, [8, 2], 3, 1),
          network({ axis: -1, ...args }, [8, 8, 1], 2, 11),
        ];
        const [ofGenerator, ofCritic] = [tf.train.rmsprop(0.001), tf.train.rmsprop(0.001)];
        return {
          step: (i) => {
            const [real, noise] = [tf.add(draw([16, 2], i), 1), draw([16, 3], 50 + i)];
            const share = tf.abs(draw([16, 1], 100 + i));
            const criticLoss = () => {
              const made = call(generator, noise);
              const between = tf.add(tf.mul(real, share), tf.mul(made, tf.sub(1, share)));
              const distance = tf.sub(tf.mean(call(critic, made)), tf.mean(call(critic, real)));
              return tf.add<tf.Scalar>(distance, tf.mul(penaltyOf(critic, between), 10));
            };
            ofCritic.minimize(criticLoss, false, variablesOf(critic));
            const generatorLoss = () => tf.neg<tf.Scalar>(tf.mean(call(critic, call(generator, noise))));
            ofGenerator.minimize(generatorLoss, false, variablesOf(generator));
          },
          weights: () => numbersOf(generator, critic),
        };
      });
    });

    test('MAML, of a kernel and of scale and bias of an adjustment', () => {
      expectSameTraining((args) => {
        let adjustment: [tf.Tensor, tf.Tensor];
        const layer = layerBatchNormalization({ ...args, adjustment: () => adjustment });
        layer.build([null, 3]);
        const learned = [draw([4, 3], 1), tf.add(draw([3], 2), 2), draw([3], 3)].map((t) => tf.variable(t));
        const meta = [...learned, ...variablesOf(layer)];
        const lossOf = ([kernel, ...others]: tf.Tensor[], seed: number) => {
          const [x, y] = [draw([10, 4], seed), draw([10, 1], seed + 1)];
          adjustment = others as [tf.Tensor, tf.Tensor];
          const features = tf.tanh(apply(layer, tf.matMul(x, kernel!)));
          return tf.mean<tf.Scalar>(tf.square(tf.sub(tf.sum(features, 1, true), y)));
        };
        const optimizer = tf.train.sgd(0.1);
        return {
          step: (i) => {
            const adapted = () => {
              const gradients = gradientsOf((...at) => lossOf(at, 10 * i), learned);
              const adapted = learned.map((value, j) => tf.sub(value, tf.mul(gradients[j]!, 0.5)));
              return lossOf(adapted, 10 * i + 5);
            };
            optimizer.minimize(adapted, false, meta);
          },
          weights: () => meta.map(valuesOf),
        };
      });
    });
  });
});
