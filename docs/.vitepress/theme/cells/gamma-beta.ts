/** @file A distribution that is normalized, scaled by gamma and shifted by beta. */
import { forward, initialState } from 'evenkeel/core';
import { defineComponent, h, ref } from 'vue';
import { chart, range } from './chart.js';
import { cell, digits, slider } from './parts.js';
import { column, normals } from './samples.js';

const INPUT = normals(1000, 3).map((value) => 20 + 4 * value);
const BINS = 48;
const FROM = -6;
const TO = 6;

/** The input after training with these parameters. */
export function scaledAndShifted(gamma: number, beta: number): Float64Array {
  const x = column(INPUT);
  const state = { ...initialState({}, x.shape), gamma: Float64Array.of(gamma), beta: Float64Array.of(beta) };
  return forward(x, state, {}, { training: true }).y;
}

/** How many values are in each of the bins between the ends; those beyond are in the outermost. */
export function histogram(values: Float64Array): number[] {
  const counts = new Array<number>(BINS).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value - FROM) / (TO - FROM)) * BINS);
    counts[Math.min(BINS - 1, Math.max(0, bin))]! += 1;
  }
  return counts;
}

export default defineComponent(() => {
  const gamma = ref(1);
  const beta = ref(0);
  return () => {
    const output = scaledAndShifted(gamma.value, beta.value);
    const above = output.filter((value) => value > 0).length / output.length;
    const { x, y, line, note, draw } = chart(
      { label: 'value', from: FROM, to: TO, ticks: [-6, -4, -2, 0, 2, 4, 6] },
      { label: 'how many', from: 0, to: 220, ticks: [] },
    );
    const edges = range(FROM, TO, BINS + 1);
    const bars = (values: Float64Array, kind: string) =>
      histogram(values).map((count, i) =>
        h('rect', {
          class: `bar ${kind}`,
          x: x(edges[i]!),
          y: y(count),
          width: Number((x(edges[i + 1]!) - x(edges[i]!)).toFixed(2)),
          height: Number((y(0) - y(count)).toFixed(2)),
        }),
      );
    return cell({
      title: 'Normalized values, and what gamma and beta make of them',
      controls: [
        slider({
          label: 'gamma',
          value: gamma,
          min: -2,
          max: 2,
          step: 0.1,
        }),
        slider({
          label: 'beta',
          value: beta,
          min: -3,
          max: 3,
          step: 0.1,
        }),
      ],
      picture: draw(
        bars(scaledAndShifted(1, 0), 'faint'),
        bars(output, 'first'),
        line(
          [
            [0, 0],
            [0, 220],
          ],
          'second',
        ),
        note('a ReLU lets through →', [0.2, 205]),
      ),
      says:
        `A thousand values of mean 20 and deviation 4 come out with mean ${digits(beta.value)} and deviation ` +
        `${digits(Math.abs(gamma.value))}. ${digits(100 * above)} % of them are above 0.`,
    });
  };
});
