/** @file What small batches make of one and the same sample in training, with r and d clipped more or less. */
import { type BatchNormalizationOptions, type State, forward } from 'evenkeel/core';
import { defineComponent, ref } from 'vue';
import { type Point, chart } from './chart.js';
import { cell, digits, slider } from './parts.js';
import { column, normals } from './samples.js';

const BATCHES = 40;
const LARGEST_BATCH = 32;
const EPSILON = 0.001;

/** The sample that is in every batch, one deviation above the mean of all. */
const SAMPLE = 1;

const OTHERS = Array.from({ length: BATCHES }, (_, batch) => normals(LARGEST_BATCH, 100 + batch));

export interface Limits {
  readonly rmax: number;
  readonly rmin: number;
  readonly dmax: number;
}

/** Of a layer that has long been trained on values of mean 0 and deviation 1. */
const SETTLED: State = {
  gamma: Float64Array.of(1),
  beta: Float64Array.of(0),
  movingMean: Float64Array.of(0),
  movingVariance: Float64Array.of(1),
  movingStddev: Float64Array.of(Math.sqrt(1 + EPSILON)),
  renormMean: Float64Array.of(0),
  renormStddev: Float64Array.of(Math.sqrt(1 + EPSILON)),
};

const batchOf = (size: number, batch: number) => [SAMPLE, ...OTHERS[batch]!.slice(0, size - 1)];

const optionsFor = (limits: Limits): BatchNormalizationOptions => ({
  renorm: true,
  renormClipping: limits,
  epsilon: EPSILON,
});

/** What the sample comes out as in training, in a batch of this size. */
export const outputInBatch = (size: number, batch: number, limits: Limits): number =>
  forward(column(batchOf(size, batch)), SETTLED, optionsFor(limits), { training: true }).y[0]!;

export const outputInInference = (): number =>
  forward(column([SAMPLE]), SETTLED, optionsFor({ rmax: 1, rmin: 1, dmax: 0 })).y[0]!;

/** r and d of a batch, before they are clipped. */
export function correctionOf(size: number, batch: number): { readonly r: number; readonly d: number } {
  const values = batchOf(size, batch);
  const mean = values.reduce((sum, value) => sum + value) / size;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
  const usual = SETTLED.renormStddev![0]!;
  return { r: Math.sqrt(variance + EPSILON) / usual, d: (mean - SETTLED.renormMean![0]!) / usual };
}

export default defineComponent(() => {
  const size = ref(4);
  const rmax = ref(1);
  const dmax = ref(0);
  return () => {
    const limits = { rmax: rmax.value, rmin: 1 / rmax.value, dmax: dmax.value };
    const batches = OTHERS.map((_, batch) => batch);
    const outputs = batches.map((batch) => outputInBatch(size.value, batch, limits));
    const corrections = batches.map((batch) => correctionOf(size.value, batch));
    const clippedR = corrections.filter(({ r }) => r > limits.rmax || r < limits.rmin).length;
    const clippedD = corrections.filter(({ d }) => Math.abs(d) > limits.dmax).length;
    const inference = outputInInference();
    const { line, dots, note, draw } = chart(
      { label: 'batch', from: 0, to: BATCHES + 1, ticks: [1, 10, 20, 30, 40] },
      { label: 'output', from: -1.5, to: 3, ticks: [-1, 0, 1, 2, 3] },
    );
    return cell({
      title: 'One sample, in 40 batches of training',
      controls: [
        slider({
          label: 'samples in a batch',
          value: size,
          min: 2,
          max: LARGEST_BATCH,
          step: 1,
        }),
        slider({
          label: 'rmax',
          value: rmax,
          min: 1,
          max: 5,
          step: 0.1,
        }),
        slider({
          label: 'dmax',
          value: dmax,
          min: 0,
          max: 3,
          step: 0.1,
        }),
      ],
      picture: draw(
        line(
          [
            [0, inference],
            [BATCHES + 1, inference],
          ],
          'second',
        ),
        dots(
          outputs.map((output, batch): Point => [batch + 1, output]),
          'first',
        ),
        note('dashed: in inference', [BATCHES + 1, 2.75], 'end'),
      ),
      says:
        `The same sample comes out as ${digits(Math.min(...outputs), 2)} to ${digits(Math.max(...outputs), 2)} in training, and as ` +
        `${digits(inference, 2)} in inference. With rmax ${digits(limits.rmax)}, rmin ${digits(limits.rmin, 2)} and dmax ` +
        `${digits(limits.dmax)}, r is clipped in ${clippedR} of ${BATCHES} batches and d in ${clippedD}.`,
    });
  };
});
