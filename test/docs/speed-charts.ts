/**
 * @file The charts of docs/benchmarks.md: times on a logarithmic axis, a row for each network or shape. They take the colours
 * of the page around them, and of the reader's system where they stand alone.
 */
import { logarithmic } from '../../docs/pictures/svg.js';
import { CONTENDERS, type Results, layerShapes, layerStep, networkNames, networkRow } from './speed.js';

interface Series {
  readonly name: string;
  /** Of the row with that index; none where it was not measured or cannot be. */
  readonly ms: readonly (number | null)[];
}

interface Chart {
  readonly rows: readonly { readonly name: string; readonly note?: string }[];
  readonly series: readonly Series[];
}

const WIDTH = 540;
const RIGHT = 28;
const TOP = 84;
const ROW = 44;

/** A shape for each series, around the origin, so that colour alone tells nothing. */
const MARKS = [
  '<circle r="6.5"/>',
  '<path d="M0-7 7 0 0 7-7 0z"/>',
  '<rect x="-5.5" y="-5.5" width="11" height="11"/>',
  '<path d="M0-7 7 6H-7z"/>',
];

const STYLE = `
  .speed-chart { color: var(--vp-c-text-1, #2b2b31); font: 14px system-ui, sans-serif; }
  .speed-chart .mark-0 { fill: var(--chart-0, #0b6b74); }
  .speed-chart .mark-1 { fill: var(--chart-1, #b4530a); }
  .speed-chart .mark-2 { fill: var(--chart-2, #8a6d00); }
  .speed-chart .mark-3 { fill: var(--chart-3, #6a51a3); }
  .speed-chart .quiet { fill: var(--vp-c-text-2, #5f5f68); font-size: 12.5px; }
  .speed-chart .line { stroke: var(--vp-c-divider, #d6d6da); }
  @media (prefers-color-scheme: dark) {
    .speed-chart { color: var(--vp-c-text-1, #e2e2dc); }
    .speed-chart .mark-0 { fill: var(--chart-0, #62c9d1); }
    .speed-chart .mark-1 { fill: var(--chart-1, #f2a65a); }
    .speed-chart .mark-2 { fill: var(--chart-2, #e0c341); }
    .speed-chart .mark-3 { fill: var(--chart-3, #b9a5e8); }
    .speed-chart .quiet { fill: var(--vp-c-text-2, #a5a5ac); }
    .speed-chart .line { stroke: var(--vp-c-divider, #45454c); }
  }`;

function draw({ rows, series }: Chart): string {
  const times = series.flatMap(({ ms }) => ms.filter((one) => one !== null));
  const [low, high] = [Math.floor(Math.log10(Math.min(...times))), Math.ceil(Math.log10(Math.max(...times)))];
  const left = rows.some(({ note }) => note) ? 200 : 120;
  const bottom = TOP + rows.length * ROW;
  const x = logarithmic([10 ** low, 10 ** high], [left, WIDTH - RIGHT]);
  const y = (row: number) => TOP + (row + 0.5) * ROW;
  const mark = (i: number, atX: number, atY: number) =>
    `<g class="mark-${i}" transform="translate(${atX.toFixed(1)} ${atY.toFixed(1)})">${MARKS[i]}</g>`;
  const text = (atX: number, atY: number, content: string, more = '') =>
    `<text x="${atX.toFixed(1)}" y="${atY.toFixed(1)}" fill="currentColor"${more}>${content}</text>`;

  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="speed-chart" viewBox="0 0 ${WIDTH} ${bottom + 34}">`,
    `<style>${STYLE}\n</style>`,
    ...series.flatMap(({ name }, i) => {
      const [startX, startY] = [16 + (i % 2) * 180, 18 + Math.floor(i / 2) * 26];
      return [mark(i, startX, startY), text(startX + 14, startY + 5, name)];
    }),
    ...ticks.flatMap((ms, i) => [
      `<path class="line" d="M${x(ms).toFixed(1)} ${TOP - 8}V${bottom}"/>`,
      // Where there are many, every other one has its name.
      ...(ticks.length > 7 && i % 2 > 0
        ? []
        : [text(x(ms), bottom + 20, tickName(ms), ' class="quiet" text-anchor="middle"')]),
    ]),
    ...rows.flatMap(({ name, note }, row) => [
      text(8, y(row) + (note ? -3 : 5), name),
      ...(note ? [text(8, y(row) + 13, note, ' class="quiet"')] : []),
      ...series.flatMap(({ ms }, i) => (ms[row] == null ? [] : [mark(i, x(ms[row]), y(row))])),
    ]),
    '</svg>',
    '',
  ].join('\n');
}

const tickName = (ms: number): string =>
  ms < 1000 ? `${ms} ms` : `${(ms / 1000).toLocaleString('en-US')} s`;

export function networksChart({ networks }: Results): string {
  const names = networkNames(networks);
  return draw({
    rows: names.map((name) => ({
      name,
      ...(networkRow(networks, name, 'stock, wasm')?.stepMs == null && {
        note: 'stock, wasm: does not train',
      }),
    })),
    series: CONTENDERS.map((name) => ({
      name,
      ms: names.map((network) => networkRow(networks, network, name)?.stepMs ?? null),
    })),
  });
}

export function layerChart(results: Results): string {
  const { torch } = results;
  const shapes = layerShapes(results);
  const step = (shape: string, backend: string) => layerStep(results, shape, backend);
  return draw({
    rows: shapes.map((shape) => ({ name: shape.replaceAll('x', '×') })),
    series: [
      { name: 'evenkeel, wasm', ms: shapes.map((shape) => step(shape, 'wasm').evenkeelMs) },
      { name: 'stock, wasm', ms: shapes.map((shape) => step(shape, 'wasm').stockMs) },
      { name: 'stock, cpu', ms: shapes.map((shape) => step(shape, 'cpu').stockMs) },
      {
        name: 'PyTorch, one thread',
        ms: shapes.map((shape) => (typeof torch === 'string' ? null : torch[shape]!)),
      },
    ],
  });
}
