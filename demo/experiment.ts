/** @file The experiment from its settings to what it found. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { chooseBackend, runCourse, runOnThreads } from './course.js';
import { loadData } from './data.js';
import { UsageError } from '../shared/usage-error.js';
import { HIDDEN_LAYERS, UNITS, WEIGHT_DEVIATION, type LayerOptions } from './networks.js';
import type { ProgressDisplay } from './progress.js';
import { resultOf, type Result } from './results.js';
import { BATCH_SIZE, type BackendName, type Settings } from './settings.js';
import {
  LEARNING_RATE,
  MEASURED_DIGITS,
  PERCENTILES,
  UNIT,
  type Each,
  type Measurement,
  type Progress,
} from './train.js';
import { messageOf } from '../src/text/refusal.js';

/** All that the report and `--json` tell. */
export interface Findings {
  readonly settings: {
    readonly steps: number;
    readonly seed: number;
    readonly backend: BackendName;
    readonly threads: number;
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
  const { steps, seed, backend, threads } = settings;
  await chooseBackend(backend);
  // Threads normalize by the moments of the whole batch, whichever part of it they have.
  const options = threads > 1 ? { synchronized: true, ...settings.options } : settings.options;
  checkOptions(options);
  const data = await loadData(settings.data, seed);

  const started = performance.now();
  const progress = showProgress();
  const series: Measurement[] = [];
  let stepsDone = 0;
  const onProgress = ({ step, measurement }: Progress) => {
    stepsDone = step;
    if (measurement) series.push(measurement);
    progress.update(step, series.at(-1)!);
  };
  const training = { ...settings, options };
  const alone = { communicator: null, isStopped: () => signal.aborted };
  let final;
  try {
    final =
      threads > 1
        ? await runOnThreads(training, data, signal, onProgress)
        : (await runCourse(training, data, alone, onProgress))!;
  } finally {
    progress.stop();
  }
  const seconds = (performance.now() - started) / 1000;
  const results = {
    plain: resultOf('plain', series, final.plain),
    normalized: resultOf('normalized', series, final.normalized),
  };
  return {
    settings: {
      steps,
      seed,
      backend,
      threads,
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
