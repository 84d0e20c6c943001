/** @file A batch of twelve samples, split into ghost batches that have means and deviations of their own. */
import { forward, initialState } from 'evenkeel/core';
import { defineComponent, h, ref } from 'vue';
import { plural } from '../../../../shared/numbers.js';
import { chart, range } from './chart.js';
import { cell, digits, slider } from './parts.js';
import { column } from './samples.js';

const BATCH = [7.4, 4.2, 10.1, 13.1, 6.3, 11.2, 5.1, 8.2, 14.2, 9.3, 12.4, 16.5];

/** Those that divide the batch. */
const SIZES = [2, 3, 4, 6, 12];

interface GhostBatch {
  /** The samples in it, by their index in the batch. */
  readonly samples: readonly number[];
  readonly mean: number;
  readonly deviation: number;
}

/** Sample i is in group i mod (batch / size). */
export function ghostBatches(size: number): GhostBatch[] {
  const count = BATCH.length / size;
  return Array.from({ length: count }, (_, group) => {
    const samples = BATCH.map((_, i) => i).filter((i) => i % count === group);
    const mean = samples.reduce((sum, i) => sum + BATCH[i]!, 0) / size;
    const variance = samples.reduce((sum, i) => sum + (BATCH[i]! - mean) ** 2, 0) / size;
    return { samples, mean, deviation: Math.sqrt(variance) };
  });
}

/** What training makes of the batch, and the mean that the moving one follows. */
export function normalizedInGroups(size: number): { readonly y: Float64Array; readonly mean: number } {
  const options = { virtualBatchSize: size, momentum: 0, epsilon: 0 };
  const x = column(BATCH);
  const { y, state } = forward(x, initialState(options, x.shape), options, { training: true });
  return { y, mean: state.movingMean[0]! };
}

export default defineComponent(() => {
  const index = ref(SIZES.indexOf(4));
  return () => {
    const size = SIZES[index.value]!;
    const groups = ghostBatches(size);
    const { y: outputs, mean } = normalizedInGroups(size);
    const { x, y, line, draw } = chart(
      { label: 'value of the input', from: 2, to: 18, ticks: range(2, 18, 5) },
      { label: 'group', from: groups.length, to: -1, ticks: groups.map((_, group) => group) },
    );
    const marks = groups.flatMap(({ samples, mean: own, deviation }, group) => [
      line(
        [
          [own - deviation, group],
          [own + deviation, group],
        ],
        'band',
      ),
      h('line', { class: 'line second', x1: x(own), x2: x(own), y1: y(group) - 12, y2: y(group) + 12 }),
      ...samples.flatMap((i) => [
        h('circle', { class: 'dot first', cx: x(BATCH[i]!), cy: y(group), r: 8 }),
        h('text', { class: 'inside', x: x(BATCH[i]!), y: y(group) + 4, 'text-anchor': 'middle' }, i),
      ]),
    ]);
    const own = groups[1 % groups.length]!;
    return cell({
      title: 'Twelve samples, each group with its mean and its deviation',
      controls: [
        slider({
          label: 'virtualBatchSize',
          value: index,
          min: 0,
          max: SIZES.length - 1,
          step: 1,
          shown: String(size),
        }),
      ],
      picture: draw(marks),
      says:
        `${plural(groups.length, 'group')} of ${size}. Sample 1, ${digits(BATCH[1]!)}, is ` +
        `normalized by mean ${digits(own.mean)} and deviation ${digits(own.deviation)}, to ${digits(outputs[1]!, 2)}. The moving mean ` +
        `follows the mean of the groups' means, ${digits(mean)}.`,
    });
  };
});
