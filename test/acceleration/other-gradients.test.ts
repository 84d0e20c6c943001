/** @file Gradients that TF.js lacks, or is slow at, on every backend: of repetitions, and of transposed Conv3D. */
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { draw, valuesOf } from '../models/models.js';
import { describeBackends } from '../backends.js';
import { relativeDistance } from '../properties/layer-and-core.js';
import { accelerated, held } from './accelerated.js';

describeBackends(() => {
  test.each([
    [[3], [4]],
    [
      [2, 3, 4],
      [1, 2, 3],
    ],
    [
      [2, 1, 3, 1],
      [2, 3, 1, 5],
    ],
    [
      [3, 2],
      [1, 1],
    ],
    [
      [0, 2],
      [3, 2],
    ],
    // TF.js' own gradient ends at rank 4.
    [
      [2, 1, 2, 1, 3],
      [2, 2, 1, 3, 1],
    ],
  ])('of %j repeated %j times: the sum over the repetitions', async (shape, reps) => {
    await accelerated(() => {
      const gradient = () => {
        tf.tidy(() => {
          const dy = draw(
            shape.map((size, i) => size * reps[i]!),
            2,
          );
          const dx = tf.grad((x) => tf.tile(x, reps))(draw(shape, 1), dy);
          expect(dx.shape).toEqual(shape);
          // Each number of dy belongs to the place in x that it was repeated from.
          const want = new Float64Array(tf.util.sizeFromShape(shape));
          valuesOf(dy).forEach((value, i) => {
            let [left, place, step] = [i, 0, 1];
            for (let axis = shape.length - 1; axis >= 0; axis--) {
              const size = shape[axis]! * reps[axis]!;
              place += ((left % size) % shape[axis]!) * step;
              step *= shape[axis]!;
              left = Math.floor(left / size);
            }
            want[place]! += value;
          });
          expect(relativeDistance(valuesOf(dx), [...want])).toBeLessThan(1e-6);
        });
      };
      gradient();
      const before = held();
      gradient();
      expect(held()).toEqual(before);
    });
  });

  test.each([
    [[2, 3, 2, 3, 4], [2, 2, 2], [2, 2, 2], 'same', [2, 6, 4, 6, 3]],
    [[1, 2, 3, 2, 2], [3, 2, 3], [1, 2, 1], 'valid', [1, 4, 6, 4, 2]],
  ] as const)('of a transposed Conv3D of %j, filter %j', async (shape, size, strides, pad, output) => {
    const make = () => {
      const dy = draw([...shape], 1) as tf.Tensor5D;
      const filter = draw([...size, output[4], shape[4]], 2) as tf.Tensor5D;
      return [dy, filter] as const;
    };
    const transposed = (dy: tf.Tensor, filter: tf.Tensor) =>
      tf.conv3dTranspose(dy as tf.Tensor5D, filter as tf.Tensor5D, [...output], [...strides], pad);
    expect(() => tf.grads(transposed)([...make()])).toThrow('gradient function not found');
    await accelerated(() => {
      const check = () => {
        tf.tidy(() => {
          const inputs = make();
          const weights = draw([...output], 3);
          const loss = (...both: tf.Tensor[]) => tf.sum(tf.mul(transposed(both[0]!, both[1]!), weights));
          const gradients = tf.grads(loss)([...inputs]);
          const want = valuesOf(loss(...inputs))[0]!;
          // It is linear in both, so that each gradient times its input is the loss; and so it is in a direction.
          gradients.forEach((gradient, i) => {
            expect(gradient.shape).toEqual(inputs[i]!.shape);
            expect(valuesOf(tf.sum(tf.mul(gradient, inputs[i]!)))[0]).toBeCloseTo(want, 4);
            const other = draw(inputs[i]!.shape, 5);
            const moved = valuesOf(i === 0 ? loss(other, inputs[1]) : loss(inputs[0], other))[0]!;
            expect(valuesOf(tf.sum(tf.mul(gradient, other)))[0]).toBeCloseTo(moved, 4);
          });
        });
      };
      check();
      const before = held();
      check();
      expect(held()).toEqual(before);
    });
  });
});
