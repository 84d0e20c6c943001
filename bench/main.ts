/** @file `npm run bench`: this layer against its peers, as ratios within one run. */
import fs from 'node:fs';
import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import Table from 'cli-table3';
import { Command, InvalidArgumentError, Option } from 'commander';
import { layerBatchNormalization } from 'evenkeel';
import { difference, makeData, makeSubject } from './layer-bench.js';
import { raceFit } from './fit.js';
import { raceLoading } from './loading.js';
import { LARGE, SMALL, race } from './measure.js';
import { torchStepMs } from './peers/torch.js';
import { type VariantRow, raceVariants } from './variants.js';

interface Row {
  backend: string;
  shape: string;
  what: 'step' | 'inference';
  evenkeelMs: number;
  stockMs: number;
  timesAsFast: number;
}

const DEFAULT_SHAPES = '60x100,128x512,32x28x28x64,32x7x7x512,32x56x56x64';
/** The stock layer lacks Bessel's correction, so after a step its moving variance, and inference, differ by this much. */
const AGREEMENT = 2e-3;

function parseShapes(text: string): number[][] {
  const shapes = text.split(',').map((shape) => shape.split('x').map(Number));
  if (
    !shapes.flat().every((size) => Number.isInteger(size) && size > 0) ||
    shapes.some((s) => s.length < 2)
  ) {
    throw new InvalidArgumentError(`Expected shapes such as ${DEFAULT_SHAPES}.`);
  }
  return shapes;
}

function measure(backend: string, shape: number[]): Row[] {
  const data = makeData(shape);
  const stock = makeSubject(tf.layers.batchNormalization({}), data);
  const ours = makeSubject(layerBatchNormalization(), data);
  const { name, error } = difference(ours.results(), stock.results());
  if (!(error <= AGREEMENT)) {
    throw new Error(
      `${backend} ${shape.join('x')}: ${name} differs from the stock layer's by ${error}, relative.`,
    );
  }
  const effort = tf.util.sizeFromShape(shape) > 1e5 ? LARGE : SMALL;
  const step = race(
    {
      ours: () => {
        ours.step();
      },
      stock: () => {
        stock.step();
      },
    },
    effort,
  );
  const inference = race(
    {
      ours: () => {
        ours.infer();
      },
      stock: () => {
        stock.infer();
      },
    },
    effort,
  );
  tf.dispose(data);
  const row = (what: Row['what'], times: typeof step): Row => ({
    backend,
    shape: shape.join('x'),
    what,
    evenkeelMs: times.ours,
    stockMs: times.stock,
    timesAsFast: times.stock / times.ours,
  });
  return [row('step', step), row('inference', inference)];
}

const {
  backend: backends,
  shapes,
  json,
} = new Command('bench')
  .description(
    'Times a training step and inference against the stock TF.js layer, what options cost, a whole fit, loading, and PyTorch ' +
      '(of python3, or of what PYTHON names). All contenders warm, in turn, as medians; PyTorch by itself, after.',
  )
  .addOption(new Option('--backend <name...>', 'backends').choices(['wasm', 'cpu']).default(['wasm', 'cpu']))
  .option('--shapes <list>', 'input shapes, channels last', parseShapes, parseShapes(DEFAULT_SHAPES))
  .option('--json', 'print JSON instead of tables')
  .parse()
  .opts<{ backend: string[]; shapes: number[][]; json?: true }>();

const say = (what: string) => process.stderr.write(`${what}\n`);
const rows: Row[] = [];
const variants: (VariantRow & { backend: string })[] = [];
const fits: { backend: string; evenkeelMs: number; stockMs: number; timesAsFast: number }[] = [];
for (const backend of backends) {
  await tf.setBackend(backend);
  for (const shape of shapes) {
    say(`${backend} ${shape.join('x')}`);
    rows.push(...measure(backend, shape));
  }
  say(`${backend} options`);
  variants.push(...raceVariants().map((row) => ({ backend, ...row })));
  say(`${backend} fit`);
  const fit = await raceFit();
  fits.push({ backend, ...fit, timesAsFast: fit.stockMs / fit.evenkeelMs });
}
say('loading');
const loading = await raceLoading();
say('PyTorch');
const torch = torchStepMs(shapes);

const machine = { cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.cpus().length, node: process.version };
const report = {
  machine,
  against: `@tensorflow/tfjs ${tf.version.tfjs}`,
  rows,
  variants,
  fits,
  loading,
  torch,
};
fs.mkdirSync(new URL('results/', import.meta.url), { recursive: true });
fs.writeFileSync(new URL('results/layer.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);

function print(head: string[], lines: string[][]): void {
  const table = new Table({ head, style: { head: [], border: [] } });
  table.push(...lines);
  process.stdout.write(`${table.toString()}\n`);
}

if (json) {
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} else {
  print(
    ['backend', 'shape', '', 'evenkeel ms', 'stock ms', 'times as fast'],
    rows.map(({ backend, shape, what, evenkeelMs, stockMs, timesAsFast }) => [
      ...[backend, shape, what],
      ...[evenkeelMs.toFixed(3), stockMs.toFixed(3), timesAsFast.toFixed(2)],
    ]),
  );
  print(
    ['backend', 'step at 32x28x28x64', 'ms', 'times the plain one'],
    variants.map(({ backend, variant, ms, timesPlain }) => [
      ...[backend, variant, ms.toFixed(2), timesPlain.toFixed(2)],
    ]),
  );
  print(
    ['backend', 'an epoch of fit, evenkeel ms', 'stock ms', 'times as fast'],
    fits.map((fit) => [
      ...[fit.backend, fit.evenkeelMs.toFixed(1), fit.stockMs.toFixed(1), fit.timesAsFast.toFixed(2)],
    ]),
  );
  print(
    ['model', 'loaded from', 'ms', 'ms a layer', 'longest block, ms'],
    loading.map(({ model, format, ms, msPerLayer, longestBlockMs }) => [
      ...[model, format, ms.toFixed(0), msPerLayer.toFixed(2), longestBlockMs.toFixed(0)],
    ]),
  );
  if (typeof torch === 'string') {
    process.stderr.write(
      `PyTorch was not run: ${torch}\nInstall it (pip install torch), or name a Python that has it: PYTHON=…\n`,
    );
    process.exitCode = 1;
  } else {
    print(
      ['shape', 'PyTorch, one thread, step ms', 'evenkeel on wasm, times that'],
      Object.entries(torch).map(([shape, ms]) => {
        const own = rows.find((row) => row.backend === 'wasm' && row.shape === shape && row.what === 'step');
        return [shape, ms.toFixed(3), own ? (own.evenkeelMs / ms).toFixed(2) : '-'];
      }),
    );
    const ratios = rows
      .filter(
        ({ backend, what, shape }) => backend === 'wasm' && what === 'step' && shape.split('x').length > 2,
      )
      .map(({ shape, evenkeelMs }) => evenkeelMs / torch[shape]!);
    const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
    if (ratios.length > 0) {
      process.stdout.write(`Images: ${mean.toFixed(2)} times PyTorch's time, geometric mean.\n`);
    }
  }
  process.stdout.write(`${machine.cpu}, ${machine.cores} cores, ${machine.node}; peer: ${report.against}\n`);
}
