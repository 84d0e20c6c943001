/** @file The values of settings, from Keras to TF.js and back: activations, initializers, regularizers, words. */
import { ValueError } from '../text/value-error.js';
import {
  resolveConstraint,
  resolveInitializer,
  resolveRegularizer,
  serializeObject,
} from '../layer/keras-objects.js';
import type { Findings } from './blockers.js';
import { type Json, type JsonObject, isObject } from './json.js';
import { camelCase, snakeCase } from '../text/naming.js';
import { reasonOf } from '../text/refusal.js';
import { show } from '../text/show.js';

/** Who writes the file, or is to read it. */
export type Dialect = 'tf-keras' | 'keras3';

/** Keras' activations by TF.js' names. Where two names mean the same, the first is written. */
const ACTIVATIONS: readonly (readonly [tfjs: string, keras: string])[] = [
  ...['elu', 'selu', 'relu', 'relu6', 'linear', 'sigmoid', 'softplus', 'softsign', 'tanh', 'softmax'].map(
    (name) => [name, name] as const,
  ),
  ['mish', 'mish'],
  ['gelu', 'gelu'],
  ['swish', 'swish'],
  ['swish', 'silu'],
  ['logSoftmax', 'log_softmax'],
  // tf-keras writes the function's own name where it has loaded the model before.
  ['logSoftmax', 'log_softmax_v2'],
  ['hardSigmoid', 'hard_sigmoid'],
];

const HARD_SIGMOID =
  'TF.js and tf-keras take clip(0.2·x + 0.5, 0, 1) for hard_sigmoid, Keras 3 takes relu6(x + 3) / 6';

const ACTIVATION_SETTINGS = ['activation', 'recurrent_activation'];

/** Settings of which TF.js spells the words in camelCase: `channels_last`, `multi_hot`. */
const WORD_SETTINGS = ['data_format', 'padding', 'interpolation', 'merge_mode', 'mode', 'output_mode'];

/** What to do where a layer uses what the other side lacks. */
export const REPLACE_ADVICE = 'Replace it in the model, and save it again.';

/** A setting of a Keras layer as TF.js takes it; undefined leaves it to TF.js' default. */
export function settingFromKeras(
  name: string,
  value: Json,
  { dialect, findings }: { readonly dialect: Dialect; readonly findings: Findings },
): unknown {
  if (value === null) return undefined;
  if (ACTIVATION_SETTINGS.includes(name)) return activationFromKeras(value, dialect);
  if (name.endsWith('_initializer')) return initializerFromKeras(name, value, findings);
  if (name.endsWith('_regularizer')) return serializeObject(resolveRegularizer(name, value));
  if (name.endsWith('_constraint')) return serializeObject(resolveConstraint(name, value));
  if (name === 'padding' && value === 'causal') {
    throw new ValueError(
      `its padding is causal, which TF.js does not compute. Pad the data in front, and use padding='valid'.`,
    );
  }
  if (WORD_SETTINGS.includes(name) && typeof value === 'string') return camelCase(value);
  return isObject(value) && isObject(value.config) && 'value' in value.config ? value.config.value : value;
}

function activationFromKeras(value: Json, dialect: Dialect): string {
  // Functions are written as their names, or as objects that hold them.
  const name = isObject(value) ? value.config : value;
  if (name === 'hard_sigmoid' && dialect === 'keras3') {
    throw new ValueError(`its activation is hard_sigmoid: ${HARD_SIGMOID}. ${REPLACE_ADVICE}`);
  }
  const found = ACTIVATIONS.find(([, keras]) => keras === name);
  if (found) return found[0];
  const known = ACTIVATIONS.map(([, keras]) => keras).join(', ');
  const given = isObject(name) && isObject(value) ? value.class_name : name;
  throw new ValueError(
    `its activation is ${show(given)}, which TF.js lacks; it has ${known}. ` + REPLACE_ADVICE,
  );
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

function activationToKeras(value: unknown, dialect: Dialect): string {
  if (value === 'hardSigmoid' && dialect === 'keras3') {
    throw new ValueError(
      `its activation is hardSigmoid: ${HARD_SIGMOID}. Save for: 'tf-keras', or train with 'sigmoid'.`,
    );
  }
  const found = ACTIVATIONS.find(([tfjs]) => tfjs === value);
  if (found) return found[1];
  throw new ValueError(
    `its activation is ${show(value)}, which Keras lacks. Use another one and train anew.`,
  );
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
