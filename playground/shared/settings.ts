/**
 * @file What can be set in the playground: its type, the defaults, and the one place where a value given as text, in the
 * page or in an address, is checked.
 */
import { show } from '../../src/text/show.js';
import { ValueError } from '../../src/text/value-error.js';

export const NETWORKS = ['a', 'b'] as const;
export type NetworkName = (typeof NETWORKS)[number];
export type Each<T> = Readonly<Record<NetworkName, T>>;

export const TITLES: Each<string> = { a: 'Network A', b: 'Network B' };

/** Something for each of the two networks, made one after the other. */
export const forEach = <T>(make: (name: NetworkName) => T): Each<T> => ({ a: make('a'), b: make('b') });

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
  /** Each network's normalization; null for none. */
  readonly layers: Each<LayerArguments | null>;
}

/** The paper's network: its layer, sigmoids and plain gradient descent, where normalization tells most. */
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
  layers: { a: null, b: {} },
};

/** The settings that are one value, and not a layer's arguments. */
export type ValueName = Exclude<keyof Settings, 'layers'>;

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
  const refuse = (expected: string): never => {
    throw new ValueError(`${LABELS[name]}: expected ${expected}, received ${show(text)}.`);
  };
  if (accepted.kind === 'choice') {
    return accepted.choices.includes(text) ? text : refuse(`one of ${accepted.choices.join(', ')}`);
  }
  const { least, most, isWhole } = accepted;
  const value = text.trim() === '' ? NaN : Number(text);
  const isAccepted = value >= least && value <= most && (!isWhole || Number.isInteger(value));
  return isAccepted ? value : refuse(`a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`);
}

/**
 * The settings with one of them changed. Toy data has two features and nothing to convolve: choosing it makes the
 * networks dense.
 */
export function withValue(settings: Settings, name: ValueName, value: string | number): Settings {
  const changed: Settings = { ...settings, [name]: value };
  return hasImages(changed.data) ? changed : { ...changed, kind: 'dense' };
}
