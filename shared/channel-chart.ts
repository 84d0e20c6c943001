/**
 * @file Charts over channels, which have no order: bars and points, and no lines between them. They are SVG, which prints
 * and follows the colours of a page; what makes it of this, as text or as elements, is the page's own matter.
 */
import { formatCount, formatNumber, formatRange, plural, rangeOf } from './numbers.js';

/** A number per channel; null where it is not finite. */
type Values = readonly (number | null)[];

/** Bars stand on the axis. Points, and dashes across, are what is compared with them. */
export type Mark = 'bar' | 'point' | 'dash';

export interface Series {
  readonly label: string;
  readonly mark: Mark;
  /** Of channels from 0 on. */
  readonly values: Values;
}

/** An element of SVG. */
export interface Shape {
  readonly tag: 'g' | 'line' | 'path' | 'text' | 'title';
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (Shape | string)[];
}

export interface ChannelChart {
  readonly viewBox: string;
  /** What the chart shows, in words. */
  readonly label: string;
  readonly shapes: readonly Shape[];
}

const WIDTH = 300;
const HEIGHT = 150;
/** Where the marks are. */
const PLOT = { left: 46, right: WIDTH - 6, top: 8, bottom: HEIGHT - 32 } as const;

/** The same across, as parts of the chart's whole width. */
export const ACROSS = { left: PLOT.left / WIDTH, right: PLOT.right / WIDTH } as const;

const WIDEST_BAR = 8;

/** Of the room that a channel has. */
const BAR_SHARE = 0.6;

/** Across. */
const SMALLEST_POINT = 2.5;
const LARGEST_POINT = 5;

const shape = (
  tag: Shape['tag'],
  attributes: Shape['attributes'],
  ...children: readonly (Shape | string)[]
): Shape => ({ tag, attributes, children });

/** Halves of a pixel, so that what falls on one place is drawn once, however many channels there are. */
const snap = (value: number): number => Math.round(2 * value) / 2;

/** A round number that is at least `value`. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((digit) => digit * power >= value * (1 - 1e-9)) ?? 10);
}

/** From the least to the largest, where marks are on an axis. */
interface Scale {
  readonly ticks: readonly number[];
  /** From 0 at the beginning of the axis to 1 at its end. */
  readonly at: (value: number) => number;
  /** What bars stand on. */
  readonly base: number;
}

const MOST_TICKS = 4;

function linearScale(least: number, most: number): Scale {
  const low = Math.min(0, least);
  const high = Math.max(0, most) || (low < 0 ? 0 : 1);
  const step = roundUp((high - low) / MOST_TICKS);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  const width = (last - first) * step;
  return { ticks, at: (value) => (value - first * step) / width, base: 0 };
}

function logarithmicScale(least: number, most: number): Scale {
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const stride = Math.ceil((last - first) / MOST_TICKS);
  const count = Math.ceil((last - first) / stride);
  const ticks = Array.from({ length: count + 1 }, (_, i) => 10 ** (first + i * stride));
  const base = 10 ** first;
  return { ticks, at: (value) => (Math.log10(value) - first) / (count * stride), base };
}

/** Values that lie further apart are drawn by their orders of magnitude. */
const WIDEST_RATIO = 50;

function scaleOf(series: readonly Series[]): Scale {
  const range = rangeOf(series.flatMap((one) => one.values));
  if (!range) return linearScale(0, 1);
  const [least, most] = range;
  return least > 0 && most / least > WIDEST_RATIO ? logarithmicScale(least, most) : linearScale(least, most);
}

/** Numbers of channels beside the axis: whole, and as many as there is room for. */
function channelTicks(count: number): number[] {
  const step = Math.max(1, roundUp(count / 6));
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

/** The middle of a channel's room. */
const xOf = (channel: number, count: number): number =>
  PLOT.left + ((channel + 0.5) / count) * (PLOT.right - PLOT.left);

/** Which channel is at a part of the chart's whole width; null beside the marks. */
export function channelAt(part: number, count: number): number | null {
  const channel = Math.floor(((part - ACROSS.left) / (ACROSS.right - ACROSS.left)) * count);
  return channel >= 0 && channel < count ? channel : null;
}

/** A point is a line without length, whose end is round. */
function pathOf(mark: Mark, x: number, y: number, base: number): string {
  if (mark === 'bar') return `M${x} ${base}V${y}`;
  return mark === 'point' ? `M${x} ${y}h0` : `M${x - 3} ${y}h6`;
}

/** @param title what the chart is of */
export function drawChannels(title: string, series: readonly Series[]): ChannelChart {
  const count = series.reduce((most, { values }) => Math.max(most, values.length), 0);
  const scale = scaleOf(series);
  const yOf = (value: number): number => PLOT.bottom - scale.at(value) * (PLOT.bottom - PLOT.top);
  const room = (PLOT.right - PLOT.left) / Math.max(1, count);
  const widths = {
    bar: Math.max(0.5, Math.min(WIDEST_BAR, BAR_SHARE * room)),
    point: Math.max(SMALLEST_POINT, Math.min(LARGEST_POINT, room)),
    dash: 1.5,
  };
  const shapes = [
    ...scale.ticks.flatMap((tick) => {
      const y = snap(yOf(tick));
      const isBase = tick === scale.base;
      return [
        shape('line', { x1: PLOT.left, x2: PLOT.right, y1: y, y2: y, class: isBase ? 'base' : 'grid' }),
        shape('text', { x: PLOT.left - 4, y: y + 3.5, 'text-anchor': 'end' }, formatNumber(tick)),
      ];
    }),
    ...channelTicks(count).map((channel) =>
      shape(
        'text',
        { x: snap(xOf(channel, count)), y: PLOT.bottom + 13, 'text-anchor': 'middle' },
        formatCount(channel),
      ),
    ),
    shape('text', { x: (PLOT.left + PLOT.right) / 2, y: HEIGHT - 4, 'text-anchor': 'middle' }, 'channel'),
    ...series.flatMap(({ mark, values }, i) => {
      const places = new Set<string>();
      values.forEach((value, channel) => {
        if (value === null) return;
        const [x, y] = [snap(xOf(channel, count)), snap(yOf(value))];
        places.add(pathOf(mark, x, y, snap(yOf(scale.base))));
      });
      const className = `${mark} series-${i}`;
      return places.size === 0
        ? []
        : [
            shape('path', {
              class: className,
              d: [...places].join(''),
              'stroke-width': widths[mark],
            }),
          ];
    }),
    ...missingMarks(series, count),
  ];
  return { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, label: describeChart(title, series, count), shapes };
}

/** Crosses where a value is NaN or infinite. */
function missingMarks(series: readonly Series[], count: number): Shape[] {
  const places = new Set<string>();
  for (const { values } of series) {
    values.forEach((value, channel) => {
      if (value === null) places.add(`M${snap(xOf(channel, count)) - 3} ${PLOT.top}l6 6m0 -6l-6 6`);
    });
  }
  return places.size === 0 ? [] : [shape('path', { class: 'missing', d: [...places].join('') })];
}

function describeChart(title: string, series: readonly Series[], count: number): string {
  const parts = series
    .filter(({ values }) => values.length > 0)
    .map(({ label, values }) => {
      const missing = values.filter((value) => value === null).length;
      const note = missing > 0 && missing < values.length ? `, ${formatCount(missing)} not finite` : '';
      return `${label} ${formatRange(values)}${note}`;
    });
  return `${title}, ${plural(count, 'channel')}: ${parts.join('; ')}`;
}

const rootsOf = (values: Values | undefined): Values =>
  values?.map((value) => (value === null || value < 0 ? null : Math.sqrt(value))) ?? [];

/** The numbers of a layer that charts are made of; of its inputs where there was data. */
export interface ChartedLayer {
  readonly gamma: Values | null;
  readonly beta: Values | null;
  readonly movingMean: Values;
  readonly movingVariance: Values;
  readonly inputs: { readonly training: { readonly mean: Values; readonly variance: Values } } | null;
}

/**
 * What is drawn of a layer, each under its title.
 *
 * @param before the same layer before something was done to it
 */
export function chartsOf(
  layer: ChartedLayer,
  before: ChartedLayer | null = null,
): readonly (readonly [title: string, series: readonly Series[]])[] {
  const { movingMean, movingVariance, inputs, gamma, beta } = layer;
  const statistic = (of: (values: Values | undefined) => Values, what: 'mean' | 'variance'): Series[] => [
    { label: 'moving', mark: 'bar', values: of(what === 'mean' ? movingMean : movingVariance) },
    ...(inputs ? [{ label: 'of the data', mark: 'point', values: of(inputs.training[what]) } as const] : []),
    ...(before
      ? [
          {
            label: 'moving, before',
            mark: 'dash',
            values: of(what === 'mean' ? before.movingMean : before.movingVariance),
          } as const,
        ]
      : []),
  ];
  const parameters: Series[] = [
    ...(gamma ? [{ label: 'gamma', mark: 'bar', values: gamma } as const] : []),
    ...(beta ? [{ label: 'beta', mark: 'point', values: beta } as const] : []),
  ];
  return [
    ['Mean', statistic((values) => values ?? [], 'mean')],
    ['Deviation', statistic(rootsOf, 'variance')],
    ...(parameters.length > 0
      ? [
          [
            parameters
              .map(({ label }) => label)
              .join(' and ')
              .replace(/^./, (first) => first.toUpperCase()),
            parameters,
          ] as const,
        ]
      : []),
  ];
}
