/**
 * @file One of the networks: hidden layers of sums, normalization (or none) and activation, then one output per class.
 */
import {
  type Optimizer,
  type Scalar,
  type Tensor,
  Variable,
  addN,
  dispose,
  keep,
  losses,
  mul,
  randomNormal,
  randomUniform,
} from '@tensorflow/tfjs-core';
import {
  type LayersModel,
  type SymbolicTensor,
  initializers,
  input,
  layers,
  model,
} from '@tensorflow/tfjs-layers';
import { type Adjustment, BatchNormalization, type BatchNormalizationArgs, ValueError } from 'evenkeel';
import type { NetworkDescription } from '../shared/protocol.js';
import type { LayerArguments, Settings } from '../shared/settings.js';

/** What a network computes for a batch. */
export interface Outputs {
  logits: Tensor;
  /** What reaches each hidden layer's activation. */
  activationInputs: Tensor[];
  /** What reaches each normalization, if there is any. */
  sums: Tensor[];
}

/** Two convolutions halve the image's sides; after those it is small enough. */
const HALVING_CONVOLUTIONS = 2;

/** A random scale and bias per channel, which stray from 1 and 0 as far as `value` says. */
function adjustmentOf(value: unknown): Adjustment {
  const {
    scale = 0,
    bias = 0,
    ...rest
  } = (typeof value === 'object' ? value : { value }) as Record<string, unknown>;
  if (typeof scale !== 'number' || typeof bias !== 'number' || Object.keys(rest).length > 0) {
    throw new ValueError(
      `adjustment: expected { "scale": number, "bias": number }, how far they stray from 1 and 0 at random, received ` +
        `${JSON.stringify(value)}.`,
    );
  }
  return (shape) => [
    randomUniform([shape.at(-1)!], 1 - scale, 1 + scale),
    randomNormal([shape.at(-1)!], 0, bias),
  ];
}

/** The layer's own arguments. A name that was given is numbered, since a model has each only once. */
function argumentsOf(args: LayerArguments, index: number): BatchNormalizationArgs {
  const { name, adjustment } = args;
  return {
    ...args,
    ...(typeof name === 'string' && name !== '' ? { name: `${name}_${index + 1}` } : {}),
    ...(adjustment == null ? {} : { adjustment: adjustmentOf(adjustment) }),
  };
}

const trainableOf = (model: LayersModel): Variable[] =>
  model.trainableWeights
    .map((weight) => weight.read())
    .filter((value): value is Variable => value instanceof Variable);

type Architecture = Pick<Settings, 'kind' | 'depth' | 'width' | 'activation'>;

export class Network {
  readonly normalizations: readonly BatchNormalization[];
  readonly #model: LayersModel;
  readonly #depth: number;
  #variables: Variable[];
  readonly #optimizer: Optimizer;

  /**
   * @param args of each normalization; null for none
   * @param seeds of the initial weights, one for each hidden layer and one for the outputs
   * @throws ValueError or TypeError where the layer refuses its arguments
   */
  constructor(
    { kind, depth, width, activation }: Architecture,
    args: LayerArguments | null,
    shape: readonly number[],
    classes: number,
    seeds: readonly number[],
    optimizer: Optimizer,
  ) {
    const isDense = kind === 'dense';
    // Without biases where the mean is subtracted, which takes every constant with it; beta has their part.
    const useBias = args === null;
    const hidden = (index: number): layers.Layer => {
      const kernelInitializer = initializers.glorotUniform({ seed: seeds[index]! });
      return isDense
        ? layers.dense({ units: width, useBias, kernelInitializer })
        : layers.conv2d({
            ...{ filters: width, kernelSize: 3, padding: 'same', useBias, kernelInitializer },
            strides: index < HALVING_CONVOLUTIONS ? 2 : 1,
          });
    };
    const normalizations =
      args === null
        ? []
        : Array.from({ length: depth }, (_, i) => new BatchNormalization(argumentsOf(args, i)));
    const made: layers.Layer[] = [...normalizations];
    try {
      const inputs = input({ shape: [...shape] });
      const add = (layer: layers.Layer, values: SymbolicTensor): SymbolicTensor => {
        made.push(layer);
        return layer.apply(values) as SymbolicTensor;
      };
      let values = inputs;
      const sums: SymbolicTensor[] = [];
      const activationInputs: SymbolicTensor[] = [];
      for (let i = 0; i < depth; i++) {
        const sum = add(hidden(i), values);
        sums.push(sum);
        const normalization = normalizations[i];
        const activationInput = normalization ? (normalization.apply(sum) as SymbolicTensor) : sum;
        activationInputs.push(activationInput);
        values = add(layers.activation({ activation }), activationInput);
      }
      if (!isDense) values = add(layers.flatten(), values);
      const kernelInitializer = initializers.glorotUniform({ seed: seeds[depth]! });
      // The softmax is left to the loss, which is exact with it.
      const logits = add(layers.dense({ units: classes, kernelInitializer }), values);
      this.#model = model({ inputs, outputs: [logits, ...activationInputs, ...(args === null ? [] : sums)] });
    } catch (error) {
      dispose(made.flatMap((layer) => layer.weights.map((weight) => weight.read())));
      throw error;
    }
    this.normalizations = normalizations;
    this.#depth = depth;
    this.#optimizer = optimizer;
    this.#variables = trainableOf(this.#model);
  }

  /** Freezes the normalizations: from now on they work in inference mode, and neither gamma nor beta are trained. */
  freeze(): void {
    for (const normalization of this.normalizations) normalization.trainable = false;
    this.#variables = trainableOf(this.#model);
  }

  #apply(features: Tensor, call: Record<string, boolean>): Outputs {
    const [logits, ...rest] = this.#model.apply(features, call) as Tensor[];
    return {
      logits: logits!,
      activationInputs: rest.slice(0, this.#depth),
      sums: rest.slice(this.#depth),
    };
  }

  /**
   * One step of the optimizer on the mean cross-entropy, which is returned, and on the regularizers' penalties.
   *
   * @param weight of the cross-entropy: not 1 where another thread has more samples, or fewer
   */
  step(features: Tensor, classes: Tensor, weight: number): Scalar {
    let crossEntropy: Scalar;
    this.#optimizer.minimize(
      () => {
        const { logits } = this.#apply(features, { training: true });
        crossEntropy = keep(mul(losses.softmaxCrossEntropy<Tensor, Scalar>(classes, logits), weight));
        return addN<Scalar>([crossEntropy, ...this.#model.calculateLosses()]);
      },
      false,
      this.#variables,
    );
    return crossEntropy!;
  }

  /** What comes out in inference mode. */
  infer(features: Tensor): Outputs {
    return this.#apply(features, { training: false });
  }

  /** What comes out in training mode, of which nothing stays: neither weights nor statistics change. */
  rehearse(features: Tensor): Outputs {
    return this.#apply(features, { training: true, updateMovingStatistics: false });
  }

  describe(): NetworkDescription {
    const units = this.#model.outputs.slice(1, 1 + this.#depth).map(({ shape }) => shape.at(-1)!);
    const execution = this.normalizations[0]?.describe();
    return {
      parameters: this.#variables.reduce((sum, { size }) => sum + size, 0),
      layers: units.map((count, i) => ({
        units: count,
        channels: this.normalizations[i]?.movingMean.read().size ?? 0,
      })),
      execution: execution ? { kernels: execution.kernels, reason: execution.reason } : null,
    };
  }

  dispose(): void {
    this.#model.dispose();
    this.#optimizer.dispose();
  }
}
