/** @file `npm run bench`: this layer against the stock one of TF.js, as ratios within one run. */
import fs from 'node:fs';
import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import Table from 'cli-table3';
import { Command, InvalidArgumentError, Option } from 'commander';
import { layerBatchNormalization } from 'evenkeel';
import { difference, makeData, makeSubject } from './layer-bench.js';
import { LARGE, SMALL, race } from './measure.js';

interface Row {
  backend: string;
  shape: string;
  what: 'step' | 'inference';
  evenkeelMs: number;
  stockMs: number;
  timesAsFast: number;
}

const DEFAULT_SHAPES = '60x100,128x512,32x28x28x64,32x7x7x512';
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
  .description('Times a training step and inference against the stock TF.js layer, interleaved, as medians.')
  .addOption(new Option('--backend <name...>', 'backends').choices(['wasm', 'cpu']).default(['wasm', 'cpu']))
  .option('--shapes <list>', 'input shapes, channels last', parseShapes, parseShapes(DEFAULT_SHAPES))
  .option('--json', 'print JSON instead of a table')
  .parse()
  .opts<{ backend: string[]; shapes: number[][]; json?: true }>();

const rows: Row[] = [];
for (const backend of backends) {
  await tf.setBackend(backend);
  for (const shape of shapes) {
    process.stderr.write(`${backend} ${shape.join('x')}\n`);
    rows.push(...measure(backend, shape));
  }
}
const machine = { cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.cpus().length, node: process.version };
const report = { machine, against: `@tensorflow/tfjs ${tf.version.tfjs}`, rows };
fs.mkdirSync(new URL('results/', import.meta.url), { recursive: true });
fs.writeFileSync(new URL('results/layer.json', import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
if (json) {
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} else {
  const table = new Table({
    head: ['backend', 'shape', '', 'evenkeel ms', 'stock ms', 'times as fast'],
    style: { head: [], border: [] },
  });
  for (const { backend, shape, what, evenkeelMs, stockMs, timesAsFast } of rows) {
    table.push([backend, shape, what, evenkeelMs.toFixed(3), stockMs.toFixed(3), timesAsFast.toFixed(2)]);
  }
  process.stdout.write(
    `${table.toString()}\n${machine.cpu}, ${machine.cores} cores, ${machine.node}; peer: ${report.against}\n`,
  );
}
