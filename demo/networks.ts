/**
 * @file The paper's two networks: three fully connected layers of 100 sigmoid units and a softmax layer of 10. They
 * differ in batch normalization only, which stands between each of the three layers' sums and their sigmoids.
 */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { CLASSES, PIXELS } from '../shared/digits.js';
import type { Random } from '../shared/random.js';

export const HIDDEN_LAYERS = 3;
export const UNITS = 100;
export const WEIGHT_DEVIATION = 0.1;

/** Arguments of the layer, as they were given on the command line. */
export type LayerOptions = Readonly<Record<string, unknown>>;

/** Batch normalization of a layer's sums. A name that was given is numbered, since a model has each only once. */
function normalize(sums: tf.SymbolicTensor, options: LayerOptions, layer: number): tf.SymbolicTensor {
  const { name } = options;
  const args = typeof name === 'string' ? { ...options, name: `${name}_${layer + 1}` } : options;
  return layerBatchNormalization(sums, args);
}

/** What stands between sums and sigmoids. */
type Between = (sums: tf.SymbolicTensor, layer: number) => tf.SymbolicTensor;

function build(hasBiases: boolean, between: Between, seeds: readonly number[]): tf.LayersModel {
  const dense = (layer: number, units: number, useBias: boolean) =>
    tf.layers.dense({
      units,
      useBias,
      kernelInitializer: tf.initializers.randomNormal({ stddev: WEIGHT_DEVIATION, seed: seeds[layer]! }),
    });

  const input = tf.input({ shape: [PIXELS] });
  let values = input;
  let sigmoidInput = input;
  for (let layer = 0; layer < HIDDEN_LAYERS; layer++) {
    sigmoidInput = between(dense(layer, UNITS, hasBiases).apply(values) as tf.SymbolicTensor, layer);
    values = tf.layers.activation({ activation: 'sigmoid' }).apply(sigmoidInput) as tf.SymbolicTensor;
  }
  // The softmax is left to the loss, which is exact with it; the largest output is the same with and without.
  const logits = dense(HIDDEN_LAYERS, CLASSES, true).apply(values) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: [logits, sigmoidInput] });
}

/** One network, whose outputs are the logits and the inputs of the last hidden layer's sigmoids. */
export class Network {
  readonly #model: tf.LayersModel;
  readonly #variables;

  private constructor(model: tf.LayersModel) {
    this.#model = model;
    this.#variables = model.trainableWeights
      .map((weight) => weight.read())
      .filter((value) => value instanceof tf.Variable);
  }

  /** The plain and the normalized network, with the same initial weights. */
  static pair(random: Random, options: LayerOptions): { plain: Network; normalized: Network } {
    // Not 0, which TF.js takes for no seed at all.
    const seeds = Array.from({ length: HIDDEN_LAYERS + 1 }, () => random.integer(1, 0x7fffffff));
    const plain = build(true, (sums) => sums, seeds);
    // Without biases, whose part beta takes: the mean that is subtracted takes any other constant with it.
    const normalized = build(false, (sums, layer) => normalize(sums, options, layer), seeds);
    return { plain: new Network(plain), normalized: new Network(normalized) };
  }

  /**
   * One step of gradient descent on the mean cross-entropy, and whatever regularizers the layer was given.
   *
   * @param weight of the cross-entropy: not 1 where other threads have more images, or fewer
   */
  step(images: tf.Tensor, classes: tf.Tensor, optimizer: tf.Optimizer, weight: number): void {
    optimizer.minimize(
      () => {
        const [logits] = this.#model.apply(images, { training: true }) as tf.Tensor[];
        const crossEntropy = tf.mul(tf.losses.softmaxCrossEntropy(classes, logits!), weight);
        return tf.addN([crossEntropy, ...this.#model.calculateLosses()]) as tf.Scalar;
      },
      false,
      this.#variables,
    );
  }

  /** Which class each image is taken for, and what reaches the sigmoids of the last hidden layer. */
  look(images: tf.Tensor): { classes: tf.Tensor1D; sigmoidInputs: tf.Tensor2D } {
    const [logits, sigmoidInputs] = this.#model.apply(images) as [tf.Tensor, tf.Tensor2D];
    return { classes: tf.argMax(logits, 1), sigmoidInputs };
  }

  dispose(): void {
    this.#model.dispose();
  }
}
