/** @file The experiment from its settings to what it found. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { BATCH_SIZE, loadData } from './data.js';
import { UsageError } from '../shared/usage-error.js';
import { HIDDEN_LAYERS, Network, UNITS, WEIGHT_DEVIATION, type LayerOptions } from './networks.js';
import type { ProgressDisplay } from './progress.js';
import { Random } from '../shared/random.js';
import { resultOf, type Result } from './results.js';
import type { BackendName, Settings } from './settings.js';
import {
  LEARNING_RATE,
  MEASURED_DIGITS,
  PERCENTILES,
  readEach,
  train,
  UNIT,
  type Each,
  type Measurement,
} from './train.js';
import { messageOf } from '../src/text/refusal.js';

/** All that the report and `--json` tell. */
export interface Findings {
  readonly settings: {
    readonly steps: number;
    readonly seed: number;
    readonly backend: BackendName;
    readonly options: LayerOptions;
    readonly hiddenLayers: number;
    readonly units: number;
    readonly weightDeviation: number;
    readonly learningRate: number;
    readonly batchSize: number;
    readonly tensorflow: string;
  };
  readonly data: {
    readonly source: string;
    readonly trainingDigits: number;
    readonly testDigits: number;
    /** How many of the test digits each measurement is of. */
    readonly measuredDigits: number;
  };
  /** Fewer than the settings say where the run was stopped. */
  readonly stepsDone: number;
  readonly seconds: number;
  readonly results: Each<Result>;
  /** Which percentiles of the input of which unit of the last hidden layer are in the series. */
  readonly percentiles: readonly number[];
  readonly unit: number;
  readonly series: readonly Measurement[];
}

async function chooseBackend(name: BackendName): Promise<void> {
  // Also keeps TF.js from greeting, and from advising a backend that the user did not ask for.
  tf.enableProdMode();
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js cannot use its ${name} backend here.`);
  // Dense layers train five times as fast on wasm.
  accelerateTensorFlow();
}

/** Tries the layer's arguments on a batch of noughts, so that it refuses before the digits are drawn. */
function checkOptions(options: LayerOptions): void {
  try {
    const layer = layerBatchNormalization(options);
    layer.apply(tf.input({ shape: [UNITS] }));
    tf.tidy(() => {
      layer.apply(tf.zeros([BATCH_SIZE, UNITS]), { training: true });
    });
    layer.dispose();
  } catch (error) {
    throw new UsageError(`--options: ${messageOf(error)}`);
  }
}

/**
 * Runs the experiment, until its end or until `signal` is aborted.
 *
 * @throws UsageError where the layer refuses its arguments
 * @throws ValueError where the data cannot be used
 */
export async function runExperiment(
  settings: Settings,
  showProgress: () => ProgressDisplay,
  signal: AbortSignal,
): Promise<Findings> {
  const { steps, seed, backend, options } = settings;
  await chooseBackend(backend);
  checkOptions(options);
  const data = await loadData(settings.data, seed);
  const networks = Network.pair(new Random(seed, 'weights'), options);

  const started = performance.now();
  const progress = showProgress();
  const series: Measurement[] = [];
  let stepsDone = 0;
  try {
    for await (const { step, measurement } of train(networks, data, {
      steps,
      random: new Random(seed, 'batches'),
      signal,
    })) {
      stepsDone = step;
      if (measurement) series.push(measurement);
      progress.update(step, series.at(-1)!);
    }
  } finally {
    progress.stop();
  }
  const seconds = (performance.now() - started) / 1000;

  const final = await readEach(networks, data.test);
  const results = {
    plain: resultOf('plain', series, final.plain.accuracy),
    normalized: resultOf('normalized', series, final.normalized.accuracy),
  };
  networks.plain.dispose();
  networks.normalized.dispose();
  return {
    settings: {
      steps,
      seed,
      backend,
      options,
      hiddenLayers: HIDDEN_LAYERS,
      units: UNITS,
      weightDeviation: WEIGHT_DEVIATION,
      learningRate: LEARNING_RATE,
      batchSize: BATCH_SIZE,
      tensorflow: tf.version['tfjs-core'],
    },
    data: {
      source: data.source,
      trainingDigits: data.training.labels.length,
      testDigits: data.test.labels.length,
      measuredDigits: Math.min(MEASURED_DIGITS, data.test.labels.length),
    },
    stepsDone,
    seconds,
    results,
    percentiles: PERCENTILES,
    unit: UNIT,
    series,
  };
}
