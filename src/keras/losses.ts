/** @file Keras' losses and metrics as TF.js takes them; those that TF.js computes otherwise are refused. */
import {
  type Tensor,
  Reduction,
  abs,
  add,
  cast,
  losses as coreLosses,
  mean,
  minimum,
  mul,
  oneHot,
  reshape,
  square,
  sub,
  tidy,
} from '@tensorflow/tfjs-core';
import { metrics as tfMetrics } from '@tensorflow/tfjs-layers';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Json, type JsonObject, isObject } from './json.js';
import { folderName } from './naming.js';

/** One number per sample, or per sample and place. */
export type LossFunction = (yTrue: Tensor, yPred: Tensor) => Tensor;

export interface Loss {
  /** TF.js' name: it says which targets TF.js accepts. */
  readonly name: string;
  /** What is computed; null where it is what TF.js computes under that name. */
  readonly compute: LossFunction | null;
}

/** Other names that Keras has for them. */
const ALIASES: Readonly<Record<string, string>> = {
  mse: 'mean_squared_error',
  mae: 'mean_absolute_error',
  mape: 'mean_absolute_percentage_error',
  msle: 'mean_squared_logarithmic_error',
  kld: 'kl_divergence',
  kullback_leibler_divergence: 'kl_divergence',
  logcosh: 'log_cosh',
  huber_loss: 'huber',
};

/** TF.js' names, where it computes what Keras does. Hinges are missing: Keras looks at the values of the targets. */
const TF_NAMES: Readonly<Record<string, string>> = {
  mean_squared_error: 'meanSquaredError',
  mean_absolute_error: 'meanAbsoluteError',
  mean_absolute_percentage_error: 'meanAbsolutePercentageError',
  mean_squared_logarithmic_error: 'meanSquaredLogarithmicError',
  binary_crossentropy: 'binaryCrossentropy',
  categorical_crossentropy: 'categoricalCrossentropy',
  sparse_categorical_crossentropy: 'sparseCategoricalCrossentropy',
  categorical_hinge: 'categoricalHinge',
  kl_divergence: 'kullbackLeiblerDivergence',
  log_cosh: 'logcosh',
  poisson: 'poisson',
  cosine_similarity: 'cosineProximity',
};

/** What a loss or metric is given as: a name, or an object with settings. */
interface Named {
  readonly name: string;
  readonly settings: JsonObject;
}

function named(saved: Json): Named {
  const { class_name: className, config } = isObject(saved) ? saved : { class_name: saved, config: {} };
  // A function is written as its name, and what wraps one has it as `fn`.
  const isFunction = typeof config === 'string';
  const settings = isObject(config) ? config : {};
  const given = isFunction ? config : typeof settings.fn === 'string' ? settings.fn : className;
  const short = folderName((typeof given === 'string' ? given : '').replace(/^.*>/, ''));
  const name = Object.hasOwn(ALIASES, short) ? ALIASES[short]! : short;
  return { name, settings };
}

const REDUCTIONS: readonly Json[] = ['auto', 'sum_over_batch_size'];
/** Settings that change nothing, or are read below. */
const KNOWN_SETTINGS = [
  'name',
  'dtype',
  'fn',
  'reduction',
  'from_logits',
  'label_smoothing',
  'delta',
  'axis',
];

/** What gives the numbers that a cross entropy takes, as long as nobody looks behind it. */
const FITTING: Readonly<Record<string, string>> = {
  binary_crossentropy: 'sigmoid',
  categorical_crossentropy: 'softmax',
  sparse_categorical_crossentropy: 'softmax',
};

/**
 * @param activation of the output, by its name
 * @throws ValueError for what TF.js computes otherwise, or not at all
 */
export function readLoss(saved: Json, activation: string | null): Loss {
  const { name, settings } = named(saved);
  const refuse = (reason: string): never => {
    throw new ValueError(`its loss ${show(name)} ${reason}`);
  };
  const {
    reduction = 'auto',
    from_logits: logits = false,
    label_smoothing: smoothing = 0,
    axis = -1,
  } = settings;
  const unknown = Object.entries(settings).find(
    ([key, value]) => !KNOWN_SETTINGS.includes(key) && value !== null && value !== false,
  );
  if (unknown) refuse(`has ${unknown[0]} ${show(unknown[1])}, which is not known here`);
  if (!REDUCTIONS.includes(reduction)) refuse(`has the reduction ${show(reduction)}, which TF.js lacks`);
  if (axis !== -1) refuse(`is taken along axis ${show(axis)}; TF.js takes the last`);
  if (typeof smoothing !== 'number') refuse(`has label_smoothing ${show(smoothing)}`);
  if (name === 'huber') {
    const { delta = 1 } = settings;
    if (typeof delta !== 'number') refuse(`has delta ${show(delta)}`);
    return { name: 'meanAbsoluteError', compute: huber(Number(delta)) };
  }
  const tfName = Object.hasOwn(TF_NAMES, name) ? TF_NAMES[name]! : refuse('is not in TF.js');
  if (!Object.hasOwn(CROSSENTROPIES, name)) {
    return logits !== true && smoothing === 0
      ? { name: tfName, compute: null }
      : refuse('has settings that TF.js lacks');
  }
  // Keras takes what goes into these activations for the logits, whatever the loss says.
  const isActivated = activation === 'softmax' || activation === 'sigmoid';
  if (isActivated && activation !== FITTING[name]) {
    refuse(`goes with ${FITTING[name]!}, and the output has ${activation}, behind which Keras looks`);
  }
  const isLogits = logits === true && !isActivated;
  if (!isLogits && smoothing === 0) return { name: tfName, compute: null };
  return { name: tfName, compute: CROSSENTROPIES[name]!(isLogits, Number(smoothing)) };
}

const NONE = [undefined, undefined, Reduction.NONE] as const;

const huber =
  (delta: number): LossFunction =>
  (yTrue, yPred) =>
    tidy(() => {
      const size = abs(sub(yPred, yTrue));
      const near = minimum(size, delta);
      return mean(add(mul(square(near), 0.5), mul(sub(size, near), delta)), -1);
    });

const smoothed = (yTrue: Tensor, smoothing: number, share: number): Tensor =>
  add(mul(yTrue, 1 - smoothing), smoothing * share);

/** Cross entropies of logits, or with smoothed labels. */
const CROSSENTROPIES: Readonly<Record<string, (isLogits: boolean, smoothing: number) => LossFunction>> = {
  binary_crossentropy: (isLogits, smoothing) => (yTrue, yPred) =>
    tidy(() => {
      const labels = smoothed(yTrue, smoothing, 0.5);
      if (!isLogits) return tfMetrics.binaryCrossentropy(labels, yPred);
      return mean(coreLosses.sigmoidCrossEntropy(labels, yPred, ...NONE), -1);
    }),
  categorical_crossentropy: (isLogits, smoothing) => (yTrue, yPred) =>
    tidy(() => {
      const labels = smoothed(yTrue, smoothing, 1 / yPred.shape.at(-1)!);
      if (!isLogits) return tfMetrics.categoricalCrossentropy(labels, yPred);
      return coreLosses.softmaxCrossEntropy(labels, yPred, ...NONE);
    }),
  sparse_categorical_crossentropy: () => (yTrue, yPred) =>
    tidy(() => {
      const labels = oneHot(cast(reshape(yTrue, [-1]), 'int32'), yPred.shape.at(-1)!);
      return coreLosses.softmaxCrossEntropy(reshape(labels, yPred.shape), yPred, ...NONE);
    }),
};

/** A metric as `compile` takes it. */
export type Metric = string | LossFunction;

const METRICS: Readonly<Record<string, Metric>> = {
  binary_accuracy: 'binaryAccuracy',
  categorical_accuracy: 'categoricalAccuracy',
  sparse_categorical_accuracy: (yTrue, yPred) => tfMetrics.sparseCategoricalAccuracy(yTrue, yPred),
  mean_squared_error: 'mse',
  mean_absolute_error: 'mae',
  mean_absolute_percentage_error: 'mape',
};

/**
 * @param loss of the same output
 * @param classes the last size of the output
 * @throws ValueError for one that TF.js computes otherwise, or not at all
 */
export function readMetric(saved: Json, { name: loss }: Loss, classes: number | null): Metric {
  const { name, settings } = named(saved);
  if (name === 'accuracy' || name === 'acc' || settings.name === 'accuracy') {
    // With this loss TF.js looks at each class by itself, and Keras at the likeliest one.
    return loss === 'binaryCrossentropy' && classes !== 1 ? 'categoricalAccuracy' : 'accuracy';
  }
  const isPlain = settings.threshold === undefined || settings.threshold === 0.5;
  if (Object.hasOwn(METRICS, name) && isPlain) return METRICS[name]!;
  throw new ValueError(`its metric ${show(name)} is not in TF.js`);
}
