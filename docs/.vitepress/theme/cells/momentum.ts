/** @file How long the moving mean takes from its initial 0 to the mean of the batches, for a momentum. */
import { forward, initialState } from 'evenkeel/core';
import { defineComponent, ref } from 'vue';
import { type Point, chart, range } from './chart.js';
import { cell, digits, slider } from './parts.js';
import { column, normals } from './samples.js';

const MOMENTA = [0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];
const MEAN = 5;
const MOST_STEPS = 1000;

const BATCH_MEANS = normals(MOST_STEPS, 1).map((noise) => MEAN + noise / 2);

/** The moving mean before the first step, and after each. */
export function followMean(momentum: number, batchMeans: readonly number[]): number[] {
  const options = { momentum };
  let state = initialState(options, [1, 1]);
  const followed = batchMeans.map((mean) => {
    ({ state } = forward(column([mean]), state, options, { training: true }));
    return state.movingMean[0]!;
  });
  return [0, ...followed];
}

/** After how many steps less than one percent is left of the initial value. */
export const stepsToForget = (momentum: number): number =>
  momentum === 0 ? 1 : Math.ceil(Math.log(0.01) / Math.log(momentum));

export default defineComponent(() => {
  const index = ref(MOMENTA.indexOf(0.99));
  const steps = ref(100);
  return () => {
    const momentum = MOMENTA[index.value]!;
    const followed = followMean(momentum, BATCH_MEANS.slice(0, steps.value));
    const { line, dots, note, draw } = chart(
      { label: 'step', from: 0, to: steps.value, ticks: range(0, steps.value, 5).map(Math.round) },
      { label: 'mean', from: 0, to: 7, ticks: [0, 2.5, 5] },
    );
    const stride = Math.ceil(steps.value / 100);
    const some = (_: unknown, i: number) => i % stride === 0;
    const points = followed.map((value, step): Point => [step, value]);
    const batches = points.slice(1).map(([step], i): Point => [step, BATCH_MEANS[i]!]);
    return cell({
      title: 'The moving mean follows the means of the batches',
      controls: [
        slider({
          label: 'momentum',
          value: index,
          min: 0,
          max: MOMENTA.length - 1,
          step: 1,
          shown: String(momentum),
        }),
        slider({
          label: 'steps of training',
          value: steps,
          min: 20,
          max: MOST_STEPS,
          step: 20,
        }),
      ],
      picture: draw(
        dots(batches.filter(some), 'faint', 2),
        line(
          points.filter((_, step) => step === steps.value || some(_, step)),
          'first',
        ),
        note('means of the batches', [steps.value, 6.6], 'end'),
      ),
      says:
        `The batches have means near ${MEAN}. After ${steps.value} steps with momentum ${momentum}, the moving mean is ` +
        `${digits(followed.at(-1)!)}: ${digits(100 * momentum ** steps.value, 2)} % of the initial 0 is left in it. ` +
        `It is below 1 % from step ${stepsToForget(momentum)} on.`,
    });
  };
});
