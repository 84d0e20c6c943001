/**
 * @file Max pooling on wasm, where TF.js (4.22) begins its search at the smallest positive number
 * (tensorflow/tfjs:tfjs-backend-wasm/src/cc/kernels/MaxPoolGrad.cc, MaxPool3D.cc, MaxPool3DGrad.cc): where a window has
 * nothing positive, its gradient goes astray, and in three dimensions so does its maximum. Each can go when TF.js begins
 * at the lowest number. On cpu, the gradient in three dimensions takes rows for columns (`maxPool3dPositions`); it can go
 * when that counts by the window's width.
 */
import { type KernelFunc, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { type Pooling, poolingOf, seen } from './windows.js';

/**
 * Finds every window's maximum, the first of several.
 *
 * @param onWindow gets the places of the window in the output, and of its maximum in the input; −1 where it sees nothing
 */
function forEachMaximum(
  x: ArrayLike<number>,
  { batch, channels, dimensions }: Pooling,
  onWindow: (output: number, input: number) => void,
): void {
  const [depth, height, width] = dimensions;
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
            onWindow(output, best);
          }
        }
      }
    }
  }
}

/** `MaxPool3D`. */
export const maxPool3D: KernelFunc = ({ inputs, attrs }) => {
  const x = inputs.x as Tensor;
  const values = x.dataSync();
  const pooling = poolingOf(x.shape, attrs);
  const y = new Float32Array(pooling.outShape.reduce((product, size) => product * size, 1));
  forEachMaximum(values, pooling, (output, input) => {
    y[output] = input < 0 ? -Infinity : values[input]!;
  });
  return tensor(y, pooling.outShape, x.dtype);
};

/** `MaxPoolGrad` and `MaxPool3DGrad`. */
export const maxPoolGradient: KernelFunc = ({ inputs, attrs }) => {
  const [x, dy] = [inputs.input as Tensor, inputs.dy as Tensor];
  const gradients = dy.dataSync();
  const dx = new Float32Array(x.size);
  forEachMaximum(x.dataSync(), poolingOf(x.shape, attrs), (output, input) => {
    if (input >= 0) dx[input]! += gradients[output]!;
  });
  return tensor(dx, x.shape);
};
