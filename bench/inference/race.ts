/**
 * @file What a whole model takes to predict, before and after `fold`, against stock TF.js and
 * onnxruntime-web on one thread, which runs the same weights. As ratios within one run.
 */
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { fold } from 'evenkeel/tools';
import * as onnxruntime from 'onnxruntime-web';
import { largestDifference, largestMagnitude } from '../differences.js';
import { type Profile, profile } from '../exclusive-times.js';
import { median } from '../measure.js';
import { NETWORKS, SAMPLE, makeBoth } from './networks.js';
import { writeOnnx } from './onnx.js';

export type InferenceName = keyof typeof NETWORKS;
export const INFERENCE_NAMES = Object.keys(NETWORKS) as InferenceName[];

/** Predicts once, all numbers read. */
type Predict = () => Float32Array | Promise<Float32Array>;

const ROUNDS = 11;
export const BATCHES = [1, 8];

/** Of evenkeel's folded model also where its time goes. */
export interface InferenceRow extends Partial<Profile> {
  readonly backend: string;
  readonly network: InferenceName;
  readonly batch: number;
  readonly contender: string;
  readonly ms: number;
  /** What the process had of the processor meanwhile: tells where others disturbed. */
  readonly cpuMs: number;
  /** How many times as long onnxruntime-web takes, of the model as it is. */
  readonly timesAsFast: number;
}

/** How far outputs may lie apart, relative to the largest. */
const AGREEMENT = 1e-4;

/** Throws where two contenders do not predict the same. */
function compare(name: string, actual: Float32Array, expected: Float32Array): void {
  const [largest, error] = [largestMagnitude(expected), largestDifference(expected, actual)];
  if (actual.length === expected.length && error <= AGREEMENT * largest) return;
  throw new Error(`${name} predicts something else: it differs by ${error / largest}, relative.`);
}

async function onnxSession(model: tf.LayersModel, x: tf.Tensor): Promise<Predict> {
  const session = await onnxruntime.InferenceSession.create(writeOnnx(model));
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const channelsFirst = tf.tidy(() => tf.transpose(x, [0, 3, 1, 2]).dataSync<'float32'>());
  const input = new onnxruntime.Tensor('float32', channelsFirst, [batch, channels, height, width]);
  return async () => {
    const outputs = await session.run({ x: input });
    return outputs[session.outputNames[0]!]!.data as Float32Array;
  };
}

const predictionOf = (model: tf.LayersModel, x: tf.Tensor) => (): Float32Array =>
  tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync<'float32'>());

const accelerated =
  <Result>(predict: () => Result) =>
  (): Result => {
    const undo = accelerateTensorFlow();
    try {
      return predict();
    } finally {
      undo();
    }
  };

/** What the compiler takes to see which of the code of a hundred layers is worth its while. */
const WARM_MS = 2000;

/** Median milliseconds, of the clock and of the processor: each contender once in each round. */
async function raceInRounds(contenders: Record<string, Predict>) {
  const times = Object.entries(contenders).map(([contender, predict]) => ({
    contender,
    predict,
    ms: [] as number[],
    cpuMs: [] as number[],
  }));
  for (const { predict } of times) {
    const until = performance.now() + WARM_MS;
    do await predict();
    while (performance.now() < until);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { predict, ms, cpuMs } of times) {
      const [start, cpuStart] = [performance.now(), process.cpuUsage()];
      await predict();
      const [end, { user, system }] = [performance.now(), process.cpuUsage(cpuStart)];
      ms.push(end - start);
      cpuMs.push((user + system) / 1000);
    }
  }
  return times.map(({ contender, ms, cpuMs }) => ({ contender, ms: median(ms), cpuMs: median(cpuMs) }));
}

export async function raceInference(
  backend: string,
  network: InferenceName,
  batches: readonly number[],
  say: (what: string) => void,
): Promise<InferenceRow[]> {
  await tf.setBackend(backend);
  onnxruntime.env.wasm.numThreads = 1;
  const { model, stock } = await makeBoth(
    NETWORKS[network],
    (args) => layerBatchNormalization(args),
    (args) => tf.layers.batchNormalization(args),
  );
  const { model: folded } = await fold(model);
  const rows: InferenceRow[] = [];
  for (const batch of batches) {
    say(`${network} on ${backend}, batch ${batch}`);
    const x = tf.randomNormal([batch, ...SAMPLE], 0, 1, 'float32', 2);
    const contenders: Record<string, Predict> = {
      onnxruntime: await onnxSession(model, x),
      'onnxruntime, folded': await onnxSession(folded, x),
      'stock TF.js': predictionOf(stock, x),
      evenkeel: accelerated(predictionOf(model, x)),
      'evenkeel, folded': accelerated(predictionOf(folded, x)),
    };
    const expected = await contenders.onnxruntime!();
    for (const [name, predict] of Object.entries(contenders)) compare(name, await predict(), expected);
    const times = await raceInRounds(contenders);
    const onnxruntimeMs = times[0]!.ms;
    for (const time of times) {
      const timesAsFast = onnxruntimeMs / time.ms;
      const where =
        time.contender === 'evenkeel, folded'
          ? accelerated(() => profile(predictionOf(folded, x), time.ms))()
          : {};
      rows.push({ backend, network, batch, ...time, timesAsFast, ...where });
    }
    x.dispose();
  }
  for (const one of [model, stock, folded]) one.dispose();
  return rows;
}
