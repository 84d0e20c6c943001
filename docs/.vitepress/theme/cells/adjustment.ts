/** @file What a random scale and bias make of normalized values in training. */
import { forward, initialState } from 'evenkeel/core';
import { defineComponent, ref } from 'vue';
import { type Point, chart } from './chart.js';
import { cell, digits, slider } from './parts.js';
import { column, normals } from './samples.js';

const DRAWS = 12;

const jitter = (seed: number) => normals(DRAWS, seed).map((value) => Math.max(-1, Math.min(1, value / 2)));
const SCALES = jitter(5);
const BIASES = jitter(6);

/** Mean 0 and deviation 1, so that normalization leaves it alone. */
const INPUT = [-1.5, -0.5, 0.5, 1.5].map((value) => value / Math.sqrt(1.25));

/** The normalized values after each draw of scale and bias. */
export const adjusted = (ofScale: number, ofBias: number): Float64Array[] =>
  SCALES.map((scale, draw) => {
    const x = column(INPUT);
    const options = { epsilon: 0 };
    const adjustment = { scale: 1 + ofScale * scale, bias: ofBias * BIASES[draw]! };
    return forward(x, initialState(options, x.shape), options, { training: true, adjustment }).y;
  });

export default defineComponent(() => {
  const ofScale = ref(0.3);
  const ofBias = ref(0.3);
  return () => {
    const outputs = adjusted(ofScale.value, ofBias.value);
    const largest = outputs.map((output) => output.at(-1)!);
    const { line, draw, note } = chart(
      { label: 'normalized value', from: -1.5, to: 1.5, ticks: [-1, 0, 1] },
      { label: 'output', from: -2.5, to: 2.5, ticks: [-2, -1, 0, 1, 2] },
    );
    const ends = (output: ArrayLike<number>): Point[] => [0, 3].map((i) => [INPUT[i]!, output[i]!]);
    return cell({
      title: `${DRAWS} steps of training, each with a scale and a bias of its own`,
      controls: [
        slider({
          label: 'scale: 1 ±',
          value: ofScale,
          min: 0,
          max: 0.5,
          step: 0.01,
        }),
        slider({
          label: 'bias: ±',
          value: ofBias,
          min: 0,
          max: 1,
          step: 0.05,
        }),
      ],
      picture: draw(
        outputs.map((output) => line(ends(output), 'faint')),
        line(ends(INPUT), 'first'),
        note('thick: in inference, without adjustment', [-1.45, 2.2]),
      ),
      says:
        `A normalized value of ${digits(INPUT[3]!)} comes out as ${digits(Math.min(...largest))} to ` +
        `${digits(Math.max(...largest))} in training. In inference it stays ${digits(INPUT[3]!)}, before gamma and beta.`,
    });
  };
});
