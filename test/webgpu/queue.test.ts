/**
 * @file What a step asks of the device: passes over x and dy and bytes, no answer, the same bits every time, and no
 * memory that it does not give back.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { describe, expect, test, vi } from 'vitest';
import { dispatchesOf, trafficOf } from '../../bench/webgpu/traffic.js';
import { USES, leftByCalls, leftByDisposal, leftByGradients } from '../models/leaks.js';
import { takeWarnings } from '../warnings.js';
import { describeWebgpu, webgpu } from './suite.js';

const OPTIONS: [string, BatchNormalizationArgs][] = [
  ['channels last', {}],
  ['channels first', { axis: 1 }],
  ['two axes', { axis: [1, 3] }],
  ['ghost batches', { virtualBatchSize: 8 }],
  ['renorm', { renorm: true, renormClipping: { rmax: 3, rmin: 1 / 3, dmax: 5 } }],
  ['neither gamma nor beta', { center: false, scale: false }],
  ['an adjustment', { adjustment: () => [tf.ones([32]), 0] as const }],
];
const SHAPE = [32, 16, 16, 32];

/** A layer, the forward pass of a training step on fresh data, and the whole step. */
function makeStep(args: BatchNormalizationArgs, shape = SHAPE) {
  const layer = layerBatchNormalization(args);
  layer.build([null, ...shape.slice(1)]);
  const [x, dy] = [tf.randomNormal(shape, 1, 2, 'float32', 1), tf.randomNormal(shape, 0, 1, 'float32', 2)];
  const forward = (input: tf.Tensor) => layer.apply(input, { training: true }) as tf.Tensor;
  const parameters = layer.trainableWeights.map((weight) => weight.read());
  const step = () => tf.grads(forward)([x, ...parameters], dy);
  return { layer, x, forward, step };
}

describeWebgpu(() => {
  test.each(OPTIONS)('reads x twice and writes y; reads x and dy twice and writes dx: %s', (_, args) => {
    const { x, forward, step } = makeStep(args);
    const size = 4 * x.size;
    const ahead = trafficOf(
      dispatchesOf(() => forward(x)),
      size,
    );
    const whole = trafficOf(
      dispatchesOf(() => step()),
      size,
    );
    expect([ahead.reads, ahead.writes]).toEqual([2, 1]);
    expect([whole.reads - ahead.reads, whole.writes - ahead.writes]).toEqual([4, 1]);
    expect(whole.bytes).toBe(8 * size + whole.otherBytes);
    expect(whole.otherBytes).toBeLessThan(size / 4);
  });

  test.each(OPTIONS)('takes no memory of the size of x but for y and dx: %s', (_, args) => {
    const { x, step } = makeStep(args);
    tf.dispose(step());
    const acquire = vi.spyOn(webgpu().bufferManager, 'acquireBuffer');
    tf.dispose(step());
    const sizes = acquire.mock.calls.map(([size]) => size);
    acquire.mockRestore();
    const size = 4 * x.size;
    expect(sizes.filter((length) => length >= size / 8)).toEqual([size, size]);
  });

  function expectNoAnswer(args: BatchNormalizationArgs): void {
    const { layer, step } = makeStep(args, [8, 4, 4, 32]);
    // The one way to an answer: in Node, TF.js cannot wait for one.
    const answer = vi.spyOn(webgpu(), 'getBufferData');
    step();
    layer.apply(tf.ones([2, 4, 4, 32]));
    expect(answer).not.toHaveBeenCalled();
    answer.mockRestore();
  }

  test.each(OPTIONS)('queues its work and waits for nothing: %s', (_, args) => {
    expectNoAnswer(args);
  });

  test('queues its work and waits for nothing: renorm limited by variables', () => {
    const [rmax, dmax] = [1500, 2000].map((size) => tf.variable(tf.sum(tf.ones([size]))));
    expectNoAnswer({ renorm: true, renormClipping: { rmax, dmax } });
    tf.dispose([rmax, dmax]);
  });

  test('limits that are variables on the device count, and may change', async () => {
    const rmax = tf.variable(tf.sum(tf.ones([2000])));
    const layer = layerBatchNormalization({ renorm: true, renormClipping: { rmax, dmax: 0 }, epsilon: 0 });
    const x = tf.tensor2d([[-4], [4]]);
    const largest = async () => Math.max(...(await (layer.apply(x, { training: true }) as tf.Tensor).data()));
    layer.build([null, 1]);
    expect(await largest()).toBeCloseTo(4, 5);
    rmax.assign(tf.scalar(1.5));
    layer.renormStddev!.write(tf.ones([1]));
    expect(await largest()).toBeCloseTo(1.5, 5);
    rmax.dispose();
  });

  test.each<(typeof OPTIONS)[number]>([...OPTIONS, ['cut lanes', {}]])(
    'gives the same bits every time: %s',
    async (name, args) => {
      const { layer, step } = makeStep(args, name === 'cut lanes' ? [20_000, 4] : SHAPE);
      const before = layer.getWeights().map((weight) => weight.clone());
      const bits = async () => {
        layer.setWeights(before);
        const results = [...step(), ...layer.getWeights()];
        const values = await Promise.all(results.map((tensor) => tensor.data()));
        return values.map((array) =>
          Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64'),
        );
      };
      expect(await bits()).toEqual(await bits());
    },
  );

  describe.each(Object.entries(USES))('leaves nothing, with %s,', (_, use) => {
    test('in calls, gradients and disposal', () => {
      expect([...leftByCalls(use), ...leftByGradients(use), leftByDisposal(use)]).toEqual([0, 0, 0, 0, 0]);
    });
  });

  test.each(OPTIONS)('gives every buffer back: %s', async (_, args) => {
    const { layer, step } = makeStep(args, [8, 4, 4, 32]);
    const used = async () => {
      tf.dispose(step());
      // What waits for the queue is given back with it.
      await layer.movingMean.read().data();
      return webgpu().bufferManager.getNumUsedBuffers();
    };
    await used();
    const before = await used();
    for (let i = 0; i < 5; i++) await used();
    expect(await used()).toBe(before);
  });

  test('describes its kernels', () => {
    const { kernels, backend, reason } = layerBatchNormalization().describe();
    expect([backend, kernels.length, reason]).toEqual([
      'webgpu',
      4,
      "Fused kernels on the backend 'webgpu'.",
    ]);
    takeWarnings();
  });
});
