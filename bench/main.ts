/** @file `npm run bench`: this library against its peers, as ratios within one run. A whole run is kept in results/. */
import '@tensorflow/tfjs-backend-wasm';
import { Command, InvalidArgumentError, Option } from 'commander';
import { BATCHES, INFERENCE_NAMES, type InferenceName } from './inference/race.js';
import { NETWORK_NAMES, type NetworkName } from './networks/networks.js';
import { PARTS, type Part, run, writeResults } from './report.js';
import { tablesOf } from './tables.js';

const DEFAULT_SHAPES = '60x100,128x512,32x28x28x64,32x7x7x512,32x56x56x64';

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

function addSize(text: string, sizes: readonly number[]): number[] {
  const size = Number(text);
  if (!Number.isInteger(size) || size < 1) throw new InvalidArgumentError('Expected a positive integer.');
  return sizes === BATCHES ? [size] : [...sizes, size];
}

const choice = (flags: string, description: string, names: readonly string[]) =>
  new Option(`${flags} <name...>`, description).choices(names).default(names);

const command = new Command('bench')
  .description(
    'Times the training of whole networks, inference of whole models, the layer, what its options cost, a whole fit and ' +
      'loading against stock TF.js, PyTorch (of python3, or of what PYTHON names) and onnxruntime-web, the passes ' +
      'against memory, and one rank against two: threads, and processes of MPI (EVENKEEL_MPIEXEC names its mpiexec). ' +
      'Contenders are warm, in turn, as medians; PyTorch is by itself, after. A run without options takes a quarter of ' +
      'an hour, and writes bench/results/bench.json, of which npm run docs makes the tables of docs/benchmarks.md.',
  )
  .addOption(choice('--only', 'parts of it', PARTS))
  .addOption(choice('--networks', 'networks that train', NETWORK_NAMES))
  .addOption(choice('--models', 'models that infer', INFERENCE_NAMES))
  .option('--batch <sizes...>', 'batch sizes of inference', addSize, BATCHES)
  .addOption(choice('--backend', 'backends; of inference the first', ['wasm', 'cpu']))
  .option('--shapes <list>', 'inputs of the layer, channels last', parseShapes, parseShapes(DEFAULT_SHAPES))
  .option('--json', 'print JSON instead of tables')
  .parse();
const { only, networks, models, batch, backend, shapes, json } = command.opts<{
  only: Part[];
  networks: NetworkName[];
  models: InferenceName[];
  batch: number[];
  backend: string[];
  shapes: number[][];
  json?: true;
}>();

const report = await run({ only, networks, models, batches: batch, backends: backend, shapes }, (what) =>
  process.stderr.write(`${what}\n`),
);
const isWhole = ['only', 'networks', 'models', 'batch', 'backend', 'shapes'].every(
  (option) => command.getOptionValueSource(option) === 'default',
);
if (isWhole) writeResults('bench.json', report);
process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${tablesOf(report)}\n`);
