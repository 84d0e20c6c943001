/** @file Which elements share statistics, as the layout of the core has it: small images, and the same in memory. */
import { plural } from '../../shared/numbers.js';
import { type Layout, forEachElement, makeLayout } from '../../src/core/layout.js';
import { COLOURS, INK, WIDTH, picture, rectangle, text } from './svg.js';

/** What a dimension is; each stands once in a shape. */
export type Dimension = 'N' | 'H' | 'W' | 'C';

export interface Input {
  readonly dimensions: readonly Dimension[];
  /** The kept dimensions: `axis` of the layer. */
  readonly axis: readonly Dimension[];
  readonly virtualBatchSize: number | null;
}

const SIZES = { N: 4, H: 2, W: 2, C: 3 } as const;

export function layoutOf({ dimensions, axis, virtualBatchSize }: Input): Layout {
  const axes = dimensions.flatMap((dimension, i) => (axis.includes(dimension) ? [i] : []));
  return makeLayout(
    dimensions.map((dimension) => SIZES[dimension]),
    axes,
    virtualBatchSize,
  );
}

const PIXEL = 17;
const GAP = 9;
const LEFT = 26;
const TOP = 30;

/** The colour is the channel's; groups of one channel differ in how much of it they have. */
const fillOf = (k: number, { groups, channels }: Layout) => ({
  fill: COLOURS[(k % channels) % COLOURS.length]!,
  'fill-opacity': groups === 1 ? 0.85 : 0.9 - (0.7 * Math.floor(k / channels)) / (groups - 1),
});

/** What the picture shows, in words. */
export function describeLayout(layout: Layout): string {
  const { groups, channels, outer, middle, inner } = layout;
  return `${plural(groups * channels, 'mean')} and as many variances, each of ${plural(outer * middle * inner, 'value')}`;
}

export function drawLayout(input: Input): string {
  const { dimensions } = input;
  const layout = layoutOf(input);
  const strides = dimensions.map((_, i) =>
    dimensions.slice(i + 1).reduce((size, one) => size * SIZES[one], 1),
  );
  const [blockWidth, blockHeight] = [SIZES.W * PIXEL + GAP, SIZES.H * PIXEL + GAP];
  const stripTop = TOP + SIZES.N * blockHeight + 34;
  const stripPixel = (WIDTH - 12) / (SIZES.N * SIZES.H * SIZES.W * SIZES.C);
  const parts: string[] = [];
  forEachElement(layout, (at, k) => {
    const index = (dimension: Dimension) => {
      const i = dimensions.indexOf(dimension);
      return Math.floor(at / strides[i]!) % SIZES[dimension];
    };
    const x = LEFT + index('C') * blockWidth + index('W') * PIXEL;
    const y = TOP + index('N') * blockHeight + index('H') * PIXEL;
    const fill = fillOf(k, layout);
    parts.push(
      rectangle([x, y], PIXEL - 1, PIXEL - 1, fill),
      text(String(k), [x + (PIXEL - 1) / 2, y + 12], { anchor: 'middle', size: 10 }),
      rectangle([6 + at * stripPixel, stripTop], stripPixel - 0.8, 16, fill),
    );
  });
  const { outer, groups, middle, channels, inner } = layout;
  const right = LEFT + SIZES.C * blockWidth + 22;
  const rows = Object.entries({ outer, groups, middle, channels, inner });
  return picture(stripTop + 26, [
    ...Array.from({ length: SIZES.C }, (_, c) =>
      text(`C ${c}`, [LEFT + c * blockWidth + (blockWidth - GAP) / 2, TOP - 9], {
        anchor: 'middle',
        size: 11,
      }),
    ),
    ...Array.from({ length: SIZES.N }, (_, n) =>
      text(`N ${n}`, [LEFT - 6, TOP + n * blockHeight + blockHeight / 2], { anchor: 'end', size: 11 }),
    ),
    ...parts,
    text(`[${dimensions.map((one) => `${one} ${SIZES[one]}`).join(', ')}]`, [right, TOP + 8], {
      isBold: true,
    }),
    ...rows.flatMap(([name, size], i) => {
      const y = TOP + 32 + i * 19;
      const isKept = name === 'groups' || name === 'channels';
      return [
        text(name, [right, y], { isBold: isKept }),
        text(String(size), [right + 90, y], { anchor: 'end', isBold: isKept }),
      ];
    }),
    text(
      plural(groups * channels, 'mean') + ', ' + plural(groups * channels, 'variance') + ',',
      [right, TOP + 136],
      { size: 11.5 },
    ),
    text(`each of ${plural(outer * middle * inner, 'value')}`, [right, TOP + 151], { size: 11.5 }),
    text('in memory:', [6, stripTop - 7], { size: 11, colour: INK }),
  ]);
}

const LAST: readonly Dimension[] = ['N', 'H', 'W', 'C'];

const draw =
  (axis: readonly Dimension[], virtualBatchSize: number | null = null, dimensions = LAST) =>
  () =>
    drawLayout({ dimensions, axis, virtualBatchSize });

/** The pictures of docs/how/layout.md. */
export const LAYOUTS: Readonly<Record<string, () => string>> = {
  'docs/pictures/layout-channels-last.svg': draw(['C']),
  'docs/pictures/layout-channels-first.svg': draw(['C'], null, ['N', 'C', 'H', 'W']),
  'docs/pictures/layout-two-axes.svg': draw(['H', 'C']),
  'docs/pictures/layout-ghost-batches.svg': draw(['C'], 2),
};
