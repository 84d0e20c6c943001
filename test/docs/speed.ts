/** @file The documents' tables of speed, made of the last whole run of `npm run bench`. */
import type { NetworkRow } from '../../bench/networks/race.js';
import type { RanksRow } from '../../bench/ranks/race.js';
import type { Report } from '../../bench/report.js';
import { readText } from './blocks.js';
import { table } from './table.js';

/** Of a whole run. */
export type Results = Required<Report>;

/** Two digits that count, or a whole number. */
export const figure = (value: number): string =>
  value.toFixed(Math.max(0, 1 - Math.floor(Math.log10(value) + 1e-9)));

const code = (text: string) => `\`${text}\``;

/** What raced, in the order of the columns. */
export const CONTENDERS = ['evenkeel, wasm', 'stock, wasm', 'stock, cpu', 'PyTorch, one thread'] as const;

export const networkNames = (rows: readonly NetworkRow[]): string[] => [
  ...new Set(rows.map(({ network }) => network)),
];

export const networkRow = (
  rows: readonly NetworkRow[],
  network: string,
  contender: string,
): NetworkRow | undefined => rows.find((row) => row.network === network && row.contender === contender);

export const layerShapes = ({ layer }: Pick<Results, 'layer'>): string[] => [
  ...new Set(layer.map(({ shape }) => shape)),
];

/** A training step of the layer alone. */
export const layerStep = ({ layer }: Pick<Results, 'layer'>, shape: string, backend: string) =>
  layer.find((row) => row.shape === shape && row.backend === backend && row.what === 'step')!;

/** A contender's step as times of evenkeel's on wasm, or why there is none. */
function ratio(row: NetworkRow | undefined, ours: number): string {
  if (row?.stepMs != null) return figure(row.stepMs / ours);
  return row?.why?.replace(/: (\w+) is missing/, ': `$1` is missing') ?? '';
}

/** Times of the others, in the order of the columns. */
const OTHERS = ['stock, wasm', 'evenkeel, cpu', 'stock, cpu', 'PyTorch, one thread'];

function networkTable(rows: readonly NetworkRow[]): string[] {
  return table(
    ['network', 'evenkeel, wasm', 'step / forward', ...OTHERS, 'most of its time'],
    networkNames(rows).map((name) => {
      const { stepMs, forwardMs, kernels } = networkRow(rows, name, 'evenkeel, wasm')!;
      return [
        ...[name, `${figure(stepMs!)} ms`, figure(stepMs! / forwardMs!)],
        ...OTHERS.map((contender) => ratio(networkRow(rows, name, contender), stepMs!)),
        kernels!.map(({ kernel, share }) => `${code(kernel)} ${(100 * share).toFixed(0)} %`).join(', '),
      ];
    }),
  );
}

function layerTable(results: Pick<Results, 'layer' | 'torch'>): string[] {
  const { torch } = results;
  return table(
    ['input', ...CONTENDERS],
    layerShapes(results).map((shape) => {
      const { evenkeelMs, timesAsFast } = layerStep(results, shape, 'wasm');
      return [
        ...[shape.replaceAll('x', '×'), `${figure(evenkeelMs)} ms`, figure(timesAsFast)],
        figure(layerStep(results, shape, 'cpu').stockMs / evenkeelMs),
        typeof torch === 'string' ? torch : figure(torch[shape]! / evenkeelMs),
      ];
    }),
  );
}

function ranksTable(rows: readonly RanksRow[]): string[] {
  const names: Record<string, string> = { alone: 'one', threads: 'two threads', MPI: 'two processes of MPI' };
  const optional = (value: number | undefined, unit: string) =>
    value === undefined ? '' : `${figure(value)}${unit}`;
  return table(
    [
      'ranks',
      'step',
      'times as fast',
      'waiting and sums',
      'sums of gradients alone',
      'sums of moments alone',
    ],
    rows.map(({ engine, ranks, stepMs, why, timesAsFast, sumsMs, gradientsMs, momentsMs }) => [
      ...[names[engine]!, why ?? `${figure(stepMs!)} ms`, optional(timesAsFast, '')],
      ...[sumsMs, gradientsMs, momentsMs].map((ms) => optional(ranks > 1 ? ms : undefined, ' ms')),
    ]),
  );
}

export const readResults = (): Results => JSON.parse(readText('bench/results/bench.json')) as Results;

export function speedLines(report: Results): string[] {
  const { commit, date, machine, against, networks, ranks } = report;
  return [
    'A training step of whole networks, its loss read. What others take is in times of evenkeel on wasm:',
    '',
    ...networkTable(networks),
    '',
    'The layer alone, forward and backward:',
    '',
    ...layerTable(report),
    '',
    'The convnet on several ranks, a step of `trainOnBatch` of 128 samples on wasm:',
    '',
    ...ranksTable(ranks),
    '',
    `Each rank on one core of ${machine.cpu}, Node ${machine.node.slice(1)}, ${against}, commit ${commit}, ${date}.`,
  ];
}

/** A time in the unit that suits it. */
const duration = (ms: number): string =>
  ms < 1000 ? `${figure(ms)} ms` : ms < 60_000 ? `${figure(ms / 1000)} s` : `${figure(ms / 60_000)} min`;

/** What stands in a few lines for all the tables: a step of networks, and of the layer alone. */
export function speedSummaryLines(results: Results): string[] {
  const { networks, torch, machine, against } = results;
  const ofNetworks = networkNames(networks)
    .filter((name) => name !== 'experiment')
    .map((name) => [
      name,
      ...CONTENDERS.map((contender) => {
        const row = networkRow(networks, name, contender);
        return row?.stepMs == null ? (row?.why?.split(':')[0] ?? '') : duration(row.stepMs);
      }),
    ]);
  const shape = '32x28x28x64';
  const [wasm, cpu] = [layerStep(results, shape, 'wasm'), layerStep(results, shape, 'cpu')];
  const ofLayer = [wasm.evenkeelMs, wasm.stockMs, cpu.stockMs].map(duration);
  const ofTorch = typeof torch === 'string' ? torch.split(':')[0]! : duration(torch[shape]!);
  return [
    ...table(
      ['a training step of', 'evenkeel on wasm', "TF.js' own on wasm", "TF.js' own on cpu", 'PyTorch'],
      [...ofNetworks, [`the layer alone, ${shape.replaceAll('x', '×')}`, ...ofLayer, ofTorch]],
    ),
    '',
    `Each on one core of ${machine.cpu}, Node ${machine.node.slice(1)}, ${against}.`,
  ];
}

/** How fast the passes are, of what memory can do. */
export function passesLines({ passes, machine, commit, date }: Results): string[] {
  const names = ['moments', 'normalize', 'gradientSums', 'gradientNormalize'] as const;
  return [
    ...table(
      ['input', ...names.map(code)],
      passes.map((row) => [row.shape, ...names.map((name) => figure(row[name]))]),
    ),
    '',
    `1 is the speed of memory. ${machine.cpu}, Node ${machine.node.slice(1)}, commit ${commit}, ${date}.`,
  ];
}

/** What a prediction takes, before and after `fold`. */
export function inferenceLines({ inference, machine, against, commit, date }: Results): string[] {
  const ours = ['evenkeel', 'evenkeel, folded'];
  const models = [...new Set(inference.map(({ network, batch }) => `${network}, batch of ${batch}`))];
  return [
    ...table(
      ['model, on wasm', 'stock TF.js', ...ours, 'onnxruntime-web'],
      models.map((model) => {
        const msOf = (contender: string) =>
          inference.find(
            (row) => `${row.network}, batch of ${row.batch}` === model && row.contender === contender,
          )!.ms;
        const stock = msOf('stock TF.js');
        return [
          model,
          duration(stock),
          ...[...ours, 'onnxruntime'].map((name) => figure(msOf(name) / stock)),
        ];
      }),
    ),
    '',
    `On one core of ${machine.cpu}, Node ${machine.node.slice(1)}, ${against}, commit ${commit}, ${date}; evenkeel with ${code('accelerateTensorFlow')}.`,
  ];
}
