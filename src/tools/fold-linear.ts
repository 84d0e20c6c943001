/**
 * @file The layers that an affine vanishes into: y = kernel ∗ x + bias. Behind one, slope and intercept of an output
 * go into its part of the kernel and its bias; before one, those of an input go into its part of the kernel and,
 * summed over the kernel, into every bias. All in float64.
 */
import { util } from '@tensorflow/tfjs-core';
import { type Affine, Obstacle, activationOf, alongDimension, isLinear } from './fold-affine.js';
import { type FusedActivation, isFused } from '../model/fused-activation.js';
import { type Layer, type LayerCall, channelDimension } from '../model/graph.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';

/** One kernel: which input and output each of its elements joins. */
interface Kernel {
  readonly shape: readonly number[];
  readonly values: Float64Array;
  readonly inputOf: (element: number) => number;
  readonly outputOf: (element: number) => number;
}

/** A linear layer's weights in float64. */
export interface Linear {
  readonly layer: Layer;
  /** One, or the two of a separable convolution, the one that the input meets first. */
  readonly kernels: readonly Kernel[];
  readonly bias: Float64Array;
  /** Whether some bias is not 0, or the layer has one. */
  readonly hasBias: boolean;
  /** The activation that the layer took in. */
  readonly activation?: FusedActivation;
}

type Join = (shape: readonly number[], layer: Layer) => Pick<Kernel, 'inputOf' | 'outputOf'>;

/** [..., inputs, outputs]: Dense, and what mixes channels alone. */
const inputsThenOutputs: Join = (shape) => {
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  return { inputOf: (n) => Math.floor(n / outputs) % inputs, outputOf: (n) => n % outputs };
};

/** [..., inputs of a group, outputs]: the convolutions, whose groups have outputs next to each other. */
const inputsOfGroups: Join = (shape, layer) => {
  const { groups = 1 } = layer as Layer & { readonly groups?: number };
  const [inputs, outputs] = shape.slice(-2) as [number, number];
  const { inputOf, outputOf } = inputsThenOutputs(shape, layer);
  const groupOf = (n: number) => Math.floor((outputOf(n) * groups) / outputs);
  return { inputOf: (n) => groupOf(n) * inputs + inputOf(n), outputOf };
};

/** [..., outputs, inputs]: the transposed convolutions. */
const outputsThenInputs: Join = (shape, layer) => {
  const { inputOf: outputOf, outputOf: inputOf } = inputsThenOutputs(shape, layer);
  return { inputOf, outputOf };
};

/** [..., inputs, multiplier]: each input has outputs of its own, next to each other. */
const outputsPerInput: Join = (shape) => {
  const [inputs, multiplier] = shape.slice(-2) as [number, number];
  return {
    inputOf: (n) => Math.floor(n / multiplier) % inputs,
    outputOf: (n) => n % (inputs * multiplier),
  };
};

/** The linear layers, by the kernels that they have. */
const JOINS: Readonly<Record<string, readonly Join[]>> = {
  Dense: [inputsThenOutputs],
  Conv1D: [inputsOfGroups],
  Conv2D: [inputsOfGroups],
  Conv3D: [inputsOfGroups],
  Conv1DTranspose: [outputsThenInputs],
  Conv2DTranspose: [outputsThenInputs],
  Conv3DTranspose: [outputsThenInputs],
  DepthwiseConv1D: [outputsPerInput],
  DepthwiseConv2D: [outputsPerInput],
  SeparableConv1D: [outputsPerInput, inputsThenOutputs],
  SeparableConv2D: [outputsPerInput, inputsThenOutputs],
};

export const isLinearLayer = (layer: Layer): boolean => Object.hasOwn(JOINS, layer.getClassName());

/** Those whose kernels apply an activation for nothing. */
const ACTIVATING = ['Conv2D', 'DepthwiseConv2D'];

/** Whether a layer may take in an activation. */
export const isActivating = (layer: Layer): boolean =>
  ACTIVATING.includes(layer.getClassName()) && isLinear(layer);

/** The activation that a layer is, if kernels of convolutions apply it for nothing. */
export function activationOfLayer(layer: Layer): FusedActivation | null {
  switch (layer.getClassName()) {
    case 'Activation': {
      const name = activationOf(layer);
      return isFused(name) ? name : null;
    }
    case 'ReLU': {
      // TF.js' own has the largest value alone.
      const { maxValue, negativeSlope, threshold } = layer as Layer & Partial<Record<string, number | null>>;
      if (negativeSlope || threshold) return null;
      return maxValue == null ? 'relu' : maxValue === 6 ? 'relu6' : null;
    }
    default:
      return null;
  }
}

/** Reads a layer's weights. */
export async function readLinear(layer: Layer): Promise<Linear> {
  const joins = JOINS[layer.getClassName()]!;
  const weights = ownWeightsOf(layer);
  const values = await Promise.all(
    weights.map(async (weight) => Float64Array.from(await weight.read().data<'float32'>())),
  );
  const kernels = joins.map((join, i) => {
    const shape = weights[i]!.shape as number[];
    return { shape, values: values[i]!, ...join(shape, layer) };
  });
  const bias = values[joins.length];
  return { layer, kernels, bias: bias ?? new Float64Array(outputsOf(kernels)), hasBias: bias !== undefined };
}

const outputsOf = (kernels: readonly Kernel[]): number => {
  const { shape, outputOf } = kernels.at(-1)!;
  return outputOf(util.sizeFromShape([...shape]) - 1) + 1;
};

/**
 * A linear layer with what follows it folded in.
 *
 * @throws Obstacle where it does not fit in
 */
export function foldBehind(linear: Linear, affine: Affine, call: LayerCall): Linear {
  const { layer, kernels, bias } = linear;
  if (!isLinear(layer)) throw new Obstacle(`'${layer.name}' has the activation ${activationOf(layer)}`);
  const along = alongChannels(linear, affine, call, bias.length);
  const last = kernels.at(-1)!;
  const values = last.values.map((value, n) => value * along.slope[last.outputOf(n)]!);
  return checked({
    layer,
    kernels: kernels.with(-1, { ...last, values }),
    bias: bias.map((b, o) => b * along.slope[o]! + along.intercept[o]!),
    hasBias: linear.hasBias || along.intercept.some((intercept) => intercept !== 0),
  });
}

/**
 * How far a moving mean may be from 0, in moving deviations, for a normalization to vanish into the layer behind it. The
 * normalization subtracts the mean before it rounds; without it the next layer's sum, in float32, is off by so many
 * times 2^-24.
 */
const LARGEST_SHIFT = 64;

/**
 * A linear layer with what comes before it folded in.
 *
 * @throws Obstacle where it does not fit in
 */
export function foldBefore(linear: Linear, affine: Affine, call: LayerCall): Linear {
  const { layer, kernels, bias } = linear;
  if (affine.shift > LARGEST_SHIFT) {
    throw new Obstacle(
      `a moving mean is ${affine.shift.toPrecision(3)} deviations from 0, so that '${layer.name}' would lose digits ` +
        `by taking its input as it is`,
    );
  }
  const addsSomething = affine.intercept.some((intercept) => intercept !== 0);
  if (addsSomething && !seesWholeInputs(layer)) {
    throw new Obstacle(`the borders of '${layer.name}' see less of the intercept than its middle`);
  }
  const first = kernels[0]!;
  const along = alongChannels(linear, affine, call, first.inputOf(first.values.length - 1) + 1);
  const values = first.values.map((value, n) => value * along.slope[first.inputOf(n)]!);
  // What the intercepts amount to in each output, kernel by kernel.
  const added = kernels.reduce((inputs, kernel) => {
    const outputs = new Float64Array(kernel.outputOf(kernel.values.length - 1) + 1);
    kernel.values.forEach((value, n) => (outputs[kernel.outputOf(n)]! += value * inputs[kernel.inputOf(n)]!));
    return outputs;
  }, along.intercept);
  return checked({
    layer,
    kernels: kernels.with(0, { ...first, values }),
    bias: bias.map((b, o) => b + added[o]!),
    hasBias: linear.hasBias || addsSomething,
  });
}

/** The slopes and intercepts of a linear layer's channels, on one side of it. */
function alongChannels({ layer }: Linear, affine: Affine, call: LayerCall, channels: number) {
  const dimension = channelDimension(layer, affine.shape.length, call.layer === layer ? 0 : 1);
  const along = alongDimension(affine, dimension, channels);
  if (along) return along;
  throw new Obstacle(`it has other parameters at other positions, where '${layer.name}' has the same kernel`);
}

/** Whether every output is a sum over the whole kernel, borders included. */
function seesWholeInputs(layer: Layer): boolean {
  const className = layer.getClassName();
  if (className === 'Dense') return true;
  const { padding, kernelSize, strides } = layer as Layer & {
    readonly padding: string;
    readonly kernelSize: readonly number[];
    readonly strides: readonly number[];
  };
  const isSingle = kernelSize.every((size) => size === 1);
  return className.endsWith('Transpose')
    ? isSingle && strides.every((stride) => stride === 1)
    : isSingle || padding === 'valid';
}

function checked(linear: Linear): Linear {
  const numbers = [linear.bias, ...linear.kernels.map(({ values }) => values)];
  const areFinite = numbers.every((values) => values.every((value) => Number.isFinite(Math.fround(value))));
  if (areFinite) return linear;
  throw new Obstacle(`the weights of '${linear.layer.name}' would not be finite`);
}

/** What a layer's configuration has to say for `linear`: a constraint would change the weights. */
export const configurationFor = ({ hasBias, activation }: Linear) => ({
  ...(activation && { activation }),
  useBias: hasBias,
  kernelConstraint: null,
  biasConstraint: null,
  depthwiseConstraint: null,
  pointwiseConstraint: null,
});

/** The weights of `linear` in the layer's order. */
export const weightsOf = ({ kernels, bias, hasBias }: Linear): Float64Array[] => [
  ...kernels.map(({ values }) => values),
  ...(hasBias ? [bias] : []),
];
