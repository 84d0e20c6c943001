/** @file Which elements of a small tensor share their mean, variance, gamma and beta, for an axis or several. */
import { parameterShape } from 'evenkeel/core';
import { type VNode, defineComponent, h, ref } from 'vue';
import { choice, cell, drawing } from './parts.js';

/** [batch, rows, channels] */
export const SHAPE = [2, 3, 4] as const;

const AXES = [[-1], [1], [0], [1, 2], [0, 2]];

const SIZE = 44;
const GAP = 40;
const TOP = 22;
const LEFT = 4;

/** For each element, in the order of memory, the number of those that it is normalized with, counted from 0. */
export function groupsOf(axes: readonly number[]): number[] {
  const kept = axes.map((axis) => (axis + SHAPE.length) % SHAPE.length);
  const [batches, rows, channels] = SHAPE;
  return Array.from({ length: batches * rows * channels }, (_, i) => {
    const index = [Math.floor(i / (rows * channels)), Math.floor(i / channels) % rows, i % channels];
    return kept.reduce((group, axis) => group * SHAPE[axis]! + index[axis]!, 0);
  });
}

/** An element: its colour and its number say the same. */
function element(group: number, groups: number, i: number): VNode[] {
  const [, rows, channels] = SHAPE;
  const sample = Math.floor(i / (rows * channels));
  const x = LEFT + sample * (channels * SIZE + GAP) + (i % channels) * SIZE;
  const y = TOP + (Math.floor(i / channels) % rows) * SIZE;
  const fill = `hsl(${Math.round((360 * group) / groups)} 75% 50% / 40%)`;
  return [
    h('rect', { x, y, width: SIZE - 3, height: SIZE - 3, rx: 4, fill }),
    h('text', { class: 'strong', x: x + SIZE / 2 - 1, y: y + SIZE / 2 + 4, 'text-anchor': 'middle' }, group),
  ];
}

export default defineComponent(() => {
  const index = ref(0);
  return () => {
    const axes = AXES[index.value]!;
    const [batches, rows, channels] = SHAPE;
    const elements = groupsOf(axes);
    const groups = Math.max(...elements) + 1;
    const width = LEFT + batches * channels * SIZE + GAP;
    const heading = (sample: number) =>
      h('text', { x: LEFT + sample * (channels * SIZE + GAP), y: 14 }, `sample ${sample}`);
    const shape = parameterShape({ axis: axes }, SHAPE);
    return cell({
      title: 'Elements of the same number share a mean, a variance, a gamma and a beta',
      controls: [
        choice({
          label: 'axis',
          choices: AXES.map((one) => (one.length === 1 ? String(one[0]) : `[${one.join(', ')}]`)),
          index,
        }),
      ],
      picture: drawing(width, TOP + rows * SIZE, [
        ...Array.from({ length: batches }, (_, sample) => heading(sample)),
        ...elements.flatMap((group, i) => element(group, groups, i)),
      ]),
      says:
        `An input of shape [${SHAPE.join(', ')}]: ${batches} samples of ${rows} rows and ${channels} channels. ` +
        `${groups} groups of ${elements.length / groups} elements each; gamma, beta and the statistics have shape ` +
        `[${shape.join(', ')}].`,
    });
  };
});
