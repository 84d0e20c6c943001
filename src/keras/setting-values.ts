/** @file The values of settings, from Keras to TF.js and back: initializers, regularizers, words. */
import { ValueError } from '../text/value-error.js';
import {
  resolveConstraint,
  resolveInitializer,
  resolveRegularizer,
  serializeObject,
} from '../layer/keras-objects.js';
import { activationFromKeras, activationToKeras } from './activations.js';
import type { Dialect } from './layers/dialect.js';
import type { Findings } from './blockers.js';
import { type Json, type JsonObject, isObject } from './json.js';
import { camelCase, snakeCase } from '../text/naming.js';
import { reasonOf } from '../text/refusal.js';
import { show } from '../text/show.js';

export type { Dialect };

const ACTIVATION_SETTINGS = ['activation', 'recurrent_activation'];

/** Settings of which TF.js spells the words in camelCase: `channels_last`, `multi_hot`. */
const WORD_SETTINGS = [
  ...['data_format', 'padding', 'interpolation', 'merge_mode', 'mode', 'output_mode'],
  ...['standardize', 'split'],
];

/** What to do where a layer uses what the other side lacks. */
export const REPLACE_ADVICE = 'Replace it in the model, and save it again.';

/** True or false; Python takes 1 and 0 for them too, and files keep these. */
const FLAG_SETTINGS = [
  'use_bias',
  'return_sequences',
  'return_state',
  'go_backwards',
  'stateful',
  'unroll',
  'time_major',
  'zero_output_for_mask',
  'reset_after',
  'unit_forget_bias',
  'use_scale',
  'keepdims',
  'center',
];

/** Settings that are whole numbers, one or a list: TF.js looks at few of them before it computes with them. */
const SIZE_SETTINGS = [
  ...['units', 'filters', 'n', 'input_dim', 'output_dim', 'dims', 'target_shape'],
  ...['kernel_size', 'pool_size', 'strides', 'dilation_rate', 'size'],
];

/** More than tensors have dimensions, in any library. */
const MOST_SIZES = 64;

/** @throws ValueError for anything but whole numbers */
function checkSizes(name: string, value: Json): Json {
  const sizes = [value].flat();
  if (sizes.length <= MOST_SIZES && sizes.every((size) => size === null || Number.isInteger(size))) {
    return value;
  }
  throw new ValueError(
    `its ${name} is ${show(value)}, where a whole number is expected, or at most ${MOST_SIZES} in a list.`,
  );
}

/** A setting of a Keras layer as TF.js takes it; undefined leaves it to TF.js' default. */
export function settingFromKeras(
  name: string,
  value: Json,
  { dialect, findings }: { readonly dialect: Dialect; readonly findings: Findings },
): unknown {
  if (value === null) return undefined;
  if (FLAG_SETTINGS.includes(name) && typeof value === 'number') return value !== 0;
  if (ACTIVATION_SETTINGS.includes(name)) return activationFromKeras(value, dialect);
  if (name.endsWith('_initializer')) return initializerFromKeras(name, value, findings);
  if (name.endsWith('_regularizer')) return serializeObject(resolveRegularizer(name, value));
  if (name.endsWith('_constraint')) return serializeObject(resolveConstraint(name, value));
  if (WORD_SETTINGS.includes(name) && typeof value === 'string') return camelCase(value);
  const own =
    isObject(value) && isObject(value.config) && 'value' in value.config ? value.config.value! : value;
  return SIZE_SETTINGS.includes(name) ? checkSizes(name, own) : own;
}

/** The file brings the weights, so an initializer that TF.js lacks changes nothing that is computed. */
function initializerFromKeras(name: string, value: Json, findings: Findings): unknown {
  try {
    return serializeObject(resolveInitializer(name, value));
  } catch (error) {
    findings.note(`${reasonOf(error)} The default takes its place; the weights are those of the file.`);
    return undefined;
  }
}

/** A setting of a TF.js layer as Keras takes it. */
export function settingToKeras(name: string, value: unknown, dialect: Dialect): Json {
  if (value === undefined || value === null) return null;
  if (ACTIVATION_SETTINGS.includes(name)) return activationToKeras(value, dialect);
  const kind = /_(initializer|regularizer|constraint)$/.exec(name)?.[1];
  if (kind) return objectToKeras(value, `keras.${kind}s`, dialect);
  if (WORD_SETTINGS.includes(name) && typeof value === 'string') return snakeCase(value);
  // What is left over is null in TF.js and -1 in Keras.
  if (name === 'target_shape') return (value as (number | null)[]).map((size) => size ?? -1);
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** Classes that Keras spells differently. */
const KERAS_CLASSES: Record<string, string> = { LeCunNormal: 'LecunNormal', LeCunUniform: 'LecunUniform' };
/** TF.js draws 'normal' from a truncated normal distribution. */
const KERAS_WORDS: Record<string, string> = { normal: 'truncated_normal' };

const OBJECT_CLASSES = new Set(
  `Zeros Ones Constant RandomUniform RandomNormal TruncatedNormal Identity VarianceScaling GlorotUniform GlorotNormal
   HeNormal HeUniform LecunNormal LecunUniform Orthogonal L1L2 MaxNorm UnitNorm NonNeg MinMaxNorm`.split(
    /\s+/,
  ),
);

function objectToKeras(value: unknown, module: string, dialect: Dialect): JsonObject {
  const { className, config } = value as { className: string; config?: Record<string, Json | undefined> };
  const kerasClass = KERAS_CLASSES[className] ?? className;
  if (!OBJECT_CLASSES.has(kerasClass)) {
    throw new ValueError(
      `it uses ${show(className)}, a class of your own, which Keras does not know. Leave it out.`,
    );
  }
  const entries = Object.entries(config ?? {}).map(([key, inner]): [string, Json] => [
    snakeCase(key),
    typeof inner === 'string' ? (KERAS_WORDS[inner] ?? snakeCase(inner)) : (inner ?? null),
  ]);
  return {
    module,
    // The name that every Keras 3 knows.
    class_name: dialect === 'keras3' && kerasClass === 'Orthogonal' ? 'OrthogonalInitializer' : kerasClass,
    config: Object.fromEntries(entries.filter(([, inner]) => inner !== null)),
    registered_name: null,
  };
}
