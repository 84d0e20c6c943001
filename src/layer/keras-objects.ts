/**
 * @file Initializers, regularizers and constraints: from what a user or a saved file gives (an object, a
 * configuration, a name of TF.js or of Keras) to TF.js' objects, and back to a configuration.
 *
 * Names and class names are compared without case and underscores, so that `heNormal`, `he_normal` and `HeNormal` are
 * one. The objects themselves are TF.js' own.
 */
import type { serialization } from '@tensorflow/tfjs-core';
import { constraints, initializers, layers, regularizers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { camelCase } from '../text/naming.js';
import { show } from '../text/show.js';
import { registeredClass } from '../model/tensorflow-internals.js';

/** A TF.js initializer, such as `tf.initializers.ones()`. */
export type Initializer = ReturnType<typeof initializers.ones>;
/** A TF.js regularizer, such as `tf.regularizers.l2({ l2: 1e-4 })`. */
export type Regularizer = ReturnType<typeof regularizers.l1l2>;
/** A TF.js constraint, such as `tf.constraints.nonNeg()`. */
export type Constraint = ReturnType<typeof constraints.maxNorm>;

/** A saved object: `{ className, config }` as TF.js writes it, `{ class_name, config }` as Keras does. */
export interface ObjectConfiguration {
  className?: string;
  class_name?: string;
  config?: Record<string, unknown> | null;
}

type KerasObject = Initializer | Regularizer | Constraint;
type Configuration = Record<string, unknown>;
type Factory<T> = (configuration: Configuration) => T;

interface Kind<T> {
  /** The word for messages. */
  readonly noun: string;
  /** How to make each object that TF.js has, by its name without case and underscores. */
  readonly factories: Record<string, Factory<T>>;
  /** Names worth suggesting. */
  readonly examples: string;
  /** What TF.js' classes of this kind inherit; the class itself is not exported. */
  readonly base: object;
}

const baseOf = (object: object): object =>
  Object.getPrototypeOf(Object.getPrototypeOf(object) as object) as object;

const INITIALIZERS: Kind<Initializer> = {
  noun: 'initializer',
  base: baseOf(initializers.zeros()),
  examples: "'zeros', 'ones', 'randomNormal', 'heNormal'",
  factories: {
    zeros: () => initializers.zeros(),
    zero: () => initializers.zeros(),
    ones: () => initializers.ones(),
    one: () => initializers.ones(),
    // Keras' Constant starts at 0 when nobody says otherwise; TF.js' refuses.
    constant: (c) => initializers.constant({ value: 0, ...c }),
    randomnormal: (c) => initializers.randomNormal(c),
    normal: (c) => initializers.randomNormal(c),
    randomuniform: (c) => initializers.randomUniform(c),
    uniform: (c) => initializers.randomUniform(c),
    truncatednormal: (c) => initializers.truncatedNormal(c),
    variancescaling: (c) => initializers.varianceScaling(c),
    glorotnormal: (c) => initializers.glorotNormal(c),
    glorotuniform: (c) => initializers.glorotUniform(c),
    henormal: (c) => initializers.heNormal(c),
    heuniform: (c) => initializers.heUniform(c),
    lecunnormal: (c) => initializers.leCunNormal(c),
    lecununiform: (c) => initializers.leCunUniform(c),
    identity: (c) => initializers.identity(c),
    orthogonal: (c) => initializers.orthogonal(c),
    // Keras 3 before 3.7.
    orthogonalinitializer: (c) => initializers.orthogonal(c),
  },
};

const penalty = (value: unknown, fallback: number) => (typeof value === 'number' ? value : fallback);

const REGULARIZERS: Kind<Regularizer> = {
  noun: 'regularizer',
  base: baseOf(regularizers.l1l2({ l1: 0, l2: 0 })),
  examples: "'l1', 'l2', 'l1l2'",
  factories: {
    l1: (c) => regularizers.l1({ l1: penalty(c.l1, 0.01) }),
    l2: (c) => regularizers.l2({ l2: penalty(c.l2, 0.01) }),
    l1l2: (c) => regularizers.l1l2({ l1: penalty(c.l1, 0), l2: penalty(c.l2, 0) }),
  },
};

const CONSTRAINTS: Kind<Constraint> = {
  noun: 'constraint',
  base: baseOf(constraints.nonNeg()),
  examples: "'nonNeg', 'maxNorm', 'unitNorm', 'minMaxNorm'",
  factories: {
    maxnorm: (c) => constraints.maxNorm(c),
    minmaxnorm: (c) => constraints.minMaxNorm(c),
    nonneg: () => constraints.nonNeg(),
    unitnorm: (c) => constraints.unitNorm(c),
  },
};

/** A configuration's keys and its words (`fan_in`) as TF.js spells them. */
const camelCased = (configuration: Configuration): Configuration =>
  Object.fromEntries(
    Object.entries(configuration).map(([key, value]) => [
      camelCase(key),
      typeof value === 'string' ? camelCase(value) : value,
    ]),
  );

function fromName<T extends KerasObject>(
  kind: Kind<T>,
  argument: string,
  name: string,
  config: Configuration,
): T {
  const plainName = name.replace(/V2$/, '').replaceAll('_', '').toLowerCase();
  const factory = Object.hasOwn(kind.factories, plainName) ? kind.factories[plainName] : undefined;
  if (factory) return factory(camelCased(config));
  // A class of the user's, registered with tf.serialization.registerClass.
  const [registered, fromConfig] = registeredClass(name) ?? [];
  if (registered && fromConfig && isObject(kind, registered.prototype)) {
    return fromConfig(registered, config as serialization.ConfigDict) as T;
  }
  throw new ValueError(
    `${argument}: unknown ${kind.noun} ${show(name)}. Give one of TF.js' or Keras' names (${kind.examples}, ...), ` +
      `its configuration, an object, or register your class with tf.serialization.registerClass first.`,
  );
}

/** What of TF.js' has an `apply` of another meaning: layers, activations, and objects of the other kinds. */
const basesOfOthers = (kind: object): object[] => [
  layers.Layer.prototype,
  Object.getPrototypeOf(registeredClass('linear')![0].prototype) as object,
  ...[INITIALIZERS, REGULARIZERS, CONSTRAINTS].filter((other) => other !== kind).map(({ base }) => base),
];

/** TF.js does not export the classes to extend, so anything with `apply` will do, unless it is something else of TF.js'. */
const isObject = (kind: object, value: unknown): value is KerasObject =>
  typeof value === 'object' &&
  value !== null &&
  'apply' in value &&
  typeof value.apply === 'function' &&
  !basesOfOthers(kind).some((base) => Object.prototype.isPrototypeOf.call(base, value));

function resolve<T extends KerasObject>(kind: Kind<T>, argument: string, identifier: unknown): T {
  if (typeof identifier === 'string') {
    // As a name, and only so, Keras gives l1_l2 a weight of 0.01 for both.
    const byName = kind.noun === 'regularizer' && /^l1_?l2$/.test(identifier) ? { l1: 0.01, l2: 0.01 } : {};
    return fromName(kind, argument, identifier, byName);
  }
  if (isObject(kind, identifier)) return identifier as T;
  if (typeof identifier === 'object' && identifier !== null) {
    const { className, class_name: kerasClassName, config } = identifier as ObjectConfiguration;
    const name = className ?? kerasClassName;
    if (typeof name === 'string') return fromName(kind, argument, name, config ?? {});
  }
  throw new ValueError(
    `${argument}: expected a name (${kind.examples}, ...), a configuration ({ className, config }) or a TF.js ` +
      `${kind.noun}, received ${show(identifier)}.`,
  );
}

/** The initializer that `identifier` names, describes or is. */
export const resolveInitializer = (argument: string, identifier: unknown): Initializer =>
  resolve(INITIALIZERS, argument, identifier);

/** The regularizer that `identifier` names, describes or is; null for none. */
export const resolveRegularizer = (argument: string, identifier: unknown): Regularizer | null =>
  identifier == null ? null : resolve(REGULARIZERS, argument, identifier);

/** The constraint that `identifier` names, describes or is; null for none. */
export const resolveConstraint = (argument: string, identifier: unknown): Constraint | null =>
  identifier == null ? null : resolve(CONSTRAINTS, argument, identifier);

/** The configuration that TF.js and Keras save for an object. */
export const serializeObject = (object: KerasObject | null): serialization.ConfigDict | null =>
  object && { className: object.getClassName(), config: object.getConfig() };
