/**
 * @file The gradient of a depthwise convolution's filter, which TF.js lacks on wasm: per tap, the sum of a product,
 *
 *   dFilter[kh, kw, c, m] = Σ x[n, oh·stride + kh − top, ow·stride + kw − left, c]·dy[n, oh, ow, c·multiplier + m]
 *
 * For every tap dy is padded to the place where the tap sees x, which is 5 times as fast as slicing x on wasm.
 */
import {
  type KernelFunc,
  type Tensor,
  type Tensor4D,
  avgPool,
  mul,
  pad,
  reshape,
  stack,
  sum,
  tidy,
  tile,
} from '@tensorflow/tfjs-core';
import { depthwiseInfo, dilate } from './depthwise-convolution.js';

interface Inputs {
  readonly x: Tensor4D;
  readonly dy: Tensor4D;
}

/** `DepthwiseConv2dNativeBackpropFilter`. */
export const depthwiseBackpropFilter: KernelFunc = ({ inputs, attrs }) => {
  const { x, dy } = inputs as unknown as Inputs;
  const { filterShape } = attrs as unknown as { filterShape: [number, number, number, number] };
  const info = depthwiseInfo(attrs, x.shape, filterShape);
  const { batchSize, inHeight, inWidth, filterHeight, filterWidth, strideHeight, strideWidth } = info;
  const { top, left } = info.padInfo;
  const channels = info.outChannels;

  return tidy(() => {
    const steps = dilate(dy, strideHeight, strideWidth);
    const [, stepsHeight, stepsWidth] = steps.shape;
    const height = Math.max(inHeight + top, stepsHeight + filterHeight - 1);
    const width = Math.max(inWidth + left, stepsWidth + filterWidth - 1);
    // Columns and channels as one dimension: padding them is 4 times as fast.
    const frame = (image: Tensor4D, y: number, column: number) => {
      const [n, h, w] = image.shape;
      return pad(reshape(image, [n, h, w * channels]), [
        [0, 0],
        [y, height - h - y],
        [column * channels, (width - w - column) * channels],
      ]);
    };
    const seen = frame(repeatChannels(x, channels / info.inChannels), top, left);
    const taps: Tensor[] = [];
    for (let y = 0; y < filterHeight; y++) {
      for (let column = 0; column < filterWidth; column++) {
        const products = mul(seen, frame(steps, y, column));
        taps.push(tidy(() => sumOfPixels(reshape(products, [batchSize, height, width, channels]))));
        products.dispose();
      }
    }
    return reshape(stack(taps), filterShape);
  });
};

/** Each channel `times` times, one after another. */
function repeatChannels(x: Tensor4D, times: number): Tensor4D {
  if (times === 1) return x;
  const [n, h, w, c] = x.shape;
  return reshape(tile(reshape(x, [n * h * w * c, 1]), [1, times]), [n, h, w, c * times]);
}

/** `[N, H, W, C]` → `[C]`. By the mean of each image: TF.js' sum on wasm transposes first, and takes 10 times as long. */
function sumOfPixels(images: Tensor4D): Tensor {
  const [n, h, w, c] = images.shape;
  const means = avgPool(images, [h, w], 1, 'valid');
  return mul(sum(reshape(means, [n, c]), 0), h * w);
}
