/** @file The documents' tables of speed say what the results say. */
import { expect, test } from 'vitest';
import type { Report } from '../../bench/report.js';
import { figure, speedLines } from './speed.js';

const kernels = ['Conv2D', 'FusedConv2D', 'Transpose'].map((kernel, i) => ({
  ...{ kernel, ms: 10 - i },
  share: (50 - i) / 100,
}));

/** A run in which every number has another place to go to. */
const REPORT: Required<Report> = {
  commit: 'abc1234',
  date: '2026-01-02',
  machine: { cpu: 'a processor', cores: 2, node: 'v20.1.0' },
  against: '@tensorflow/tfjs 4.22.0',
  networks: [
    {
      ...{ network: 'convnet', contender: 'evenkeel, wasm', stepMs: 200, forwardMs: 60 },
      ...{ kernels, outsideShare: 0.1 },
    },
    {
      ...{ network: 'convnet', contender: 'stock, wasm', stepMs: null, forwardMs: 60 },
      why: 'does not train: Conv2DBackpropFilter is missing',
    },
    { network: 'convnet', contender: 'evenkeel, cpu', stepMs: 500, forwardMs: 60 },
    { network: 'convnet', contender: 'stock, cpu', stepMs: 24_680, forwardMs: 60 },
    { network: 'convnet', contender: 'PyTorch, one thread', stepMs: 43, forwardMs: 11 },
  ],
  layer: [
    ...(['step', 'inference'] as const).flatMap((what) => [
      {
        backend: 'wasm',
        shape: '60x100',
        what,
        evenkeelMs: what === 'step' ? 0.05 : 7,
        stockMs: 1,
        timesAsFast: 20,
      },
      {
        backend: 'cpu',
        shape: '60x100',
        what,
        evenkeelMs: 3,
        stockMs: what === 'step' ? 6.1 : 8,
        timesAsFast: 2,
      },
    ]),
  ],
  torch: { '60x100': 0.04 },
  ranks: [
    {
      engine: 'alone',
      ranks: 1,
      stepMs: 530,
      timesAsFast: 1,
      cpuMs: 540,
      sumsMs: 0,
      gradientsMs: 0,
      momentsMs: 0,
    },
    {
      ...{ engine: 'threads', ranks: 2, stepMs: 280, timesAsFast: 1.89, cpuMs: 560 },
      ...{ sumsMs: 12, gradientsMs: 0.55, momentsMs: 0.23 },
    },
    { engine: 'MPI', ranks: 2, stepMs: null, why: 'there is none' },
  ],
  ...{ inference: [], variants: [], fit: [], loading: [], passes: [] },
};

test('figures have two digits that count', () => {
  expect([0.0123, 0.5, 0.99, 1.04, 9.94, 10, 12.3, 123.4].map(figure)).toEqual([
    ...['0.012', '0.50', '0.99', '1.0', '9.9', '10', '12', '123'],
  ]);
});

test('each number is where its column says', () => {
  const rows = speedLines(REPORT).map((line) =>
    line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')),
  );
  const [head, , convnet] = rows.slice(rows.findIndex(([first]) => first === 'network'));
  expect(Object.fromEntries(head!.map((name, i) => [name, convnet![i]]))).toEqual({
    network: 'convnet',
    'evenkeel, wasm': '200 ms',
    'step / forward': '3.3',
    'stock, wasm': 'does not train: `Conv2DBackpropFilter` is missing',
    'evenkeel, cpu': '2.5',
    'stock, cpu': '123',
    'PyTorch, one thread': '0.21',
    'most of its time': '`Conv2D` 50 %, `FusedConv2D` 49 %, `Transpose` 48 %',
  });
  expect(rows).toContainEqual(['60×100', '0.050 ms', '20', '122', '0.80']);
  expect(rows).toContainEqual(['one', '530 ms', '1.0', '', '', '']);
  expect(rows).toContainEqual(['two threads', '280 ms', '1.9', '12 ms', '0.55 ms', '0.23 ms']);
  expect(rows.at(-3)).toEqual(['two processes of MPI', 'there is none', '', '', '', '']);
  expect(rows.at(-1)).toEqual([
    'Each rank on one core of a processor, Node 20.1.0, @tensorflow/tfjs 4.22.0, commit abc1234, 2026-01-02.',
  ]);
});

test('without PyTorch the reason stands in its place', () => {
  const why = 'python3 does not start: ENOENT';
  const networks = REPORT.networks.map((row) =>
    row.contender.startsWith('PyTorch') ? { ...row, stepMs: null, why } : row,
  );
  const text = speedLines({ ...REPORT, networks, torch: why }).join('\n');
  expect(text.split(why)).toHaveLength(3);
});
