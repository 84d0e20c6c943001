/**
 * @file The gradient of max pooling on wasm. TF.js' own takes a window for empty whose maximum is not positive, and gives
 * its gradient to another place. Can go when MaxPoolGrad.cc of tfjs-backend-wasm begins with the lowest number (4.22
 * begins with the smallest positive one).
 */
import {
  type KernelConfig,
  type KernelFunc,
  MaxPoolGrad,
  type Tensor4D,
  backend_util,
  type maxPool,
  tensor4d,
} from '@tensorflow/tfjs-core';

interface Inputs {
  readonly dy: Tensor4D;
  readonly input: Tensor4D;
  readonly output: Tensor4D;
}

interface Attributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: Parameters<typeof maxPool>[3];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** `MaxPoolGrad`, by TF.js' own kernel where every maximum is positive. */
export function maxPoolGradient(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelName: MaxPoolGrad,
    kernelFunc: (call) => {
      const { dy, input, output } = call.inputs as unknown as Inputs;
      const arePositive = output.dataSync().every((maximum) => maximum > 0);
      return arePositive ? stock.kernelFunc(call) : gradient(dy, input, call.attrs as unknown as Attributes);
    },
  };
}

/** As in Keras, the first maximum of a window, row by row, has all of its gradient. */
function gradient(dy: Tensor4D, input: Tensor4D, attributes: Attributes): ReturnType<KernelFunc> {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const info = backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
  const [x, given] = [input.dataSync(), dy.dataSync()];
  const dx = new Float32Array(x.length);
  let out = 0;
  for (let n = 0; n < info.batchSize; n++) {
    for (let row = 0; row < outHeight; row++) {
      const top = row * strideHeight - padInfo.top;
      const [firstRow, endRow] = [Math.max(0, top), Math.min(inHeight, top + info.filterHeight)];
      for (let column = 0; column < outWidth; column++) {
        const left = column * strideWidth - padInfo.left;
        const [firstColumn, endColumn] = [Math.max(0, left), Math.min(inWidth, left + info.filterWidth)];
        for (let channel = 0; channel < inChannels; channel++) {
          let [maximum, at] = [-Infinity, -1];
          for (let i = firstRow; i < endRow; i++) {
            for (let j = firstColumn; j < endColumn; j++) {
              const position = ((n * inHeight + i) * inWidth + j) * inChannels + channel;
              if (x[position]! <= maximum) continue;
              maximum = x[position]!;
              at = position;
            }
          }
          if (at >= 0) dx[at]! += given[out]!;
          out++;
        }
      }
    }
  }
  return tensor4d(dx, input.shape);
}
