/** @file What epsilon does to channels that hardly vary: the deviation that comes out, for the one that goes in. */
import { forward, initialState } from 'evenkeel/core';
import { defineComponent, ref } from 'vue';
import { type Point, chart, range } from './chart.js';
import { cell, digits, slider } from './parts.js';
import { column } from './samples.js';

/** The deviation that training gives to a channel of this deviation. */
export function deviationAfter(deviation: number, epsilon: number): number {
  const options = { epsilon };
  const { y } = forward(column([-deviation, deviation]), initialState(options, [2, 1]), options, {
    training: true,
  });
  return y[1]!;
}

const SMALLEST = -5;
const LARGEST = 1;
const DEVIATIONS = range(SMALLEST, LARGEST, 61).map((exponent) => 10 ** exponent);

/** 0.00001, which reads better than 1e-5 on an axis too. */
const power = (exponent: number) => Number((10 ** exponent).toPrecision(2));

export default defineComponent(() => {
  const exponentOfEpsilon = ref(-3);
  const exponentOfDeviation = ref(-1.5);
  return () => {
    const epsilon = power(exponentOfEpsilon.value);
    const deviation = power(exponentOfDeviation.value);
    const after = deviationAfter(deviation, epsilon);
    const { line, dots, draw } = chart(
      {
        label: 'deviation of the input',
        from: 10 ** SMALLEST,
        to: 10 ** LARGEST,
        ticks: [-4, -3, -2, -1, 0].map((exponent) => 10 ** exponent),
        isLogarithmic: true,
      },
      { label: 'deviation of the output', from: 0, to: 1.05, ticks: [0, 0.5, 1] },
    );
    return cell({
      title: 'The deviation that comes out of the layer',
      controls: [
        slider({
          label: 'epsilon',
          value: exponentOfEpsilon,
          min: -8,
          max: 0,
          step: 0.5,
          shown: digits(epsilon, 2),
        }),
        slider({
          label: 'deviation of the input',
          value: exponentOfDeviation,
          min: SMALLEST,
          max: LARGEST,
          step: 0.25,
          shown: digits(deviation, 2),
        }),
      ],
      picture: draw(
        line(
          DEVIATIONS.map((one): Point => [one, deviationAfter(one, epsilon)]),
          'first',
        ),
        dots([[deviation, after]], 'second', 6),
      ),
      says:
        `A channel of deviation ${digits(deviation, 2)} has variance ${digits(deviation ** 2, 2)}. With epsilon ` +
        `${digits(epsilon, 2)} it comes out with deviation ${digits(after, 3)}. Half of 1 is reached at ` +
        `${digits(Math.sqrt(epsilon / 3), 2)}.`,
    });
  };
});
