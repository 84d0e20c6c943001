/**
 * @file The pictures of docs/how/paper.md. Each is drawn from a run of the library: of the core on numbers drawn here, or of
 * the experiment (runs/experiment.json, what `npm start -- --steps 3000 --options '{"momentum":0.9}' --json` printed).
 */
import { type State, backward, forward, initialState } from '../../src/core/index.js';
import type { Findings } from '../../demo/experiment.js';
import type { Measurement, NetworkName } from '../../demo/train.js';
import { Random } from '../../shared/random.js';
import {
  COLOURS,
  type Entry,
  INK,
  type Point,
  type Scale,
  area,
  axes,
  legend,
  line,
  linear,
  logarithmic,
  mark,
  picture,
  text,
  ticks,
} from './svg.js';

const [LEFT, PLOT_WIDTH] = [40, 346];

const rangeOf = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** How many values lie in each part of a range, of the largest such number. */
function histogram(values: readonly number[], [from, to]: readonly [number, number], bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value - from) / (to - from)) * bins);
    if (bin >= 0 && bin < bins) counts[bin]!++;
  }
  return counts;
}

/** Histograms side by side in one plot, as surfaces. */
function histograms(
  sets: readonly (readonly number[])[],
  range: readonly [number, number],
  x: Scale,
  [top, bottom]: readonly [number, number],
): string[] {
  const bins = 72;
  const all = sets.map((values) => histogram(values, range, bins));
  const highest = Math.max(...all.flat());
  const y = linear([0, highest], [bottom, top + 6]);
  const middle = (bin: number) => range[0] + ((bin + 0.5) / bins) * (range[1] - range[0]);
  return all.flatMap((counts, i) => {
    const points = counts.map((count, bin): Point => [x(middle(bin)), y(count)]);
    const closed: Point[] = [[x(range[0]), bottom], ...points, [x(range[1]), bottom]];
    const dashes = [undefined, '6 3', '2 2'][i];
    return [
      area(closed, COLOURS[i]!, 0.22),
      line(points, { colour: COLOURS[i]!, width: 2, ...(dashes !== undefined && { dashes }) }),
    ];
  });
}

/** What one batch looks like before and after. */
function drawBatch(): string {
  const random = new Random(3, 'digits');
  const shape = [4000, 3];
  const [means, deviations] = [
    [-6, 1, 7],
    [2.2, 0.6, 1.2],
  ];
  const values = Float64Array.from(
    { length: 12_000 },
    (_, i) => means[i % 3]! + random.normal(deviations[i % 3]!),
  );
  const { y } = forward({ values, shape }, initialState({}, shape), {}, { training: true });
  const channels = (all: ArrayLike<number>) =>
    [0, 1, 2].map((c) => Array.from(all).filter((_, i) => i % 3 === c));
  const range = [-14, 14] as const;
  const x = linear(range, [LEFT - 28, LEFT + PLOT_WIDTH]);
  const plot = (title: string, top: number, all: ArrayLike<number>) => [
    ...axes({
      ...{
        left: LEFT - 28,
        top,
        width: PLOT_WIDTH + 28,
        height: 100,
        x,
        y: linear([0, 1], [top + 100, top]),
        title,
      },
      xTicks: ticks([-10, -5, 0, 5, 10]),
      yTicks: [],
    }),
    ...histograms(channels(all), range, x, [top, top + 100]),
  ];
  return picture(318, [
    ...plot('a batch of three channels, as it comes in', 26, values),
    ...plot('the same, normalized', 176, y),
    ...[0, 1, 2].flatMap((c) =>
      legend(
        [{ name: `channel ${c}`, colour: COLOURS[c]!, dashes: [undefined, '6 3', '2 2'][c]! }],
        [LEFT - 28 + c * 122, 306],
      ),
    ),
  ]);
}

const NETWORKS: readonly { readonly name: NetworkName; readonly title: string; readonly colour: string }[] = [
  { name: 'plain', title: 'without batch normalization', colour: COLOURS[1] },
  { name: 'normalized', title: 'with batch normalization', colour: COLOURS[0] },
];

/** What reaches a unit of the last hidden layer as the network learns: the paper's figure 1 (b, c). */
function drawShift({ series, percentiles }: Findings): string {
  const last = series.at(-1)!.step;
  const height = 112;
  const x = linear([0, last], [LEFT, LEFT + PLOT_WIDTH]);
  const ofPercentile = (name: NetworkName, i: number, y: Scale): Point[] =>
    series.map((one) => [x(one.step), y(one[name].percentiles[i]!)]);
  return picture(
    342,
    NETWORKS.flatMap(({ name, title, colour }, plot) => {
      const top = 28 + plot * (height + 46);
      const y = linear([-2.5, 2.5], [top + height, top]);
      const [low, middle, high] = [0, 1, 2].map((i) => ofPercentile(name, i, y));
      return [
        ...axes({
          ...{ left: LEFT, top, width: PLOT_WIDTH, height, x, y, title },
          xTicks: ticks([0, 1000, 2000, 3000]),
          yTicks: ticks([-2, 0, 2]),
          ...(plot === 1 && { xLabel: 'steps of training' }),
        }),
        area([...low!, ...high!.toReversed()], colour),
        line(low!, { colour, width: 1 }),
        line(high!, { colour, width: 1 }),
        line(middle!, { colour, width: 2.5 }),
        ...(plot === 1
          ? [text(`percentiles ${percentiles.join(', ')}`, [LEFT, top + height + 31], { size: 11 })]
          : []),
      ];
    }),
  );
}

/** How many test digits both networks recognize. */
function drawLearning({ series }: Findings): string {
  const last = series.at(-1)!.step;
  const [top, height] = [28, 150];
  const x = linear([0, last], [LEFT, LEFT + PLOT_WIDTH]);
  const y = linear([0, 1], [top + height, top]);
  const points = (name: NetworkName) =>
    series.map((one: Measurement): Point => [x(one.step), y(one[name].accuracy)]);
  const entries: Entry[] = NETWORKS.map(({ title, colour }, i) => ({
    ...{ name: title, colour, width: 2.5 },
    ...(i === 0 && { dashes: '6 3' }),
  }));
  return picture(258, [
    ...axes({
      ...{ left: LEFT, top, width: PLOT_WIDTH, height, x, y, title: 'test digits recognized' },
      xTicks: ticks([0, 1000, 2000, 3000]),
      yTicks: ticks([0, 0.5, 1], (value) => `${100 * value} %`),
      xLabel: 'steps of training',
    }),
    ...NETWORKS.map(({ name }, i) => line(points(name), entries[i])),
    ...legend(entries, [LEFT, top + height + 50]),
  ]);
}

const MOMENTA = [0.9, 0.99, 0.999];

/** Moving means of inputs whose mean is 5, from the initial 0 on. */
function drawMovingAverages(): string {
  const steps = 600;
  const [top, height] = [28, 160];
  const x = linear([0, steps], [LEFT, LEFT + PLOT_WIDTH]);
  const y = linear([0, 6], [top + height, top]);
  const lines = MOMENTA.map((momentum): Point[] => {
    const random = new Random(5, 'digits');
    let state: State = initialState({}, [32, 1]);
    return rangeOf(steps + 1).map((step): Point => {
      const at: Point = [x(step), y(state.movingMean[0]!)];
      const values = Float64Array.from({ length: 32 }, () => 5 + random.normal(2));
      state = forward({ values, shape: [32, 1] }, state, { momentum }, { training: true }).state;
      return at;
    });
  });
  const entries: Entry[] = MOMENTA.map((momentum, i) => ({
    ...{ name: `momentum ${momentum}`, colour: COLOURS[i]!, width: 2 },
    ...(i > 0 && { dashes: ['', '7 3', '2 2'][i]! }),
  }));
  return picture(290, [
    ...axes({
      ...{ left: LEFT, top, width: PLOT_WIDTH, height, x, y, title: 'moving mean; batches of 32, of mean 5' },
      xTicks: ticks([0, 100, 200, 300, 400, 500, 600]),
      yTicks: ticks([0, 1, 2, 3, 4, 5, 6]),
      xLabel: 'steps of training',
    }),
    ...lines.map((points, i) => line(points, entries[i])),
    ...legend(entries, [LEFT, top + height + 52]),
  ]);
}

const SIZES = [2, 4, 8, 16, 32, 64];
const TRIALS = 400;
/** One value, in deviations of the data it comes from. */
const VALUE = 1;

/** Between which values 15 and 85 % of the normalized ones lie. */
function spread(size: number, options: object): readonly [number, number] {
  const random = new Random(7, 'digits');
  const shape = [size, 1];
  const results = rangeOf(TRIALS).map(() => {
    const values = Float64Array.from({ length: size }, (_, i) => (i === 0 ? VALUE : random.normal(1)));
    // Averages that know the data, as late in a training.
    return forward({ values, shape }, initialState(options, shape), options, { training: true }).y[0]!;
  });
  results.sort((a, b) => a - b);
  return [results[Math.round(0.15 * TRIALS)]!, results[Math.round(0.85 * TRIALS)]!];
}

/** What a value of one deviation is normalized to, by the batch that it is in. */
function drawSmallBatches(): string {
  const height = 120;
  const x = logarithmic([SIZES[0]!, SIZES.at(-1)!], [LEFT + 8, LEFT + PLOT_WIDTH - 8]);
  const plots = [
    { title: 'batch normalization', options: {}, colour: COLOURS[1] },
    {
      title: 'renorm, clipped to r in ⅔…1.5, d in ±0.5',
      options: { renorm: true, renormClipping: { rmin: 2 / 3, rmax: 1.5, dmax: 0.5 } },
      colour: COLOURS[0],
    },
  ];
  return picture(
    356,
    plots.flatMap(({ title, options, colour }, plot) => {
      const top = 28 + plot * (height + 48);
      const y = linear([-1, 2], [top + height, top]);
      const bands = SIZES.map((size) => ({ size, band: spread(size, options) }));
      const edge = (i: 0 | 1) => bands.map(({ size, band }): Point => [x(size), y(band[i])]);
      return [
        ...axes({
          ...{ left: LEFT, top, width: PLOT_WIDTH, height, x, y, title },
          xTicks: ticks(SIZES),
          yTicks: ticks([-1, 0, 1, 2]),
          ...(plot === 1 && { xLabel: 'samples in the batch' }),
        }),
        area([...edge(0), ...edge(1).toReversed()], colour),
        ...([0, 1] as const).flatMap((i) => [
          line(edge(i), { colour, width: 2 }),
          ...edge(i).map((point) => mark('circle', point, colour)),
        ]),
        line(
          [
            [LEFT, y(VALUE)],
            [LEFT + PLOT_WIDTH, y(VALUE)],
          ],
          { colour: INK, dashes: '3 3' },
        ),
      ];
    }),
  );
}

/** What two ranks make of their parts of a batch, each alone and together. */
function drawRanks(): string {
  const random = new Random(9, 'digits');
  const size = 3000;
  const ranks = [-1.5, 2].map((mean) => Array.from({ length: size }, () => mean + random.normal(0.8)));
  const normalize = (values: readonly number[]): number[] => {
    const shape = [values.length, 1];
    const x = { values: Float64Array.from(values), shape };
    return [...forward(x, initialState({}, shape), {}, { training: true }).y];
  };
  const together = normalize(ranks.flat());
  const plots = [
    { title: 'what comes in', sets: ranks },
    { title: 'each rank normalized alone', sets: ranks.map(normalize) },
    { title: 'synchronized', sets: [together.slice(0, size), together.slice(size)] },
  ];
  const [height, left] = [70, LEFT - 28];
  const range = [-5, 5] as const;
  const x = linear(range, [left, LEFT + PLOT_WIDTH]);
  return picture(378, [
    ...plots.flatMap(({ title, sets }, plot) => {
      const top = 26 + plot * (height + 44);
      return [
        ...axes({
          ...{ left, top, width: PLOT_WIDTH + 28, height, x, y: linear([0, 1], [top + height, top]), title },
          xTicks: ticks([-4, -2, 0, 2, 4]),
          yTicks: [],
        }),
        ...histograms(sets, range, x, [top, top + height]),
      ];
    }),
    ...[0, 1].flatMap((rank) =>
      legend(
        [{ name: `rank ${rank}`, colour: COLOURS[rank]!, ...(rank === 1 && { dashes: '6 3' }) }],
        [left + rank * 122, 364],
      ),
    ),
  ]);
}

/** A gradient that comes back, and what is left of it before the layer. */
function drawGradients(): string {
  const random = new Random(11, 'digits');
  const size = 60;
  const shape = [size, 1];
  const values = Float64Array.from({ length: size }, () => random.normal(1));
  // It would move all values up, the high ones more, and one by one.
  const dy = Float64Array.from(values, (value) => 1.2 + 0.8 * value + random.normal(0.25));
  const { saved } = forward({ values, shape }, initialState({}, shape), {}, { training: true });
  const { dx } = backward(dy, saved);
  const [top, height] = [28, 190];
  const x = linear([-3, 3], [LEFT, LEFT + PLOT_WIDTH]);
  const y = linear([-1.5, 4], [top + height, top]);
  const points = (gradients: ArrayLike<number>) =>
    Array.from(values, (value, i): Point => [x(value), y(gradients[i]!)]);
  return picture(298, [
    ...axes({
      ...{ left: LEFT, top, width: PLOT_WIDTH, height, x, y, title: 'the gradient of each of 60 values' },
      xTicks: ticks([-3, -2, -1, 0, 1, 2, 3]),
      yTicks: ticks([-1, 0, 1, 2, 3, 4]),
      xLabel: 'value in the batch',
    }),
    ...points(dy).map((point) => mark('triangle', point, COLOURS[1])),
    ...points(dx).map((point) => mark('circle', point, COLOURS[0])),
    mark('triangle', [LEFT + 8, top + height + 50], COLOURS[1]),
    text('dy, behind the layer', [LEFT + 20, top + height + 54]),
    mark('circle', [LEFT + 8, top + height + 68], COLOURS[0]),
    text('dx, before it', [LEFT + 20, top + height + 72]),
  ]);
}

/** The pictures of docs/how/paper.md. */
export const drawPaper = (experiment: () => Findings): Readonly<Record<string, () => string>> => ({
  'docs/pictures/paper-batch.svg': drawBatch,
  'docs/pictures/paper-learning.svg': () => drawLearning(experiment()),
  'docs/pictures/paper-shift.svg': () => drawShift(experiment()),
  'docs/pictures/paper-moving-averages.svg': drawMovingAverages,
  'docs/pictures/paper-small-batches.svg': drawSmallBatches,
  'docs/pictures/paper-ranks.svg': drawRanks,
  'docs/pictures/paper-gradients.svg': drawGradients,
});
