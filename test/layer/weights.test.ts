/** @file A layer's weights: before it is built, after a build that failed, and where a constraint is on them. */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization, ValueError } from 'evenkeel';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';

describeBackends(() => {
  test('a layer that is not built has none, and takes none', () => {
    const layer = new BatchNormalization();
    expect(layer.getWeights()).toEqual([]);
    layer.setWeights(layer.getWeights());
    expect(layer.built).toBe(false);
    layer.build([null, 2]);
    expect(layer.getWeights()).toHaveLength(4);
  });

  test('one that is not built says so when its moving statistics are read, and has no gamma', () => {
    const layer = new BatchNormalization({ name: 'bn' });
    expect(() => layer.movingMean).toThrow(
      "Layer 'bn' has no movingMean yet. Call build with the input's shape, or apply the layer, first.",
    );
    expect(() => layer.movingVariance).toThrow(ValueError);
    expect(layer.gamma).toBeNull();
    layer.build([null, 2]);
    expect([layer.movingMean, layer.movingVariance, layer.gamma!].map(({ shape }) => shape)).toEqual([
      [2],
      [2],
      [2],
    ]);
  });

  test('a build that an initializer made fail leaves no penalty and no weight behind', () => {
    let isReady = false;
    const late = {
      apply(shape: number[]) {
        if (!isReady) throw new Error('not yet');
        return tf.zeros(shape);
      },
      getConfig: () => ({}),
      getClassName: () => 'Late',
    };
    const layer = new BatchNormalization({
      gammaRegularizer: tf.regularizers.l2({ l2: 0.5 }),
      movingMeanInitializer: late as unknown as ReturnType<typeof tf.initializers.zeros>,
    });
    const before = tf.memory().numTensors;
    expect(() => {
      layer.build([null, 2]);
    }).toThrow('not yet');
    expect([layer.gamma, layer.losses, layer.weights]).toEqual([null, [], []]);
    expect(tf.memory().numTensors).toBe(before);
    isReady = true;
    layer.build([null, 2]);
    expect(layer.calculateLosses().map((loss) => loss.dataSync()[0])).toEqual([1]);
    expect(layer.weights).toHaveLength(4);
  });

  test('a constrained weight may be written to itself', () => {
    const layer = new BatchNormalization({
      gammaConstraint: 'nonNeg',
      weights: [
        [-1, 2],
        [0, 0],
        [0, 0],
        [1, 1],
      ],
    });
    layer.build([null, 2]);
    layer.gamma!.write(layer.gamma!.read());
    expect([...layer.gamma!.read().dataSync()]).toEqual([-1, 2]);
  });
});
