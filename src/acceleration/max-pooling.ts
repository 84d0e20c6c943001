/**
 * @file The gradient of max pooling in three dimensions on cpu, where TF.js (4.22) takes rows for columns
 * (`maxPool3dPositions`). It can go when that counts by the window's width.
 */
import { type KernelFunc, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { poolingOf, seen } from './windows.js';

/** `MaxPool3DGrad`: to the first of several maxima. */
export const maxPool3DGradient: KernelFunc = ({ inputs, attrs }) => {
  const [input, dy] = [inputs.input as Tensor, inputs.dy as Tensor];
  const { batch, channels, dimensions } = poolingOf(input.shape, attrs);
  const [depth, height, width] = dimensions;
  const [x, gradients] = [input.dataSync(), dy.dataSync()];
  const dx = new Float32Array(input.size);
  let output = 0;
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < depth.windows; d++) {
      const [front, back] = seen(depth, d);
      for (let h = 0; h < height.windows; h++) {
        const [top, bottom] = seen(height, h);
        for (let w = 0; w < width.windows; w++) {
          const [left, right] = seen(width, w);
          for (let c = 0; c < channels; c++, output++) {
            let best = -1;
            for (let i = front; i < back; i++) {
              for (let j = top; j < bottom; j++) {
                let place = (((n * depth.size + i) * height.size + j) * width.size + left) * channels + c;
                for (let k = left; k < right; k++, place += channels) {
                  if (best < 0 || x[place]! > x[best]!) best = place;
                }
              }
            }
            if (best >= 0) dx[best]! += gradients[output]!;
          }
        }
      }
    }
  }
  return tensor(dx, input.shape);
};
