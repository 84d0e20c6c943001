/**
 * @file The cases of oracle/training.py with TF.js, by the same names: trainings of models within models. Nothing is
 * awaited but the training itself.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { takeWarnings } from '../warnings.js';
import { sizeOf } from '../core/reference.js';

type Layer = tf.layers.Layer;
type Model = tf.LayersModel;
export type Results = Record<string, number[]>;

/** Numbers without a seed: size · sin(12.9898 · i + phase) + mean. */
const waves = (shape: number[], phase: number, size = 1, mean = 0) =>
  tf.tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 12.9898 + phase) * size + mean),
    shape,
  );

/** A dense layer whose kernel is waves. */
function dense(units: number, phase: number, inputs: number): Layer {
  const layer = tf.layers.dense({ units });
  layer.build([null, inputs]);
  layer.setWeights([waves([inputs, units], phase, 0.5), tf.zeros([units])]);
  return layer;
}

const normalization = (args: BatchNormalizationArgs = {}) =>
  layerBatchNormalization({ momentum: 0.5, ...args });

const chain = (inputShape: number | number[], ...layers: Layer[]) =>
  tf.sequential({ layers: [tf.layers.inputLayer({ inputShape: [inputShape].flat() }), ...layers] });

/** A chain that begins with the model itself. */
const chained = (...layers: Layer[]) => tf.sequential({ layers });

function compiled(model: Model): Model {
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  return model;
}

/** Trains on waves of the model's shapes, the first step of every sequence 0 if padded. Returns the losses. */
async function trained(model: Model, steps = 2, isPadded = false): Promise<number[]> {
  const shapeOf = ([tensor]: tf.SymbolicTensor[]) => [8, ...(tensor!.shape.slice(1) as number[])];
  let x = waves(shapeOf(model.inputs), 5, 2, 1);
  const y = waves(shapeOf(model.outputs), 7);
  if (isPadded) {
    const [first, rest] = tf.split(x, [1, x.shape[1]! - 1], 1);
    x = tf.concat([tf.zerosLike(first!), rest!], 1);
  }
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) losses.push((await model.trainOnBatch(x, y)) as number);
  return losses;
}

/** All numbers of all weights, in the order in which each layer made them. */
const weights = (...layers: Layer[]): number[] =>
  layers.flatMap(parts).flatMap((layer) => layer.weights.flatMap((weight) => [...weight.read().dataSync()]));

/** The layers in a model or a wrapper; else the layer itself. */
function parts(layer: Layer): Layer[] {
  if (layer instanceof tf.LayersModel) return layer.layers.flatMap(parts);
  return 'layer' in layer ? parts(layer.layer as Layer) : [layer];
}

function functional(base: Model, ...layers: Layer[]): Model {
  const inputs = tf.input({ shape: base.inputs[0]!.shape.slice(1) });
  const outputs = [base, ...layers].reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, inputs);
  return tf.model({ inputs, outputs });
}

const smallBase = () => chain(4, dense(3, 1, 4), normalization());

async function frozenAndCompiledAgain(base: Model, model: Model, ...layers: Layer[]): Promise<Results> {
  base.trainable = false;
  const losses = await trained(compiled(model));
  losses.push(...(await trained(compiled(model))));
  const frozen = weights(base, ...layers);
  base.trainable = true;
  losses.push(...(await trained(compiled(model))));
  return { losses, frozen, weights: weights(base, ...layers) };
}

/** The generator learns by a discriminator that is frozen, and trained in between. */
async function toggled(combine: (generator: Model, discriminator: Model) => Model): Promise<Results> {
  const generator = chain(2, dense(4, 1, 2), normalization());
  const discriminator = chain(4, dense(3, 2, 4), normalization(), dense(1, 3, 3));
  compiled(discriminator);
  discriminator.trainable = false;
  const combined = compiled(combine(generator, discriminator));
  const losses: number[] = [];
  for (let round = 0; round < 3; round++) {
    discriminator.trainable = true;
    losses.push(...(await trained(discriminator, 1)));
    discriminator.trainable = false;
    losses.push(...(await trained(combined, 1)));
  }
  return { losses, weights: weights(generator, discriminator) };
}

const penalized = (args: BatchNormalizationArgs = {}) =>
  normalization({
    gammaRegularizer: tf.regularizers.l2({ l2: 0.3 }),
    betaRegularizer: tf.regularizers.l1({ l1: 0.2 }),
    ...args,
  });

/** Trains a layer in TimeDistributed. */
async function wrapped(
  layer: Layer,
  shape: number[],
  isPadded = false,
  batchSize: number | null = null,
): Promise<Results> {
  const inputs = tf.input({ batchShape: [batchSize, ...shape] });
  const first = isPadded ? tf.layers.masking().apply(inputs) : inputs;
  const outputs = tf.layers.timeDistributed({ layer }).apply(first) as tf.SymbolicTensor;
  const model = compiled(tf.model({ inputs, outputs }));
  return { losses: await trained(model, 2, isPadded), weights: weights(layer) };
}

/** What TF.js computes in each case. */
export const TRAININGS: Record<string, () => Promise<Results>> = {
  async unfrozen_in_the_breath_of_the_wiring() {
    const [base, head] = [smallBase(), dense(1, 2, 3)];
    base.trainable = false;
    const model = functional(base, head);
    base.trainable = true;
    compiled(model);
    return { losses: await trained(model), weights: weights(base, head) };
  },

  async frozen_in_the_breath_of_the_wiring() {
    const [base, head] = [smallBase(), dense(1, 2, 3)];
    base.trainable = false;
    base.trainable = true;
    const model = functional(base, head);
    base.trainable = false;
    compiled(model);
    return { losses: await trained(model), weights: weights(base, head) };
  },

  chain_that_begins_with_a_frozen_chain() {
    const [base, head] = [smallBase(), dense(1, 2, 3)];
    return frozenAndCompiledAgain(base, chained(base, head), head);
  },

  chain_that_begins_with_a_frozen_graph() {
    const base = functional(smallBase(), dense(2, 3, 3), normalization());
    const head = dense(1, 2, 2);
    return frozenAndCompiledAgain(base, chained(base, head), head);
  },

  chain_that_begins_with_a_frozen_chain_that_begins_with_one() {
    const base = chained(smallBase(), dense(2, 3, 3), normalization());
    const head = dense(1, 2, 2);
    return frozenAndCompiledAgain(base, chained(base, head), head);
  },

  graph_around_a_frozen_graph_around_a_chain() {
    const base = functional(smallBase(), dense(2, 3, 3), normalization());
    const head = dense(1, 2, 2);
    return frozenAndCompiledAgain(base, functional(base, head), head);
  },

  frozen_chain_of_normalizations_without_parameters() {
    const base = chain(4, normalization({ center: false, scale: false }), dense(3, 1, 4));
    const head = dense(1, 2, 3);
    return frozenAndCompiledAgain(base, chained(base, head), head);
  },

  frozen_chain_of_wrapped_normalizations() {
    const base = chain([3, 4], tf.layers.timeDistributed({ layer: normalization() }));
    const head = tf.layers.timeDistributed({ layer: dense(1, 2, 4) });
    return frozenAndCompiledAgain(base, chained(base, head), head);
  },

  async inner_chain_unfrozen_in_a_frozen_one() {
    const [inner, head] = [smallBase(), dense(1, 2, 2)];
    const base = chained(inner, dense(2, 3, 3), normalization());
    const model = chained(base, head);
    base.trainable = false;
    inner.trainable = true;
    return { losses: await trained(compiled(model)), weights: weights(base, head) };
  },

  async unfrozen_by_the_model_around() {
    const [base, head] = [smallBase(), dense(1, 2, 3)];
    const model = chained(base, head);
    base.trainable = false;
    const losses = await trained(compiled(model));
    model.trainable = true;
    losses.push(...(await trained(compiled(model))));
    return { losses, weights: weights(base, head) };
  },

  async layer_frozen_and_its_model_unfrozen() {
    const [base, head] = [smallBase(), dense(1, 2, 3)];
    const model = chained(base, head);
    base.layers.at(-1)!.trainable = false;
    const losses = await trained(compiled(model));
    base.trainable = true;
    losses.push(...(await trained(compiled(model))));
    return { losses, weights: weights(base, head) };
  },

  async part_frozen_by_a_model_of_some_layers() {
    const first = [dense(3, 1, 4), normalization()] as const;
    const base = chain(4, ...first, dense(3, 3, 3), normalization());
    const head = dense(1, 2, 3);
    tf.model({ inputs: base.inputs, outputs: first[1].output }).trainable = false;
    return { losses: await trained(compiled(chained(base, head))), weights: weights(base, head) };
  },

  toggled_in_a_graph: () => toggled(functional),
  toggled_in_a_chain: () => toggled(chained),

  wrapped_normalization: () => wrapped(normalization(), [3, 4]),
  wrapped_normalization_of_a_known_batch: () => wrapped(normalization(), [3, 4], false, 8),
  wrapped_normalization_of_pictures: () => wrapped(normalization(), [3, 2, 4, 2]),
  wrapped_normalization_of_channels_first: () => wrapped(normalization({ axis: 1 }), [3, 2, 4, 2]),
  wrapped_normalization_not_fused: () => wrapped(normalization({ fused: false }), [3, 2, 4, 2]),
  wrapped_renorm: () => wrapped(normalization({ renorm: true, renormMomentum: 0.8 }), [3, 4]),
  wrapped_ghost_batches: () => wrapped(normalization({ virtualBatchSize: 4 }), [3, 4]),
  wrapped_twice: () => wrapped(tf.layers.timeDistributed({ layer: normalization() }), [3, 2, 4]),
  wrapped_and_masked: () => wrapped(normalization(), [3, 4], true),
  wrapped_and_masked_within_the_steps: () => wrapped(normalization(), [3, 2, 4], true),
  async wrapped_and_masked_but_fused() {
    const results = await wrapped(normalization(), [3, 2, 4, 2], true);
    // That the mask is ignored, once.
    takeWarnings();
    return results;
  },
  wrapped_twice_and_masked: () =>
    wrapped(tf.layers.timeDistributed({ layer: normalization() }), [3, 2, 4], true),
  wrapped_chain: () => wrapped(smallBase(), [3, 4]),
  wrapped_graph_around_a_chain: () =>
    wrapped(functional(smallBase(), dense(2, 3, 3), normalization()), [3, 4]),

  async model_called_without_training() {
    const base = functional(smallBase(), dense(2, 3, 3), normalization());
    const head = dense(1, 2, 2);
    const inputs = tf.input({ shape: [4] });
    const outputs = head.apply(base.apply(inputs, { training: false })) as tf.SymbolicTensor;
    return { losses: await trained(compiled(tf.model({ inputs, outputs }))), weights: weights(base, head) };
  },

  async model_called_with_and_without_training() {
    const base = chain(3, dense(3, 1, 3), normalization());
    const head = dense(1, 2, 3);
    const inputs = tf.input({ shape: [3] });
    const hidden = base.apply(base.apply(inputs), { training: false });
    const outputs = head.apply(hidden) as tf.SymbolicTensor;
    return { losses: await trained(compiled(tf.model({ inputs, outputs }))), weights: weights(base, head) };
  },

  async model_called_in_training_predicts() {
    const base = functional(smallBase(), dense(2, 3, 3), normalization());
    const inputs = tf.input({ shape: [4] });
    const outputs = base.apply(inputs, { training: true }) as tf.SymbolicTensor;
    const predicted = tf.model({ inputs, outputs }).predict(waves([8, 4], 5, 2, 1)) as tf.Tensor;
    return { predicted: [...(await predicted.data())], weights: weights(base) };
  },

  async wrapped_and_called_without_training() {
    const layer = normalization();
    const wrapper = tf.layers.timeDistributed({ layer });
    const inputs = tf.input({ shape: [3, 4] });
    const hidden = dense(4, 1, 4).apply(wrapper.apply(inputs));
    const outputs = wrapper.apply(hidden, { training: false }) as tf.SymbolicTensor;
    return { losses: await trained(compiled(tf.model({ inputs, outputs }))), weights: weights(layer) };
  },

  async penalty_of_a_layer_called_twice() {
    const [layer, hidden] = [penalized(), dense(4, 1, 4)];
    const inputs = tf.input({ shape: [4] });
    const outputs = layer.apply(hidden.apply(layer.apply(inputs))) as tf.SymbolicTensor;
    const losses = await trained(compiled(tf.model({ inputs, outputs })));
    return { losses, weights: weights(layer, hidden) };
  },

  async penalty_in_a_model_called_twice() {
    const base = chain(4, dense(4, 1, 4), penalized());
    const inputs = tf.input({ shape: [4] });
    const outputs = base.apply(base.apply(inputs)) as tf.SymbolicTensor;
    return { losses: await trained(compiled(tf.model({ inputs, outputs }))), weights: weights(base) };
  },

  async penalty_of_a_frozen_layer() {
    const [layer, head] = [penalized({ trainable: false }), dense(1, 2, 4)];
    return { losses: await trained(compiled(chain(4, layer, head))), weights: weights(layer, head) };
  },

  penalty_of_a_wrapped_layer: () => wrapped(penalized(), [3, 4]),
  penalty_in_a_wrapped_model: () => wrapped(chain(4, dense(3, 1, 4), penalized()), [3, 4]),
};
