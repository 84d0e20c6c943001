/**
 * @file Keras' activations, and the names that TF.js finds them by: its own where they give Keras' numbers, else classes
 * of ours. TF.js knows an activation by a name alone, so one with settings of its own has them in its name:
 * `kerasLeakyRelu:0.3`. Sources: tf-keras 2.18 `activations.py`, Keras 3 `activations/activations.py`.
 */
import {
  type Tensor,
  abs,
  add,
  cast,
  clipByValue,
  cumsum,
  customGrad,
  div,
  elu,
  exp,
  expm1,
  greater,
  leakyRelu,
  maximum,
  minimum,
  mul,
  neg,
  onesLike,
  range,
  relu,
  serialization,
  sigmoid,
  softmax,
  softplus,
  split,
  sqrt,
  square,
  sub,
  sum,
  tanh,
  tidy,
  topk,
  transpose,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { stopGradient } from '../operation/stop-gradient.js';
import { registeredClass } from '../model/tensorflow-internals.js';
import { camelCase, snakeCase } from '../text/naming.js';
import { refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Json, type JsonObject, isObject } from './json.js';
import type { Dialect } from './layers/dialect.js';

/** What TF.js' layers hold as their activation; the class is not exported. */
export interface Activation extends serialization.Serializable {
  apply(x: Tensor): Tensor;
}

type ActivationFunction = (x: Tensor) => Tensor;

/** TF.js' own, by Keras' names. Where two names mean the same, the first is written. */
const STOCK: readonly (readonly [keras: string, tfjs: string])[] = [
  ...[
    'elu',
    'relu',
    'relu6',
    'linear',
    'sigmoid',
    'softplus',
    'softsign',
    'tanh',
    'softmax',
    'mish',
    'gelu',
  ].map((name) => [name, name] as const),
  ['softmax', 'softmax_v2'],
  ['swish', 'swish'],
  ['silu', 'swish'],
  ['log_softmax', 'logSoftmax'],
  // tf-keras writes the function's own name where it has loaded the model before.
  ['log_softmax_v2', 'logSoftmax'],
  ['hard_sigmoid', 'hardSigmoid'],
  // Written only: ours is read, since at 0 TF.js' has another gradient.
  ['selu', 'selu'],
];

/** Comparisons have no gradient, and TF.js asks for one. */
const isAbove = (a: Tensor | number, b: Tensor | number): Tensor =>
  greater(...([a, b].map((one) => (typeof one === 'number' ? one : stopGradient(one))) as [Tensor, Tensor]));

/** `x` where it is above a limit, 0 elsewhere. */
export const zeroBelow = (x: Tensor, limit: number): Tensor => where(isAbove(x, limit), x, zerosLike(x));

/** Its gradient at 6 is 0, as in Keras; that of TF.js' relu6 is 1. */
const relu6: ActivationFunction = (x) => minimum(6, relu(x));

const hardSigmoid: ActivationFunction = (x) => div(relu6(add(x, 3)), 6);

/** λ and λ·α of selu. */
const SELU = { positive: 1.0507009873554805, negative: 1.7580993408473766 };

/** Those that TF.js lacks, or computes otherwise, by Keras' names. */
const FUNCTIONS: Readonly<Record<string, ActivationFunction>> = {
  celu: (x) => add(maximum(x, 0), expm1(minimum(x, 0))),
  exponential: exp,
  glu: (x) => {
    if (x.shape.at(-1)! % 2 !== 0) {
      throw new ValueError(`glu halves the last axis, and ${show(x.shape)} has an odd size there.`);
    }
    const [value, gate] = split(x, 2, -1) as [Tensor, Tensor];
    return mul(value, sigmoid(gate));
  },
  hard_shrink: (x) => where(isAbove(abs(x), 0.5), x, zerosLike(x)),
  // Of Keras 3; that of tf-keras is TF.js' own.
  hard_sigmoid: hardSigmoid,
  hard_silu: (x) => mul(x, hardSigmoid(x)),
  hard_tanh: (x) => clipByValue(x, -1, 1),
  leaky_relu: (x) => leakyRelu(x, 0.2),
  // TF.js' logSigmoid reads x in its gradient without keeping it.
  log_sigmoid: (x) => neg(softplus(neg(x))),
  selu: (x) => where(isAbove(0, x), mul(expm1(minimum(x, 0)), SELU.negative), mul(x, SELU.positive)),
  soft_shrink: (x) => sub(x, clipByValue(x, -0.5, 0.5)),
  sparse_plus: (x) =>
    where(isAbove(x, -1), where(isAbove(1, x), mul(square(add(x, 1)), 0.25), x), zerosLike(x)),
  sparse_sigmoid: (x) =>
    where(isAbove(x, -1), where(isAbove(1, x), div(add(x, 1), 2), onesLike(x)), zerosLike(x)),
  sparsemax: (x) => maximum(sub(x, sparsemaxThreshold(x)), 0),
  squareplus: (x) => div(add(x, sqrt(add(square(x), 4))), 2),
  tanh_shrink: (x) => sub(x, tanh(x)),
};

/** Other names for the same. */
const ALIASES: Readonly<Record<string, string>> = { hard_swish: 'hard_silu' };

/** Those of `FUNCTIONS` that tf-keras has too, with the same numbers. */
const IN_TF_KERAS = ['exponential', 'leaky_relu', 'selu'];

/**
 * What Keras' sparsemax takes off. For a point of the simplex it should be that of the largest numbers whose sum, less 1,
 * is spread over them; Keras 3.15 adds up their running sums in place of their sum, so that what is left does not add up
 * to 1.
 */
function sparsemaxThreshold(x: Tensor): Tensor {
  return customGrad((given, save) => {
    const logits = given as Tensor;
    const size = logits.shape.at(-1)!;
    const { values: sorted, indices } = topk(logits, size);
    const sums = cumsum(sorted, logits.rank - 1);
    const isInSupport = cast(greater(sub(sorted, div(sub(sums, 1), range(1, size + 1))), 0), 'float32');
    const count = sum(isInSupport, -1, true);
    const value = div(sub(sum(mul(sums, isInSupport), -1, true), 1), count);
    // How many are larger.
    const ranks = cast(topk(neg(cast(indices, 'float32')), size).indices, 'float32');
    (save as (tensors: Tensor[]) => void)([ranks, count]);
    const gradFunc = (dy: Tensor, [rank, inSupport]: Tensor[]) =>
      mul(dy, div(maximum(sub(inSupport!, rank!), 0), inSupport!));
    return { value, gradFunc };
  })(x);
}

/** The settings of ReLU, Keras' in camelCase. */
export interface ReluSettings {
  readonly maxValue: number | null;
  readonly negativeSlope: number;
  readonly threshold: number;
}

/** `x` from the threshold up to the largest value, `negativeSlope·(x − threshold)` below. */
export function generalRelu(x: Tensor, { maxValue, negativeSlope, threshold }: ReluSettings): Tensor {
  if (maxValue === null && threshold === 0) return leakyRelu(x, negativeSlope);
  const above = threshold === 0 ? relu(x) : zeroBelow(x, threshold);
  const positive = maxValue === null ? above : clipByValue(above, 0, maxValue);
  return negativeSlope === 0 ? positive : sub(positive, mul(relu(sub(threshold, x)), negativeSlope));
}

/** `x` above 0, `alpha·(eˣ − 1)` below. */
export const scaledElu = (x: Tensor, alpha: number): Tensor =>
  alpha === 1 ? elu(x) : where(isAbove(x, 0), x, mul(elu(x), alpha));

function softmaxAlong(x: Tensor, axis: number): Tensor {
  const order = [...x.shape.keys()];
  const along = axis < 0 ? axis + x.rank : axis;
  [order[along], order[x.rank - 1]] = [order[x.rank - 1]!, order[along]!];
  return transpose(softmax(transpose(x, order)), order);
}

/** A layer that Keras takes for an activation. */
interface ActivationLayer {
  /** Its settings, in the order in which our name has them, with Keras' defaults. */
  readonly settings: Readonly<Record<string, number | null>>;
  readonly inTfKeras?: Readonly<Record<string, string>>;
  readonly notInKeras3?: true;
  readonly of: (values: readonly (number | null)[]) => ActivationFunction;
}

const LAYERS: Readonly<Record<string, ActivationLayer>> = {
  ReLU: {
    settings: { max_value: null, negative_slope: 0, threshold: 0 },
    of:
      ([maxValue, negativeSlope, threshold]) =>
      (x) =>
        generalRelu(x, { maxValue: maxValue!, negativeSlope: negativeSlope!, threshold: threshold! }),
  },
  LeakyReLU: {
    settings: { negative_slope: 0.3 },
    inTfKeras: { negative_slope: 'alpha' },
    of:
      ([slope]) =>
      (x) =>
        leakyRelu(x, slope!),
  },
  ELU: {
    settings: { alpha: 1 },
    of:
      ([alpha]) =>
      (x) =>
        scaledElu(x, alpha!),
  },
  ThresholdedReLU: {
    settings: { theta: 1 },
    notInKeras3: true,
    of:
      ([theta]) =>
      (x) =>
        zeroBelow(x, theta!),
  },
  Softmax: {
    settings: { axis: -1 },
    of:
      ([axis]) =>
      (x) =>
        softmaxAlong(x, axis!),
  },
};

const PREFIX = 'keras';

/** `hard_silu` as `kerasHardSilu`: TF.js writes such names in snake_case, and reads them in camelCase. */
const ourName = (keras: string): string => camelCase(`${PREFIX}_${keras}`);

/** `LeakyReLU` and `[0.3]` as `kerasLeakyRelu:0.3`. */
const nameWithSettings = (layer: string, values: readonly (number | null)[]): string =>
  [PREFIX + layer.replace('LU', 'lu'), ...values].map((part) => part ?? '').join(':');

/** The layer and its settings, of a name that has them. */
function readName(name: string): { layer: string; values: (number | null)[] } | null {
  const [first = '', ...given] = camelCase(name).split(':');
  const layer = Object.keys(LAYERS).find((one) => nameWithSettings(one, []) === first);
  const values = given.map((value) => (value === '' ? null : Number(value)));
  const isWhole = layer !== undefined && values.length === Object.keys(LAYERS[layer]!.settings).length;
  return isWhole && values.every((value) => value === null || Number.isFinite(value))
    ? { layer, values }
    : null;
}

function makeClass(name: string, apply: ActivationFunction) {
  return class extends serialization.Serializable implements Activation {
    static readonly className = name;

    apply(x: Tensor): Tensor {
      return tidy(() => apply(x));
    }

    getConfig() {
      return {};
    }
  };
}

/** The classes of activations that TF.js lacks, or computes otherwise, without those with settings. */
export const ACTIVATION_CLASSES = Object.entries(FUNCTIONS).map(([keras, apply]) =>
  makeClass(ourName(keras), apply),
);

/** The name of one of ours, in any spelling; undefined for others. */
const ourNameOf = (name: string): string | undefined =>
  [camelCase(name), ourName(snakeCase(name))].find(
    (own) => ACTIVATION_CLASSES.some(({ className }) => className === own) || readName(own) !== null,
  );

/** Has TF.js know one of ours. It stays known, since copies of a model ask for it. */
function register(name: string): string {
  if (registeredClass(name)) return name;
  const read = readName(name);
  const cls = read
    ? makeClass(name, LAYERS[read.layer]!.of(read.values))
    : ACTIVATION_CLASSES.find(({ className }) => className === name)!;
  serialization.registerClass(cls);
  return name;
}

/** TF.js' name of an activation in a file: of Keras', or one that TF.js has written. */
export function activationFromKeras(value: Json, dialect: Dialect): string {
  if (isObject(value) && typeof value.class_name === 'string' && Object.hasOwn(LAYERS, value.class_name)) {
    return register(fromLayer(value.class_name, isObject(value.config) ? value.config : {}));
  }
  // Functions are written as their names, or as objects that hold them.
  const name = isObject(value) ? value.config : value;
  const found = typeof name === 'string' ? tfjsName(name, dialect) : undefined;
  if (found !== undefined) return found;
  const known = [...new Set([...STOCK.map(([keras]) => keras), ...Object.keys(FUNCTIONS)])].join(', ');
  const given = isObject(name) && isObject(value) ? value.class_name : name;
  const reason =
    given === 'PReLU'
      ? 'its activation is a PReLU, a layer with weights of its own. Put it behind this layer'
      : `its activation is ${show(given)}, none of Keras' own: ${known}. Replace it in the model`;
  throw new ValueError(`${reason}, and save it again.`);
}

function tfjsName(name: string, dialect: Dialect): string | undefined {
  const keras = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
  const isStock = keras === 'hard_sigmoid' && dialect === 'tf-keras';
  if (Object.hasOwn(FUNCTIONS, keras) && !isStock) return register(ourName(keras));
  const stock = STOCK.find(([one]) => one === keras)?.[1];
  if (stock !== undefined) return stock;
  const own = ourNameOf(name);
  return own === undefined ? undefined : register(own);
}

function fromLayer(layer: string, config: JsonObject): string {
  const { settings, inTfKeras = {} } = LAYERS[layer]!;
  const values = Object.entries(settings).map(([name, fallback]) => {
    const value = config[name] ?? config[inTfKeras[name] ?? name] ?? fallback;
    if (value !== null && typeof value !== 'number') {
      refuse(ValueError, `its activation is a ${layer} whose ${name} is wrong`, 'a number', value);
    }
    return value;
  });
  return nameWithSettings(layer, values);
}

/** Keras' name, or description, of an activation of TF.js' or ours. */
export function activationToKeras(name: unknown, dialect: Dialect): Json {
  if (typeof name === 'string') {
    const read = readName(name);
    if (read) return toLayer(read, dialect);
    const keras = Object.keys(FUNCTIONS).find((one) => ourName(one) === name);
    if (keras !== undefined) {
      if (dialect === 'keras3' || IN_TF_KERAS.includes(keras)) return keras;
      const reason = keras === 'hard_sigmoid' ? HARD_SIGMOID : `tf-keras has no ${keras}`;
      throw new ValueError(`its activation is ${show(name)}: ${reason}. Save for: 'keras3'.`);
    }
    if (name === 'hardSigmoid' && dialect === 'keras3') {
      throw new ValueError(`its activation is hardSigmoid: ${HARD_SIGMOID}. Save for: 'tf-keras'.`);
    }
    const found = STOCK.find(([, tfjs]) => tfjs === name);
    if (found) return found[0];
  }
  throw new ValueError(`its activation is ${show(name)}, which Keras lacks. Use another one and train anew.`);
}

const HARD_SIGMOID =
  'TF.js and tf-keras take clip(0.2·x + 0.5, 0, 1) for hard_sigmoid, Keras 3 takes relu6(x + 3) / 6';

function toLayer({ layer, values }: { layer: string; values: readonly (number | null)[] }, dialect: Dialect) {
  const { settings, inTfKeras = {}, notInKeras3 } = LAYERS[layer]!;
  if (notInKeras3 && dialect === 'keras3') {
    throw new ValueError(`its activation is a ${layer}, which Keras 3 lacks. Save for: 'tf-keras'.`);
  }
  const names = Object.keys(settings).map((name) => (dialect === 'tf-keras' && inTfKeras[name]) || name);
  const config = Object.fromEntries(names.map((name, i): [string, Json] => [name, values[i]!]));
  return {
    module: 'keras.layers',
    class_name: layer,
    config: { ...config, name: snakeCase(layer), dtype: 'float32' },
    registered_name: null,
  };
}

/**
 * What a layer of ours holds as its activation: TF.js' or ours of that name, or the object itself. None is linear.
 *
 * @throws ValueError for a name that is not known
 */
export function resolveActivation(argument: string, identifier: unknown): Activation {
  if (identifier != null && typeof identifier === 'object' && 'apply' in identifier)
    return identifier as Activation;
  const name = identifier ?? 'linear';
  if (typeof name !== 'string') {
    refuse(TypeError, argument, "an activation's name, such as 'relu', or an activation", name);
  }
  const own = registeredClass(name) ? name : ourNameOf(name);
  const [cls] = own === undefined ? [] : registeredClass(register(own))!;
  if (cls && typeof (cls.prototype as Partial<Activation>).apply === 'function') {
    return new (cls as unknown as new () => Activation)();
  }
  throw new ValueError(
    `${argument}: there is no activation ${show(name)}. Give one of TF.js' or Keras' names.`,
  );
}
