/**
 * @file What a synchronized layer sends, and when; what it refuses; what is left of errors. The other rank is a twin
 * that has the same numbers, so that each sum is twice as much.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { type Communicator, synchronizeOver } from 'evenkeel/distributed';
import { inspect, recalibrate } from 'evenkeel/tools';
import { afterEach, describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { draw, valuesOf, weightsOf } from '../models/models.js';

/** What was summed, without the two numbers of the tag: how many numbers there were, each time. */
let sums: number[] = [];
let end: (() => void) | null = null;

function joinTwin(size = 2, failAt = Infinity): void {
  sums = [];
  const communicator: Communicator = {
    ...{ rank: 0, size },
    allReduce(values) {
      if (sums.push(values.length - 2) > failAt) throw new Error('The line is dead.');
      values.forEach((value, i) => (values[i] = size * value));
    },
  };
  end = synchronizeOver(communicator);
}

afterEach(() => {
  end?.();
  end = null;
});

const C = 3;
const X = (shape = [4, C]) => tf.add(draw(shape, 1), 0.5);
const layerOf = (args: BatchNormalizationArgs = {}, shape = [4, C]) => {
  const layer = layerBatchNormalization({ synchronized: true, ...args });
  layer.build([null, ...shape.slice(1)]);
  return layer;
};
type Layer = ReturnType<typeof layerOf>;
const apply = (layer: Layer, x: tf.Tensor, call: object = {}) =>
  layer.apply(x, { training: true, ...call }) as tf.Tensor;
const dxOf = (layer: Layer, x: tf.Tensor, call: object = {}) =>
  tf.grad((input) => tf.sum(tf.pow(apply(layer, input, call), 3)))(x);

describeBackends((backend) => {
  describe('sends', () => {
    test('three numbers per channel forward, two backward', () => {
      joinTwin();
      dxOf(layerOf(), X());
      expect(sums).toEqual([3 * C, 2 * C]);
    });

    test('one more forward where a channel is far from zero', () => {
      joinTwin();
      const layer = layerOf();
      apply(layer, tf.add(X(), 10));
      expect(sums).toEqual([3 * C]);
      dxOf(layer, tf.add(X(), [0, 1000, 0]));
      expect(sums).toEqual([3 * C, 3 * C, C, 2 * C]);
    });

    test('with fused: false two numbers per channel, twice forward and once backward', () => {
      joinTwin();
      dxOf(layerOf({ fused: false }), X());
      expect(sums).toEqual([2 * C, 2 * C, 2 * C]);
    });

    test('nothing backward where dx is not asked for', () => {
      joinTwin();
      const layer = layerOf();
      const x = X();
      tf.variableGrads(
        () => tf.sum(apply(layer, x)),
        layer.trainableWeights.map((one) => one.read()) as never,
      );
      expect(sums).toEqual([3 * C]);
    });

    test('as much where statistics stay as they are', () => {
      joinTwin();
      const layer = layerOf();
      const before = weightsOf(layer);
      dxOf(layer, X(), { updateMovingStatistics: false });
      expect(sums).toEqual([3 * C, 2 * C]);
      expect(weightsOf(layer)).toEqual(before);
    });

    test('nothing backward where no rank has rows, since then there is nothing to be moved', () => {
      joinTwin();
      const dx = dxOf(layerOf({ renorm: true, adjustment: () => [2, 1] }), tf.zeros([0, C]));
      expect([dx.shape, sums]).toEqual([[0, C], [3 * C]]);
    });

    test('nothing in inference, frozen, or without channels', () => {
      joinTwin();
      const layer = layerOf();
      dxOf(layer, X(), { training: false });
      layer.trainable = false;
      dxOf(layer, X());
      apply(layerOf({}, [4, 0]), tf.zeros([4, 0]));
      expect(sums).toEqual([]);
    });

    test('nothing backward where all is masked everywhere: the moments are constants', () => {
      joinTwin();
      dxOf(layerOf({}, [4, 2, C]), X([4, 2, C]), { mask: tf.zeros([4, 2]) });
      expect(sums).toEqual([3 * C]);
    });

    test('nothing where it is not synchronized, and by stock layers that are accelerated', () => {
      joinTwin();
      dxOf(layerOf({ synchronized: false }), X());
      const undo = accelerateTensorFlow();
      const stock = tf.layers.batchNormalization();
      tf.grad((x) => stock.apply(x, { training: true }) as tf.Tensor)(X([2, 2, 2, C]));
      undo();
      expect(sums).toEqual([]);
    });

    test('nothing in tools', async () => {
      joinTwin();
      const model = tf.sequential({
        layers: [
          layerBatchNormalization({ synchronized: true, renorm: true, inputShape: [C] }),
          tf.layers.dense({ units: 1 }),
        ],
      });
      const x = X([8, C]);
      await inspect(model, x);
      await recalibrate(model, x);
      model.dispose();
      expect(sums).toEqual([]);
    });
  });

  describe('computes', () => {
    test('with its twin what it computes alone, since the moments of both are its own', () => {
      const run = (args: BatchNormalizationArgs) => {
        const layer = layerOf({ axis: 1, ...args }, [4, C, 2, 2]);
        const x = X([4, C, 2, 2]);
        return [valuesOf(dxOf(layer, x)), valuesOf(apply(layer, x)), ...weightsOf(layer)];
      };
      for (const args of [{}, { fused: false }]) {
        const alone = run(args);
        joinTwin();
        const joint = run(args);
        joint.forEach((values, i) => {
          values.forEach((value, k) => {
            expect(value).toBeCloseTo(alone[i]![k]!, 5);
          });
        });
        end!();
      }
    });

    test('no variance below 0 where a channel does not vary', () => {
      joinTwin(3);
      const args = { fused: false, momentum: 0, movingVarianceInitializer: 'zeros' };
      const layer = layerOf(args, [50, 1, 1]);
      // Numbers whose rounding on wasm has led there.
      const mask = tf.randomUniform([50, 1], 0, 1, 'float32', 18);
      apply(layer, tf.fill([50, 1, 1], 1018.1), { mask });
      expect(layer.movingVariance.read().dataSync()[0]).toBeGreaterThanOrEqual(0);
    });

    test('on one rank the same bits as alone', () => {
      const run = () => {
        const layer = layerOf();
        return [valuesOf(dxOf(layer, X())), ...weightsOf(layer)];
      };
      const alone = run();
      joinTwin(1);
      expect(run()).toEqual(alone);
      expect(sums).toEqual([]);
    });

    test('alone what fused: false computes, by kernels', () => {
      const run = (args: BatchNormalizationArgs) => {
        const layer = layerOf(args, [4, 2, 2, C]);
        const call = { mask: tf.tensor3d([1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1], [4, 2, 2]) };
        return [valuesOf(apply(layer, X([4, 2, 2, C]), call)), ...weightsOf(layer)];
      };
      const plain = run({ synchronized: false, fused: false });
      run({}).forEach((values, i) => {
        values.forEach((value, k) => {
          expect(value).toBeCloseTo(plain[i]![k]!, 5);
        });
      });
      expect(layerOf().describe().kernels).toHaveLength(4);
    });
  });

  test('says how many ranks it is synchronized over', () => {
    const reasonOf = (args: BatchNormalizationArgs) => layerOf(args).describe().reason;
    expect(reasonOf({})).toBe(`Fused kernels on the backend '${backend}'.`);
    joinTwin(4);
    expect(reasonOf({})).toBe(`Fused kernels on the backend '${backend}', synchronized over 4 ranks.`);
    expect(reasonOf({ fused: false })).toBe(
      'Plain TF.js operations, synchronized over 4 ranks: fused is false.',
    );
    expect(reasonOf({ synchronized: false })).toBe(`Fused kernels on the backend '${backend}'.`);
  });

  test('is synchronized over the group that came last, whichever of them ends first', () => {
    const layer = layerOf();
    joinTwin(2);
    const endFirst = end!;
    joinTwin(4);
    for (let call = 0; call < 2; call++) {
      endFirst();
      expect(layer.describe().reason).toMatch(/, synchronized over 4 ranks\.$/);
    }
    end!();
    expect(layer.describe().reason).not.toMatch(/ranks/);
  });

  test('refuses an axis that includes the batch on several ranks, in training', () => {
    const layer = layerBatchNormalization({ synchronized: true, name: 'bn', axis: [0, 1] });
    const x = X();
    apply(layer, x);
    joinTwin();
    apply(layer, x, { training: false });
    expect(() => apply(layer, x)).toThrow(
      "Layer 'bn': synchronized: true cannot be combined with axis [0, 1] on several ranks: it includes the batch, so that " +
        'channels would be those of other samples on each rank. Leave one of them out.',
    );
    expect(sums).toEqual([]);
  });

  test.each([
    [0, {}],
    [1, {}],
    [0, { fused: false }],
    [1, { fused: false }],
  ])('where sum %i fails nothing changes, and no tensor stays: %o', (failAt, args) => {
    const layer = layerOf(args);
    const x = tf.add(X(), 1000);
    const before = weightsOf(layer);
    const { numTensors } = tf.memory();
    joinTwin(2, failAt);
    expect(() => apply(layer, x)).toThrow('The line is dead.');
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(weightsOf(layer)).toEqual(before);
  });

  test('where a sum fails backward, the next step is as if nothing had been', () => {
    const layer = layerOf();
    const x = X();
    const alone = valuesOf(dxOf(layer, x));
    joinTwin(2, 1);
    expect(() => dxOf(layer, x)).toThrow('The line is dead.');
    end!();
    expect(valuesOf(dxOf(layer, x))).toEqual(alone);
  });
});

test('is refused in training on webgpu, whose numbers one has to wait for', async () => {
  // A backend of that name, as far as it takes to be refused.
  tf.copyRegisteredKernels('cpu', 'webgpu');
  const make = () =>
    Object.assign(tf.findBackendFactory('cpu')() as tf.KernelBackend, { runWebGPUProgram: make });
  tf.registerBackend('webgpu', make);
  await tf.setBackend('webgpu');
  tf.tidy(() => {
    const layer = layerOf({ name: 'bn' });
    joinTwin();
    for (const fused of [null, false]) {
      expect(() => apply(layerOf({ name: 'bn', fused }), X())).toThrow(
        "Layer 'bn': synchronized: true needs moments as numbers at once, which there are none of on the backend " +
          "'webgpu'. Train on wasm or cpu, or leave synchronized out.",
      );
    }
    expect(sums).toEqual([]);
    expect(layer.describe().reason).toBe(
      "Fused kernels on the backend 'webgpu', where training cannot be synchronized over 2 ranks: that takes wasm or cpu.",
    );
  });
  tf.removeBackend('webgpu');
});
