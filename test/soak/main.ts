/** @file `npm run soak`: prints what is held as training goes on, and fails if any of it grows. */
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { LAYERS, type Reading, SUBJECTS, growthIn, soak } from './soak.js';

const BACKENDS = ['wasm', 'cpu'] as const;
const READINGS = 20;
/** At the first reading, every layer has been trained. */
const LEAST_STEPS = READINGS * LAYERS;

function parseSteps(text: string): number {
  const steps = Number(text);
  if (!Number.isInteger(steps) || steps < LEAST_STEPS) {
    throw new InvalidArgumentError(`It is a whole number of at least ${LEAST_STEPS}.`);
  }
  return steps;
}

const { steps, subject } = new Command('npm run soak --')
  .description(
    'Trains small layers, or a network, for very many steps on wasm and cpu, and fails if memory grows.',
  )
  .option('--steps <number>', 'training steps on each backend', parseSteps, 200_000)
  .addOption(
    new Option('--subject <name>', 'what is trained').choices(Object.keys(SUBJECTS)).default('layers'),
  )
  .parse()
  .opts<{ steps: number; subject: keyof typeof SUBJECTS }>();

const COLUMNS = ['step', 'tensors', 'buffers', 'wasmBlocks', 'wasmBytes', 'heapBytes'] as const;
const row = (cells: readonly (string | number)[]) => cells.map((cell) => String(cell).padStart(10)).join(' ');

for (const backend of BACKENDS) {
  await tf.setBackend(backend);
  console.log(`\n${backend}\n${row(COLUMNS)}`);
  const readings: Reading[] = [];
  for await (const reading of soak(steps, Math.floor(steps / READINGS), subject)) {
    readings.push(reading);
    console.log(row(COLUMNS.map((column) => reading[column])));
  }
  const growth = growthIn(readings);
  console.log(growth ? `${backend}: ${growth}` : `${backend}: nothing grew in ${steps} steps`);
  if (growth) process.exitCode = 1;
}
