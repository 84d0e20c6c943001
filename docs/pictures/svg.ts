/**
 * @file Pictures as SVG text. Ink is `currentColor`, and the other colours have a contrast of 3.8 or more on white and on
 * black alike, so that one file is for light and dark. 400 wide, so that its letters can be read on a phone.
 */

/** Each of a contrast of at least 3.8 on white and on the site's dark ground. */
export const COLOURS = ['#0f8590', '#c2600c', '#8a63d2', '#4d8a2f', '#c7458a', '#3f78d8'] as const;
export const INK = 'currentColor';

export const WIDTH = 400;
const FONT_SIZE = 12;

export type Point = readonly [x: number, y: number];

/** One decimal is enough of a pixel, and the same on every machine. */
const digits = (value: number): string => String(Number(value.toFixed(1)));

const escapeText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** An element with its attributes; numbers are rounded, and what is undefined is left out. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  content = '',
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? digits(value) : value!}"`);
  return `<${name}${written.join('')}${content === '' ? '/>' : `>${content}</${name}>`}`;
}

export interface TextStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly isBold?: boolean;
  readonly colour?: string;
}

export const text = (
  content: string,
  [x, y]: Point,
  { anchor, size = FONT_SIZE, isBold, colour = INK }: TextStyle = {},
): string =>
  element(
    'text',
    {
      ...{ x, y, 'font-size': size === FONT_SIZE ? undefined : size, fill: colour, 'text-anchor': anchor },
      'font-weight': isBold ? '600' : undefined,
    },
    escapeText(content),
  );

export interface LineStyle {
  readonly colour?: string;
  readonly width?: number;
  readonly dashes?: string;
}

export const line = (
  points: readonly Point[],
  { colour = INK, width = 1.5, dashes }: LineStyle = {},
): string =>
  element('polyline', {
    points: points.map(([x, y]) => `${digits(x)},${digits(y)}`).join(' '),
    ...{ fill: 'none', stroke: colour, 'stroke-width': width, 'stroke-dasharray': dashes },
    'stroke-linejoin': 'round',
  });

/** A surface between points, seen through. */
export const area = (points: readonly Point[], colour: string, opacity = 0.25): string =>
  element('polygon', {
    points: points.map(([x, y]) => `${digits(x)},${digits(y)}`).join(' '),
    fill: colour,
    'fill-opacity': String(opacity),
  });

export const rectangle = (
  [x, y]: Point,
  width: number,
  height: number,
  attributes: Readonly<Record<string, string | number>>,
): string => element('rect', { x, y, width, height, ...attributes });

/** The shapes by which lines differ beside their colours. */
export type Mark = 'circle' | 'square' | 'triangle' | 'none';

export function mark(kind: Mark, [x, y]: Point, colour: string): string {
  if (kind === 'none') return '';
  if (kind === 'circle') return element('circle', { cx: x, cy: y, r: 3, fill: colour });
  if (kind === 'square') return rectangle([x - 2.7, y - 2.7], 5.4, 5.4, { fill: colour });
  return area(
    [
      [x, y - 3.6],
      [x + 3.4, y + 2.6],
      [x - 3.4, y + 2.6],
    ],
    colour,
    1,
  );
}

/** The whole picture. Its ink is that of the site, where it stands in a page, and else goes by the reader's system. */
export const picture = (height: number, parts: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}">` +
  '<style>.picture{color:var(--vp-c-text-1,#1f2328)}' +
  '@media(prefers-color-scheme:dark){.picture{color:var(--vp-c-text-1,#f0f6fc)}}</style>\n' +
  `${parts.filter(Boolean).join('\n')}\n</svg>\n`;

/** A number's place along an axis. */
export type Scale = (value: number) => number;

export const linear =
  ([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale =>
  (value) =>
    start + ((value - from) / (to - from)) * (end - start);

export const logarithmic = (
  [from, to]: readonly [number, number],
  range: readonly [number, number],
): Scale => {
  const scale = linear([Math.log10(from), Math.log10(to)], range);
  return (value) => scale(Math.log10(value));
};

export interface Tick {
  readonly value: number;
  readonly label: string;
}

export const ticks = (values: readonly number[], label: (value: number) => string = String): Tick[] =>
  values.map((value) => ({ value, label: label(value) }));

/** 10⁻⁶ */
export const powerOfTen = (value: number): string => {
  const exponent = Math.round(Math.log10(value));
  if (exponent === 0) return '1';
  if (exponent === 1) return '10';
  const raised = String(exponent).replace(/./g, (digit) => '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.indexOf(digit)]!);
  return `10${raised}`;
};

export interface Axes {
  /** The plot's rectangle. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: Scale;
  readonly y: Scale;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  readonly xLabel?: string;
  readonly title?: string;
}

/** The frame of a plot: a line for each tick of y, numbers at both axes, what x is, and what the plot shows above it. */
export function axes({ left, top, width, height, x, y, xTicks, yTicks, xLabel, title }: Axes): string[] {
  const bottom = top + height;
  return [
    ...yTicks.flatMap(({ value, label }) => [
      element('line', {
        ...{ x1: left, x2: left + width, y1: y(value), y2: y(value) },
        ...{ stroke: INK, 'stroke-opacity': '0.2' },
      }),
      text(label, [left - 5, y(value) + 4], { anchor: 'end', size: 11 }),
    ]),
    line(
      [
        [left, bottom],
        [left + width, bottom],
      ],
      { width: 1 },
    ),
    ...xTicks.map(({ value, label }) => text(label, [x(value), bottom + 15], { anchor: 'middle', size: 11 })),
    xLabel === undefined ? '' : text(xLabel, [left + width, bottom + 31], { anchor: 'end' }),
    title === undefined ? '' : text(title, [left, top - 9], { isBold: true }),
  ];
}

export interface Entry extends LineStyle {
  readonly name: string;
  readonly mark?: Mark;
}

/** From one line of a legend to the next. */
export const LEGEND_STEP = 17;

/** What the lines are, one below the other. */
export const legend = (entries: readonly Entry[], [x, y]: Point): string[] =>
  entries.flatMap(({ name, mark: kind = 'none', ...style }, i) => {
    const middle = y + i * LEGEND_STEP;
    return [
      line(
        [
          [x, middle],
          [x + 24, middle],
        ],
        { ...style, width: style.width ?? 2 },
      ),
      mark(kind, [x + 12, middle], style.colour ?? INK),
      text(name, [x + 31, middle + 4]),
    ];
  });
