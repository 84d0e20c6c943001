/** @file What a layer says of itself agrees with what `tf.profile` shows. */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization } from 'evenkeel';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';

describeBackends((backend) => {
  test('names the backend and the kernels, as the profiler does', async () => {
    const layer = new BatchNormalization();
    const { kernels, reason } = layer.describe();
    expect(reason).toBe(`Fused kernels on the backend '${backend}'.`);
    const x = tf.randomNormal([4, 3]);
    const profile = await tf.profile(() =>
      tf.grad((input: tf.Tensor) => layer.apply(input, { training: true }) as tf.Tensor)(x),
    );
    const ran = profile.kernels.map(({ name }) => name);
    expect(kernels).toHaveLength(4);
    expect(ran).toEqual(expect.arrayContaining([...kernels]));
    expect(layer.describe()).toEqual({ backend, kernels, reason });
  });

  test('says why there are none', () => {
    expect(new BatchNormalization({ fused: false }).describe()).toEqual({
      backend,
      kernels: [],
      reason: 'Plain TF.js operations: fused is false.',
    });
  });

  test('says that axes apart cost a copy beside ghost batches', () => {
    const layer = new BatchNormalization({ axis: [2, 4], virtualBatchSize: 2 });
    layer.build([4, 3, 2, 3, 2]);
    expect(layer.describe().reason).toContain('on a transposed copy: the axes [2, 4] lie apart.');
    const channelsFirst = new BatchNormalization({ axis: 1, virtualBatchSize: 2 });
    channelsFirst.build([4, 3, 2]);
    expect(channelsFirst.describe().reason).toBe(`Fused kernels on the backend '${backend}'.`);
  });

  test('says that axes far apart cost a copy', () => {
    const layer = new BatchNormalization({ axis: [0, 2, 4] });
    layer.build([2, 3, 2, 3, 2]);
    expect(layer.describe().reason).toBe(
      `Fused kernels on the backend '${backend}', on a transposed copy: the axes [0, 2, 4] lie apart.`,
    );
  });
});
