/** @file The canonical layout of a small batch of images, for an order of dimensions, an axis and ghost batches to choose. */
import { defineComponent, h, ref } from 'vue';
import { type Dimension, describeLayout, drawLayout, layoutOf } from '../../../pictures/layout.js';
import { cell, choice } from './parts.js';

const ORDERS: readonly (readonly Dimension[])[] = [
  ['N', 'H', 'W', 'C'],
  ['N', 'C', 'H', 'W'],
];

const KEPT: readonly (readonly Dimension[])[] = [['C'], ['H'], ['H', 'C'], ['H', 'W'], ['H', 'W', 'C']];

const GHOSTS = [null, 2, 1] as const;

export default defineComponent(() => {
  const [order, kept, ghosts] = [ref(0), ref(0), ref(0)];
  return () => {
    const dimensions = ORDERS[order.value]!;
    const virtualBatchSize = GHOSTS[ghosts.value]!;
    const input = { dimensions, axis: KEPT[kept.value]!, virtualBatchSize };
    const layout = layoutOf(input);
    const numbers = (axis: readonly Dimension[]) =>
      axis.map((one) => dimensions.indexOf(one)).sort((a, b) => a - b);
    const { outer, groups, middle, channels, inner } = layout;
    return cell({
      title: 'Which values share a mean and a variance',
      controls: [
        choice({
          label: 'input',
          choices: ORDERS.map((one) => `[${one.join(', ')}]`),
          index: order,
        }),
        choice({
          label: 'axis',
          choices: KEPT.map((axis) => {
            const [first, ...rest] = numbers(axis);
            return `${rest.length > 0 ? `[${[first, ...rest].join(', ')}]` : first!}: ${axis.join(', ')}`;
          }),
          index: kept,
        }),
        choice({
          label: 'virtualBatchSize',
          choices: GHOSTS.map((one) => String(one)),
          index: ghosts,
        }),
      ],
      picture: h('div', { 'aria-hidden': 'true', innerHTML: drawLayout(input) }),
      says:
        `Seen as outer ${outer}, groups ${groups}, middle ${middle}, channels ${channels}, inner ${inner}: ` +
        `${describeLayout(layout)}.`,
    });
  };
});
