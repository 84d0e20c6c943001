/**
 * @file TF.js' own Conv2D and DepthwiseConv2D in one kernel when they infer. In 4.22 Conv2D leaves relu6 to two
 * operations, and DepthwiseConv2D both the bias and every activation. Can go when `mapActivationToFusedKernel` of
 * tfjs-layers knows relu6, and its DepthwiseConv2D calls the fused operation.
 */
import { type Tensor, type Tensor4D, fused, tidy } from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { fusedNow } from './fused-activation.js';
import { ownWeightsOf } from './tensorflow-internals.js';

type Layer = layers.Layer;
/** What both classes have. */
type Convolution = Layer & {
  readonly strides: [number, number];
  readonly padding: 'same' | 'valid';
  readonly dataFormat: 'channelsFirst' | 'channelsLast';
  readonly dilationRate: [number, number];
  readonly activation: { getClassName(): string; apply(x: Tensor): Tensor };
};

/** One of each: the classes are not exported. With names, since TF.js counts the layers that it has to name. */
const MAKE: Readonly<Record<string, () => Layer>> = {
  Conv2D: () => layers.conv2d({ filters: 1, kernelSize: 1, name: 'stock' }),
  DepthwiseConv2D: () => layers.depthwiseConv2d({ kernelSize: 1, name: 'stock' }),
};

export const isStockConvolution = (layer: Layer): boolean =>
  layer.constructor === MAKE[layer.getClassName()]?.().constructor;

/** Has a layer of these classes call one operation where that is possible. */
export function fuseEnding(layer: Layer): void {
  const { strides, padding, dilationRate, dataFormat, activation } = layer as Convolution;
  const call = layer.call.bind(layer);
  const isDepthwise = layer.getClassName() === 'DepthwiseConv2D';
  layer.call = (inputs, kwargs) => {
    if (dataFormat === 'channelsFirst') return call(inputs, kwargs);
    return tidy(() => {
      const [kernel, bias] = ownWeightsOf(layer).map((weight) => weight.read()) as [Tensor4D, Tensor?];
      const ending = fusedNow(activation.getClassName());
      const args = {
        x: [inputs].flat()[0] as Tensor4D,
        filter: kernel,
        strides,
        pad: padding,
        ...(bias && { bias }),
        activation: ending,
      };
      // TF.js' own DepthwiseConv2D does not use its dilation rate.
      const y = isDepthwise
        ? fused.depthwiseConv2d(args)
        : fused.conv2d({ ...args, dilations: dilationRate });
      return ending === 'linear' ? activation.apply(y) : y;
    });
  };
}
