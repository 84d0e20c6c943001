/** @file Tensors that lie on another backend, memory that grows on the way, and values that others hold. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { ValueError } from 'evenkeel/core';
import { describe, expect, test } from 'vitest';
import { wasmPassMemory } from '../../src/backends/host/wasm.js';
import { describeBackends, useBackend } from '../backends.js';

test('a layer made on cpu works on wasm, where moving its weights makes the memory grow', async () => {
  const channels = 4_000_000;
  await useBackend('cpu');
  const layer = layerBatchNormalization({
    gammaInitializer: { className: 'Constant', config: { value: 2 } },
  });
  layer.build([null, channels]);
  const x = tf.fill([1, channels], 3);
  await useBackend('wasm');
  const y = (layer.apply(x) as tf.Tensor).dataSync();
  expect(y.length).toBe(channels);
  expect(y.every((value) => Math.abs(value - 6 / Math.sqrt(1.001)) < 1e-5)).toBe(true);
  layer.weights.forEach((weight) => {
    weight.dispose();
  });
  x.dispose();
});

test('values are read where they are after a tensor has come over and wasm memory has grown by it', () => {
  const wasmMemory = new WebAssembly.Memory({ initial: 1 });
  const dataIdMap = {
    get: () => {
      wasmMemory.grow(1);
      new Float32Array(wasmMemory.buffer, 16, 2).set([3, 4]);
      return { memoryOffset: 16, refCount: 1 };
    },
  };
  const wasm = { wasmMemory, _malloc: () => 16, _free: () => undefined };
  const memory = wasmPassMemory({ wasm, dataIdMap } as unknown as tf.KernelBackend)!;
  const tensor = { dataId: {}, shape: [2], dtype: 'float32' as const };
  expect(memory.values(tensor, tensor).map((values) => [...values])).toEqual([
    [3, 4],
    [3, 4],
  ]);
});

test('bytes reserved on wasm are given back before more are asked for', () => {
  const wasmMemory = new WebAssembly.Memory({ initial: 1 });
  const held = new Set<number>();
  const wasm = {
    wasmMemory,
    _malloc: (byteLength: number) => {
      held.add(byteLength);
      return byteLength;
    },
    _free: (address: number) => held.delete(address),
  };
  const memory = wasmPassMemory({ wasm, dataIdMap: {} } as unknown as tf.KernelBackend)!;
  expect([64, 32, 128].map((byteLength) => memory.reserve(byteLength))).toEqual([64, 64, 128]);
  expect([...held]).toEqual([128]);
});

/** Takes all of wasm's memory, as far as `left` bytes. Returns how to give it back. */
function fillMemory(left = 4): () => void {
  const { backend } = tf.engine() as unknown as {
    backend: {
      makeOutput(shape: number[], dtype: 'float32'): tf.TensorInfo;
      disposeData(dataId: object): void;
      getMemoryOffset(dataId: object): number;
    };
  };
  const taken: object[] = [];
  for (let bytes = 2 ** 30; bytes >= left; bytes /= 2) {
    try {
      for (;;) {
        const { dataId } = backend.makeOutput([bytes / 4], 'float32');
        expect(backend.getMemoryOffset(dataId)).not.toBe(0);
        taken.push(dataId);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(ValueError);
    }
  }
  return () => {
    for (const dataId of taken) backend.disposeData(dataId);
  };
}

describe('where wasm memory is full', () => {
  const FULL =
    /^The wasm backend has no \d+ bytes left\. Use smaller batches, or dispose of tensors that are not needed\.$/;
  const held = () => [tf.memory().numTensors, tf.memory().numBytes, tf.engine().backend.numDataIds()];

  async function makeLayer(args: BatchNormalizationArgs = {}) {
    await useBackend('wasm');
    const layer = layerBatchNormalization(args);
    tf.tidy(() => layer.apply(tf.randomNormal([60, 50]), { training: true }) as tf.Tensor);
    const read = () => layer.getWeights().map((weight) => [...weight.dataSync()]);
    return { layer, read };
  }

  test.each([4, 2 ** 17])(
    'a step is refused and changes nothing, with %d bytes left in a piece',
    { timeout: 60_000 },
    async (left) => {
      const { layer, read } = await makeLayer();
      const x = tf.randomNormal<tf.Rank.R2>([6000, 50]);
      const weights = read();
      const before = held();
      const free = fillMemory(left);
      const filled = held();
      expect(() => layer.apply(x, { training: true })).toThrow(FULL);
      expect(() => layer.apply(x)).toThrow(FULL);
      expect(held()).toEqual(filled);
      free();
      expect(held()).toEqual(before);
      expect(read()).toEqual(weights);
      const y = tf.tidy(() => layer.apply(x, { training: true }) as tf.Tensor);
      expect(Math.abs(y.mean().dataSync()[0]!)).toBeLessThan(1e-5);
      tf.dispose([x, y, ...layer.weights.map((weight) => weight.read())]);
    },
  );

  test('what is refused takes nothing of what is left', { timeout: 60_000 }, async () => {
    const { layer } = await makeLayer();
    // Enough for the numbers, but not for TF.js' list of tensors besides.
    const free = fillMemory(2 ** 17);
    for (let i = 0; i < 3; i++) expect(() => tf.zeros([2 ** 16 / 4 + 5000])).toThrow(FULL);
    tf.tensor1d([1]).dispose();
    free();
    tf.dispose(layer.weights.map((weight) => weight.read()));
  });

  test('so is a gradient, an optimizer of TF.js, and what is uploaded', { timeout: 60_000 }, async () => {
    const { layer, read } = await makeLayer();
    const x = tf.randomNormal<tf.Rank.R2>([600, 50]);
    const optimizer = tf.train.sgd(0.1);
    const loss = () =>
      tf.sum(tf.square(layer.apply(x, { training: true, updateMovingStatistics: false }) as tf.Tensor));
    const gradients = optimizer.computeGradients(loss as () => tf.Scalar);
    const weights = read();
    const filled = fillMemory();
    expect(() => optimizer.minimize(loss as () => tf.Scalar)).toThrow(FULL);
    expect(() => {
      optimizer.applyGradients(gradients.grads);
    }).toThrow(FULL);
    expect(() => tf.tensor1d([1, 2, 3, 4])).toThrow(FULL);
    expect(() => tf.add(x, 1)).toThrow(FULL);
    filled();
    expect(read()).toEqual(weights);
    optimizer.minimize(loss as () => tf.Scalar);
    tf.dispose([x, gradients, ...layer.weights.map((weight) => weight.read())]);
  });
});

describeBackends(() => {
  test('leaves alone what others hold of the moving statistics', () => {
    const layer = layerBatchNormalization({ momentum: 0 });
    layer.build([null, 2]);
    const moving = layer.movingMean.read();
    const [clone, array] = [moving.clone(), moving.dataSync()];
    layer.apply(tf.tensor2d([[1, 2]]), { training: true });
    const between = moving.dataSync();
    layer.apply(tf.tensor2d([[5, 7]]), { training: true });
    expect([...clone.dataSync()]).toEqual([0, 0]);
    expect([...array]).toEqual([0, 0]);
    expect([...between]).toEqual([1, 2]);
    expect([...moving.dataSync()]).toEqual([5, 7]);
  });

  test('takes weights of whole numbers, and is none the worse for an initializer that refuses', () => {
    const ints = [2, 3, 4, 5].map((value) => tf.fill([2], value, 'int32'));
    const given = layerBatchNormalization({ weights: ints });
    given.build([null, 2]);
    given.setWeights(ints);
    expect(given.weights.map((weight) => weight.read().dataSync()[0])).toEqual([2, 3, 4, 5]);

    const layer = layerBatchNormalization({ betaInitializer: 'orthogonal' });
    const before = tf.memory().numTensors;
    expect(() => layer.apply(tf.ones([3, 2]))).toThrow();
    expect(() => layer.apply(tf.ones([3, 2]))).toThrow('Shape must be at least 2D.');
    expect(layer.weights).toEqual([]);
    expect(tf.memory().numTensors - before).toBe(2);
  });

  test('a training step copies nothing of the input: not for the gradient to have it either', async () => {
    const layer = layerBatchNormalization();
    layer.build([null, 8]);
    const x = tf.randomNormal([64, 8]);
    const gradient = tf.grad((input: tf.Tensor) => {
      // What the layer is given here is gone when the gradient is computed, but for what that keeps of it.
      return layer.apply(tf.neg(input), { training: true }) as tf.Tensor;
    });
    const { kernelNames } = await tf.profile(() => gradient(x, x));
    expect(kernelNames).toContain('EvenkeelGradientNormalize');
    expect(kernelNames).not.toContain('Identity');
  });
});
