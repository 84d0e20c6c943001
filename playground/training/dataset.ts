/** @file Samples and their classes, which of them train, and how batches of them become tensors. */
import { type Tensor, type Tensor2D, cast, oneHot, tensor, tensor1d } from '@tensorflow/tfjs-core';
import { CLASSES, PIXELS, SIDE, type Digits } from '../../shared/digits.js';
import type { Random } from '../../shared/random.js';
import type { Points, Samples } from '../shared/protocol.js';
import type { Settings } from '../shared/settings.js';

export interface Dataset {
  /** What the samples are, in words. */
  readonly source: string;
  /** Values of one sample. */
  readonly size: number;
  readonly classes: number;
  /** All samples, one after the other: pixels from 0 to 255 (bytes), or features as they are. */
  readonly features: Uint8Array | Float32Array;
  readonly labels: Uint8Array;
  /** Which samples train, and which test. */
  readonly training: Uint32Array;
  readonly test: Uint32Array;
}

/** Images of 28×28 bytes of which the first `trainingCount` train; four fifths, shuffled, where none is given. */
export function imageDataset(
  source: string,
  { images, labels }: Digits,
  split: Random | { readonly trainingCount: number },
): Dataset {
  const count = labels.length;
  const isGiven = 'trainingCount' in split;
  const order = isGiven ? Uint32Array.from({ length: count }, (_, i) => i) : split.permutation(count);
  const trainingCount = isGiven ? split.trainingCount : Math.floor((count * 4) / 5);
  return {
    source,
    size: PIXELS,
    classes: CLASSES,
    features: images,
    labels,
    training: order.subarray(0, trainingCount),
    test: order.subarray(trainingCount),
  };
}

/** A sample's shape as a network takes it. */
export const sampleShape = ({ size }: Dataset, kind: 'dense' | 'convolutional'): number[] =>
  kind === 'convolutional' ? [SIDE, SIDE, 1] : [size];

/** The features of some samples, pixels scaled to 0 … 1. */
export function featuresOf(
  { features, size }: Dataset,
  which: Uint32Array,
  shape: readonly number[],
): Tensor {
  const values = new Float32Array(which.length * size);
  // The shape of the loop matters: Float32Array.from with a function takes ten times as long.
  const scale = features instanceof Uint8Array ? 1 / 255 : 1;
  which.forEach((sample, i) => {
    for (let j = 0; j < size; j++) values[i * size + j] = features[sample * size + j]! * scale;
  });
  return tensor(values, [which.length, ...shape]);
}

/** The classes of some samples, one-hot. */
export function classesOf({ labels, classes }: Dataset, which: Uint32Array): Tensor2D {
  const chosen = Int32Array.from(which, (sample) => labels[sample]!);
  return cast(oneHot(tensor1d(chosen, 'int32'), classes), 'float32') as Tensor2D;
}

/** Batches of training samples without end: every sample once before any comes again, but for an epoch's remainder. */
export function* batchesOf(
  { training }: Dataset,
  size: number,
  random: Random,
): Generator<Uint32Array, never> {
  for (;;) {
    const order = random.permutation(training.length).map((i) => training[i]!);
    for (let start = 0; start + size <= order.length; start += size)
      yield order.subarray(start, start + size);
  }
}

/** Test samples per measurement; more would slow the run down and move the curves by less than a pixel. */
const MEASURED = { dense: 1000, convolutional: 400 } as const;

/** The test samples that networks are measured on. */
export const measuredSamples = ({ test }: Dataset, kind: Settings['kind']): Uint32Array =>
  test.subarray(0, MEASURED[kind]);

/** These samples themselves, where they are images. */
export function samplesOf(dataset: Dataset, kind: Settings['kind']): Samples | null {
  const { features, size, labels } = dataset;
  if (!(features instanceof Uint8Array)) return null;
  const which = measuredSamples(dataset, kind);
  const images = new Uint8Array(which.length * size);
  which.forEach((sample, i) => {
    images.set(features.subarray(sample * size, (sample + 1) * size), i * size);
  });
  return { images, labels: Uint8Array.from(which, (sample) => labels[sample]!) };
}

/** More would only hide the picture. */
const DRAWN_POINTS = 200;

/** Test points to draw, where samples are points. */
export function pointsOf({ features, size, labels, test }: Dataset): Points | null {
  if (!(features instanceof Float32Array)) return null;
  const which = test.subarray(0, DRAWN_POINTS);
  return {
    coordinates: Float32Array.from({ length: which.length * size }, (_, i) => {
      const sample = which[Math.floor(i / size)]!;
      return features[sample * size + (i % size)]!;
    }),
    labels: Uint8Array.from(which, (sample) => labels[sample]!),
  };
}
