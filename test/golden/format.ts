/** @file What the golden data look like, and when a result agrees with them. Nothing of Node: pages use it too. */

/** An array as the oracle wrote it; NaN and the infinities travel as strings. */
export interface Packed {
  shape: number[];
  dtype: 'float32' | 'float64' | 'int32' | 'bool';
  data: (number | 'NaN' | 'Infinity' | '-Infinity')[];
}

/** One call of the layer and everything that Keras left behind after it. */
export interface GoldenStep {
  training: boolean;
  trainable: boolean;
  x: Packed;
  dy: Packed;
  mask?: Packed;
  y: Packed;
  /** Gradients of sum(y·dy) by name: x, gamma, beta. */
  gradients: Record<string, Packed>;
  weightsAfter: Record<string, Packed>;
}

/** One layer, called several times. */
export interface GoldenCase {
  name: string;
  /** Keras' arguments, under Keras' names. */
  args: Record<string, unknown>;
  inputShape: number[];
  weightOrder: string[];
  initialWeights: Record<string, Packed>;
  /** The initial weights are those of Keras' initializers, not random ones that were set. */
  initialized?: boolean;
  adjustment?: { scale: Packed; bias: Packed };
  /** Keras ran its fused kernel: Bessel's correction, masks ignored. */
  fusedInKeras: boolean;
  steps: GoldenStep[];
}

/** An attempt that Keras refuses (`errors`) or lets pass (`accepted`). */
export interface GoldenAttempt {
  name: string;
  args: Record<string, unknown>;
  adjustment: boolean;
  buildShape: (number | null)[] | null;
  callShape: number[] | null;
  training: boolean;
  maskShape?: number[] | null;
  when?: 'construct' | 'build' | 'call';
  type?: string;
}

/** A whole training of a model that tf-keras made. */
export interface GoldenRun {
  name: string;
  tolerance: number;
  modelConfig: Record<string, unknown>;
  optimizer:
    | { class: 'sgd' | 'adam'; learningRate: number }
    | { class: 'momentum'; learningRate: number; momentum: number };
  freezeAfter: number | null;
  initialWeights: Packed[];
  x: Packed;
  labels: Packed;
  losses: number[];
  finalWeights: Packed[];
  prediction: Packed;
}

/** What tf-keras makes of a training that a program describes, in lists by name. */
export interface GoldenTraining {
  name: string;
  results: Record<string, number[]>;
}

/** The groups of layer cases in float32. */
export const LAYER_GROUPS = [
  'adjustment',
  'axis',
  'fused',
  'initial',
  'mask',
  'mixed',
  'options',
  'renorm',
  'virtual_batch_size',
] as const;
export type LayerGroup = (typeof LAYER_GROUPS)[number];

/** The numbers of a packed array, in double precision. */
export const unpack = (packed: Packed) => Float64Array.from(packed.data, Number);

/** Keras' argument names, at every depth, as this library spells them: `gamma_initializer` → `gammaInitializer`. */
export function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCase);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelCase(inner),
    ]),
  );
}

/**
 * The largest difference relative to the array's largest magnitude, which counts as at least 1: golden arrays agree
 * when this is at most 2e-5 in float32, 1e-12 in float64. NaN agrees with NaN only.
 */
export function relativeError(got: ArrayLike<number>, want: Packed): number {
  const wanted = unpack(want);
  if (got.length !== wanted.length) return Infinity;
  let scale = 1;
  for (const value of wanted) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  let largest = 0;
  wanted.forEach((value, i) => {
    if (Object.is(got[i], value) || (Number.isNaN(value) && Number.isNaN(got[i]))) return;
    const error = Math.abs(got[i]! - value) / scale;
    if (!(error <= largest)) largest = Number.isNaN(error) ? Infinity : error;
  });
  return largest;
}

/** A file of weights alone, or of an old form. */
export interface GoldenWeights {
  name: string;
  /** What `to_json` of the model gave. */
  json: string;
  inputs: Packed[];
  outputs: Packed[];
  /** In base64. */
  file: string;
}

/** A HDF5 file, and what h5py read in it. */
export interface GoldenHdf5 {
  name: string;
  /** The names in each group. */
  groups: Record<string, string[]>;
  /** Attributes that are a text or a list of them, by paths. */
  texts: Record<string, Record<string, string | string[]>>;
  /** As float32, by paths. */
  numbers: Record<string, Packed>;
  /** In base64. */
  file: string;
}
