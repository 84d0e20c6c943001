/** @file `npm run bench`: this library against its peers, as ratios within one run. A whole run is kept in results/. */
import '@tensorflow/tfjs-backend-wasm';
import { Command, InvalidArgumentError, Option } from 'commander';
import { NETWORK_NAMES, type NetworkName } from './networks/networks.js';
import { PARTS, type Part, run, writeResults } from './report.js';
import { tablesOf } from './tables.js';

const BACKENDS = ['wasm', 'cpu'];
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

const command = new Command('bench')
  .description(
    'Times whole networks, the layer, what its options cost, a whole fit and loading against stock TF.js and PyTorch ' +
      '(of python3, or of what PYTHON names), and the passes against memory. All contenders warm, in turn, as medians; ' +
      'PyTorch by itself, after. A run without options takes a quarter of an hour, and writes bench/results/bench.json.',
  )
  .addOption(new Option('--only <part...>', 'parts of it').choices(PARTS).default([...PARTS]))
  .addOption(
    new Option('--networks <name...>', 'whole networks').choices(NETWORK_NAMES).default(NETWORK_NAMES),
  )
  .addOption(new Option('--backend <name...>', 'backends').choices(BACKENDS).default(BACKENDS))
  .option(
    '--shapes <list>',
    'input shapes of the layer, channels last',
    parseShapes,
    parseShapes(DEFAULT_SHAPES),
  )
  .option('--json', 'print JSON instead of tables')
  .parse();
const { only, networks, backend, shapes, json } = command.opts<{
  only: Part[];
  networks: NetworkName[];
  backend: string[];
  shapes: number[][];
  json?: true;
}>();

const report = await run({ only, networks, backends: backend, shapes }, (what) =>
  process.stderr.write(`${what}\n`),
);
const isWhole = ['only', 'networks', 'backend', 'shapes'].every(
  (option) => command.getOptionValueSource(option) === 'default',
);
if (isWhole) writeResults(report);
process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : `${tablesOf(report)}\n`);
