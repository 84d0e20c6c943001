/**
 * @file The convolution of three dimensions on wasm, and its gradients, as sums of those of two dimensions over the depth
 * of the filter:
 *
 *   y[d] = Σ x[d·stride + k − front] ∗ filter[k]
 *   dx[d·stride + k − front] += dy[d] ∗ᵀ filter[k]        dFilter[k] = Σ x[d·stride + k − front] ⋆ dy[d]
 *
 * TF.js (4.22) computes the gradients wrongly: that of the input always (`tf.conv3dTranspose` too, which is the same
 * kernel), that of the filter with strides. They can go when TF.js' own agree with those of its cpu backend. The
 * convolution it takes number by number: 8×16×16×16×4 with a filter of 3×3×3×16 takes 135 ms on one core of an AMD EPYC,
 * and 4 as such a sum.
 */
import {
  Conv2DBackpropFilter,
  type KernelConfig,
  type KernelFunc,
  type Rank,
  type Tensor,
  type Tensor4D,
  type Tensor5D,
  addN,
  backend_util,
  conv2d,
  conv2dTranspose,
  engine,
  pad,
  reshape,
  slice,
  stack,
  tidy,
  unstack,
  zeros,
} from '@tensorflow/tfjs-core';

type Shape5D = [number, number, number, number, number];

interface Attributes {
  readonly strides: [number, number, number] | number;
  readonly pad: 'valid' | 'same';
}

type Around = [[number, number], [number, number], [number, number], [number, number]];

function infoOf(attributes: unknown, inputShape: Shape5D, filterShape: Shape5D) {
  const { strides, pad: padding } = attributes as Attributes;
  const info = backend_util.computeConv3DInfo(inputShape, filterShape, strides, 1, padding);
  const { padInfo, strideHeight, strideWidth, outHeight, outWidth, filterHeight, filterWidth } = info;
  const pads = [padInfo.front, padInfo.top, padInfo.left];
  // Negative where strides are longer than the filter: there the windows of TF.js begin so far within the input.
  const [inDepth, inHeight, inWidth] = [info.inDepth, info.inHeight, info.inWidth].map(
    (size, i) => size + Math.min(pads[i]!, 0),
  ) as [number, number, number];
  const [front, top, left] = pads.map((size) => Math.max(size, 0)) as [number, number, number];
  const behind = (windows: number, stride: number, length: number, size: number, before: number) =>
    Math.max((windows - 1) * stride + length - size - before, 0);
  const around: Around = [
    [0, 0],
    [top, behind(outHeight, strideHeight, filterHeight, inHeight, top)],
    [left, behind(outWidth, strideWidth, filterWidth, inWidth, left)],
    [0, 0],
  ];
  const skipped = [0, info.inDepth - inDepth, info.inHeight - inHeight, info.inWidth - inWidth, 0];
  return { ...info, inDepth, inHeight, inWidth, front, around, skipped };
}

/** `Conv3DBackpropInputV2`. */
export const conv3DBackpropInput: KernelFunc = ({ inputs, attrs }) => {
  const [dy, filter] = [inputs.dy as Tensor, inputs.filter as Tensor];
  const { inputShape } = attrs as unknown as { inputShape: Shape5D };
  const info = infoOf(attrs, inputShape, filter.shape as Shape5D);
  const { batchSize, inDepth, inHeight, inWidth, inChannels, outDepth, strideDepth, filterDepth, front } =
    info;
  return tidy(() => {
    const { outHeight, outWidth, outChannels, filterHeight, filterWidth } = info;
    const slices = reshape<Rank.R4>(dy, [batchSize * outDepth, outHeight, outWidth, outChannels]);
    const layer = inHeight * inWidth * inChannels;
    const reach = (outDepth - 1) * strideDepth + 1;
    const taps = Array.from({ length: filterDepth }, (_, k) => {
      const tap = reshape<Rank.R4>(slice(filter, [k], [1]), [
        filterHeight,
        filterWidth,
        inChannels,
        outChannels,
      ]);
      const shape: Tensor4D['shape'] = [batchSize * outDepth, inHeight, inWidth, inChannels];
      const images = conv2dTranspose(slices, tap, shape, [info.strideHeight, info.strideWidth], info.around);
      // A stride apart, from where the filter's part begins; what lies outside of the input is cut off.
      const apart = pad(reshape(images, [batchSize, outDepth, 1, layer]), [
        [0, 0],
        [0, 0],
        [0, strideDepth - 1],
        [0, 0],
      ]);
      const begin = k - front;
      const first = Math.max(-begin, 0);
      const kept = Math.min(reach, inDepth - begin) - first;
      const rows = reshape(apart, [batchSize, outDepth * strideDepth, layer]);
      if (kept <= 0) return zeros([batchSize, inDepth, layer]);
      return pad(slice(rows, [0, first, 0], [-1, kept, -1]), [
        [0, 0],
        [begin + first, inDepth - begin - first - kept],
        [0, 0],
      ]);
    });
    return pad(
      reshape(addN(taps), [batchSize, inDepth, inHeight, inWidth, inChannels]),
      info.skipped.map((size): [number, number] => [size, 0]),
    );
  });
};

type Info = ReturnType<typeof infoOf>;

/** For each tap of the filter's depth, the images of x that it meets: as many for each sample as the output is deep. */
function imagesByTap(x: Tensor, info: Info): (tap: number) => Tensor4D {
  const { batchSize, inDepth, inHeight, inWidth, inChannels, outDepth, strideDepth, filterDepth, front } =
    info;
  const layer = inHeight * inWidth * inChannels;
  const length = outDepth * strideDepth + filterDepth - 1;
  const padded = pad(reshape(slice(x, info.skipped), [batchSize, inDepth, layer]), [
    [0, 0],
    [front, Math.max(length - front - inDepth, 0)],
    [0, 0],
  ]);
  return (tap) => {
    const rows = slice(padded, [0, tap, 0], [-1, outDepth * strideDepth, -1]);
    const met = slice(
      reshape(rows, [batchSize, outDepth, strideDepth, layer]),
      [0, 0, 0, 0],
      [-1, -1, 1, -1],
    );
    return reshape<Rank.R4>(met, [batchSize * outDepth, inHeight, inWidth, inChannels]);
  };
}

/** `Conv3D` in the place of `before`, which has dilations. */
export const acceleratedConv3D = (before: KernelConfig): KernelConfig => ({
  ...before,
  kernelFunc: (call) => {
    const [x, filter] = [call.inputs.x as Tensor, call.inputs.filter as Tensor5D];
    const { dilations } = call.attrs as unknown as { dilations?: number | number[] };
    if ([dilations ?? 1].flat().some((dilation) => dilation !== 1)) return before.kernelFunc(call);
    const info = infoOf(call.attrs, x.shape as Shape5D, filter.shape);
    if (info.outShape.includes(0)) return before.kernelFunc(call);
    return tidy(() => {
      const imagesAt = imagesByTap(x, info);
      const taps = unstack(filter).map((tap, k) =>
        conv2d(imagesAt(k), tap as Tensor4D, [info.strideHeight, info.strideWidth], info.around),
      );
      return reshape(addN(taps), info.outShape);
    });
  },
});

/** `Conv3DBackpropFilterV2`. */
export const conv3DBackpropFilter: KernelFunc = ({ inputs, attrs }) => {
  const [x, dy] = [inputs.x as Tensor, inputs.dy as Tensor];
  const { filterShape } = attrs as unknown as { filterShape: Shape5D };
  const info = infoOf(attrs, x.shape as Shape5D, filterShape);
  return tidy(() => {
    const imagesAt = imagesByTap(x, info);
    const slices = reshape(dy, [-1, ...dy.shape.slice(2)]);
    const attributes = {
      strides: [info.strideHeight, info.strideWidth],
      pad: info.around,
      dataFormat: 'NHWC',
      filterShape: filterShape.slice(1),
    };
    const taps = Array.from({ length: info.filterDepth }, (_, k) => {
      return engine().runKernel<Tensor>(Conv2DBackpropFilter, { x: imagesAt(k), dy: slices }, attributes);
    });
    return stack(taps);
  });
};
