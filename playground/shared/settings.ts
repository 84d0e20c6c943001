/**
 * @file What can be set in the playground: its type, the defaults, and the one place where a value given as text, in the
 * page or in an address, is checked.
 */
import { show } from '../../src/text/show.js';
import { ValueError } from '../../src/text/value-error.js';

/** What addresses and the style sheet call the networks: as many as there can be side by side. */
export const NETWORK_KEYS = ['a', 'b', 'c'] as const;
export type NetworkKey = (typeof NETWORK_KEYS)[number];

export const DATA_SETS = ['digits', 'circles', 'moons', 'xor', 'spirals', 'files'] as const;
export type DataName = (typeof DATA_SETS)[number];
export type ToySetName = Exclude<DataName, 'digits' | 'files'>;

export const hasImages = (data: DataName): boolean => data === 'digits' || data === 'files';

export const ACTIVATIONS = ['sigmoid', 'tanh', 'relu', 'elu', 'selu', 'softplus', 'swish', 'linear'] as const;
export const OPTIMIZERS = ['sgd', 'momentum', 'rmsprop', 'adagrad', 'adam'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];
export const BACKENDS = ['wasm', 'cpu', 'webgl', 'webgpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/**
 * Arguments of the layer as JSON, checked by the layer itself. `adjustment`, a function there, is
 * `{ scale, bias }` here: how far a random scale and bias per channel stray from 1 and 0.
 */
export type LayerArguments = Readonly<Record<string, unknown>>;

/** What one network has for itself. */
export interface NetworkSettings {
  /** Its normalization; null for none. */
  readonly layer: LayerArguments | null;
  /** After how many steps its normalizations are frozen; null for never. */
  readonly frozenAfter: number | null;
}

export interface Settings {
  readonly data: DataName;
  /** What all randomness comes from: the data, the initial weights, the batches. */
  readonly seed: number;
  readonly kind: 'dense' | 'convolutional';
  /** Hidden layers. */
  readonly depth: number;
  /** Units, or filters, of each of them. */
  readonly width: number;
  readonly activation: (typeof ACTIVATIONS)[number];
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly backend: BackendName;
  /** How many threads share each batch, with the same results. */
  readonly threads: number;
  /** One or more, and no more than there are keys. */
  readonly networks: readonly NetworkSettings[];
}

/**
 * The paper's network: its layer, sigmoids and plain gradient descent, where normalization tells most. With a momentum of
 * 0.9 the moving statistics are right from the start; another preset shows those of 0.99.
 */
export const DEFAULTS: Settings = {
  data: 'digits',
  seed: 1,
  kind: 'dense',
  depth: 3,
  width: 64,
  activation: 'sigmoid',
  optimizer: 'sgd',
  learningRate: 0.1,
  batchSize: 60,
  backend: 'wasm',
  threads: 1,
  networks: [
    { layer: null, frozenAfter: null },
    { layer: { momentum: 0.9 }, frozenAfter: null },
  ],
};

/** The settings that are one value, and the same for all networks. */
export type ValueName = Exclude<keyof Settings, 'networks'>;

export interface Choice {
  readonly kind: 'choice';
  readonly choices: readonly string[];
}
export interface Range {
  readonly kind: 'number';
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
}

const choice = (choices: readonly string[]): Choice => ({ kind: 'choice', choices });
const whole = (least: number, most: number): Range => ({ kind: 'number', least, most, isWhole: true });

/** What each setting accepts. */
export const ACCEPTED: Readonly<Record<ValueName, Choice | Range>> = {
  data: choice(DATA_SETS),
  seed: whole(0, 2 ** 32 - 1),
  kind: choice(['dense', 'convolutional']),
  depth: whole(1, 8),
  width: whole(1, 256),
  activation: choice(ACTIVATIONS),
  optimizer: choice(OPTIMIZERS),
  learningRate: { kind: 'number', least: 1e-6, most: 100, isWhole: false },
  batchSize: whole(1, 512),
  backend: choice(BACKENDS),
  threads: whole(1, 2),
};

/** After how many steps a network can be frozen. */
export const FROZEN_AFTER: Range = whole(0, 1_000_000);

/** What the page calls each setting. */
export const LABELS: Readonly<Record<ValueName, string>> = {
  data: 'Data',
  seed: 'Seed',
  kind: 'Layers',
  depth: 'Depth',
  width: 'Width',
  activation: 'Activation',
  optimizer: 'Optimizer',
  learningRate: 'Learning rate',
  batchSize: 'Batch size',
  backend: 'Backend',
  threads: 'Threads',
};

/**
 * A setting's value from text.
 *
 * @throws ValueError for a value that is not accepted
 */
export function parseValue(name: ValueName, text: string): string | number {
  const accepted = ACCEPTED[name];
  if (accepted.kind === 'number') return parseNumber(LABELS[name], text, accepted);
  return accepted.choices.includes(text)
    ? text
    : refuse(LABELS[name], `one of ${accepted.choices.join(', ')}`, text);
}

/** @throws ValueError for what is no number, or out of range */
export function parseNumber(label: string, text: string, { least, most, isWhole }: Range): number {
  const value = text.trim() === '' ? NaN : Number(text);
  const isAccepted = value >= least && value <= most && (!isWhole || Number.isInteger(value));
  return isAccepted
    ? value
    : refuse(label, `a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`, text);
}

function refuse(label: string, expected: string, text: string): never {
  throw new ValueError(`${label}: expected ${expected}, received ${show(text)}.`);
}

/**
 * The settings with one of them changed. Toy data has two features and nothing to convolve: choosing it makes the
 * networks dense.
 */
export function withValue(settings: Settings, name: ValueName, value: string | number): Settings {
  const changed: Settings = { ...settings, [name]: value };
  return hasImages(changed.data) ? changed : { ...changed, kind: 'dense' };
}
