/** @file Errors of y by the input's mean, as `npm run bench:accuracy` measured them. */
import type { AccuracyReport } from '../../bench/accuracy/report.js';
import {
  COLOURS,
  type Entry,
  LEGEND_STEP,
  type Point,
  axes,
  legend,
  line,
  linear,
  logarithmic,
  mark,
  picture,
  powerOfTen,
  ticks,
} from './svg.js';

/** Those that are drawn, by what their names begin with. The tables have the others, which lie among these. */
const DRAWN: readonly Entry[] = [
  { name: 'stock TF.js, wasm', colour: COLOURS[1], mark: 'square' },
  { name: 'tf-keras', colour: COLOURS[3], dashes: '7 3' },
  { name: 'PyTorch', colour: COLOURS[2], mark: 'triangle' },
  { name: 'stock TF.js, cpu', colour: COLOURS[1], dashes: '2 3', mark: 'square' },
  { name: 'evenkeel, wasm', colour: COLOURS[0], width: 3, mark: 'circle' },
];

/** An input mean of 0 has no logarithm; it stands one power of ten before 1. */
const placeOf = (mean: number) => (mean === 0 ? -1 : Math.log10(mean));

export function drawAccuracy({ means, rows }: AccuracyReport): string {
  const [left, top, width, height] = [48, 30, 340, 220];
  const x = linear([placeOf(means[0]!), placeOf(means.at(-1)!)], [left + 6, left + width - 6]);
  const y = logarithmic([1e-7, 1e-1], [top + height, top]);
  const powers = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];
  const entries = DRAWN.flatMap((entry) => {
    const row = rows.find(({ contender, errors }) => contender.startsWith(entry.name) && errors);
    return row ? [{ ...entry, name: row.contender, errors: row.errors! }] : [];
  });
  return picture(height + 84 + entries.length * LEGEND_STEP, [
    ...axes({
      ...{ left, top, width, height, x, y },
      xTicks: means.map((mean) => ({ value: placeOf(mean), label: mean === 0 ? '0' : powerOfTen(mean) })),
      yTicks: ticks(powers, powerOfTen),
      xLabel: 'mean of the input, in its standard deviations',
      title: 'largest error of y in training',
    }),
    ...entries.flatMap(({ errors, mark: kind = 'none', ...style }) => {
      const points = errors.map((error, i): Point => [x(placeOf(means[i]!)), y(error.y)]);
      return [line(points, style), ...points.map((point) => mark(kind, point, style.colour!))];
    }),
    ...legend(entries, [left, top + height + 54]),
  ]);
}
