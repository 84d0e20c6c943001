/**
 * @file `npm run bench:accuracy`: errors against float64, by how far the input's mean is from zero. Prints them, and
 * keeps them in bench/results/accuracy.json, of which `npm run docs` makes the tables and the picture of the site.
 */
import '@tensorflow/tfjs-backend-wasm';
import { Command } from 'commander';
import { originOfRun, writeResults } from '../report.js';
import { startWebgpu } from '../webgpu/device.js';
import { EPSILON, MEANS, SHAPE, errorsOf, makeCases } from './case.js';
import { type Outcome, ofKeras, ofTorch, onBackend } from './contenders.js';
import type { AccuracyReport } from './report.js';

new Command('bench:accuracy')
  .description(
    'Errors of y, dx and inference against float64, for inputs whose mean is 0 to 10⁵ standard deviations: evenkeel and ' +
      'stock TF.js on wasm, cpu and webgpu (on SwiftShader, where Debian’s chromium is installed), tf-keras (of what ' +
      'EVENKEEL_PYTHON names) and PyTorch (of what PYTHON names), each left out where it is missing. Writes ' +
      'bench/results/accuracy.json.',
  )
  .parse();

const cases = makeCases();
const outcomes: Record<string, Outcome> = {};
for (const backend of ['wasm', 'cpu']) Object.assign(outcomes, await onBackend(backend, cases));
const missing = await startWebgpu(true);
if (missing === null) {
  await import('@tensorflow/tfjs-backend-webgpu');
  Object.assign(outcomes, await onBackend('webgpu', cases));
} else {
  outcomes['evenkeel, webgpu'] = missing;
}
Object.assign(outcomes, ofKeras(cases), ofTorch(cases));

const measures = cases.map(errorsOf);
const report: AccuracyReport = {
  ...originOfRun(),
  shape: SHAPE,
  epsilon: EPSILON,
  means: MEANS,
  rows: Object.entries(outcomes).map(([contender, outcome]) =>
    typeof outcome === 'string'
      ? { contender, errors: null, why: outcome }
      : { contender, errors: outcome.map((results, i) => measures[i]!(results)) },
  ),
};
writeResults('accuracy.json', report);
for (const { contender, errors, why } of report.rows) {
  const figures = errors?.map((one, i) => {
    const [y, dx, inference] = [one.y, one.dx, one.inference].map((error) => error.toExponential(1));
    return `  mean ${MEANS[i]!}: y ${y!}, dx ${dx!}, inference ${inference!}`;
  });
  process.stdout.write(`${contender}\n${figures?.join('\n') ?? `  ${why!}`}\n`);
}
process.exit();
