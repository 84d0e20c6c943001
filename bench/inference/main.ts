/**
 * @file `npm run bench:inference`: what a whole model takes to predict, before and after `fold`, against stock TF.js and
 * onnxruntime-web on one thread, which runs the same weights. As ratios within one run.
 */
import fs from 'node:fs';
import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import Table from 'cli-table3';
import { Command, InvalidArgumentError, Option } from 'commander';
import { accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { fold } from 'evenkeel/tools';
import * as onnxruntime from 'onnxruntime-web';
import { median } from '../measure.js';
import { NETWORKS, SAMPLE, makeBoth } from './networks.js';
import { writeOnnx } from './onnx.js';

type NetworkName = keyof typeof NETWORKS;

/** Predicts once, all numbers read. */
type Predict = () => Float32Array | Promise<Float32Array>;

interface Row {
  readonly backend: string;
  readonly network: NetworkName;
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
  let [largest, error] = [0, 0];
  expected.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    const difference = Math.abs(value - actual[i]!);
    // Not Math.max alone: NaN is to count.
    if (!(difference <= error)) error = difference;
  });
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
  (predict: () => Float32Array): Predict =>
  () => {
    const undo = accelerateTensorFlow();
    try {
      return predict();
    } finally {
      undo();
    }
  };

/** Median milliseconds, of the clock and of the processor: each contender once in each round. */
async function raceInRounds(contenders: Record<string, Predict>, rounds: number) {
  const times = Object.entries(contenders).map(([contender, predict]) => ({
    contender,
    predict,
    ms: [] as number[],
    cpuMs: [] as number[],
  }));
  for (let round = -1; round < rounds; round++) {
    for (const { predict, ms, cpuMs } of times) {
      const [start, cpuStart] = [performance.now(), process.cpuUsage()];
      await predict();
      const [end, { user, system }] = [performance.now(), process.cpuUsage(cpuStart)];
      // The first round warms up.
      if (round < 0) continue;
      ms.push(end - start);
      cpuMs.push((user + system) / 1000);
    }
  }
  return times.map(({ contender, ms, cpuMs }) => ({ contender, ms: median(ms), cpuMs: median(cpuMs) }));
}

/** The kernels that a prediction spends most of its time in. */
async function largestKernels(predict: () => unknown) {
  const sums = new Map<string, number>();
  const { kernels } = await tf.profile(() => {
    predict();
    return tf.zeros([0]);
  });
  for (const { name, kernelTimeMs } of kernels) {
    // What an operation takes, its kernels included.
    if (name.endsWith('__op')) continue;
    sums.set(name, (sums.get(name) ?? 0) + Number(await kernelTimeMs));
  }
  const all = [...sums].map(([kernel, ms]) => ({ kernel, ms })).sort((one, other) => other.ms - one.ms);
  return { largest: all.slice(0, 3), sum: all.reduce((sum, { ms }) => sum + ms, 0) };
}

const positive = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a positive integer.');
};
const NAMES = Object.keys(NETWORKS) as NetworkName[];

const options = new Command('bench:inference')
  .description(
    'Times the predictions of whole models: as they are, folded, of stock TF.js, and of onnxruntime-web (wasm, one thread). ' +
      'All contenders warm, each once in each round, as medians.',
  )
  .addOption(new Option('--backend <name...>', 'backends').choices(['wasm', 'cpu']).default(['wasm']))
  .addOption(new Option('--network <name...>', 'networks').choices(NAMES).default(NAMES))
  .option('--batch <sizes...>', 'batch sizes', (text, before: number[]) => [...before, positive(text)], [])
  .option('--rounds <count>', 'how many', positive, 11)
  .option('--json', 'print JSON instead of tables')
  .parse()
  .opts<{ backend: string[]; network: NetworkName[]; batch: number[]; rounds: number; json?: true }>();
const batches = options.batch.length > 0 ? options.batch : [1, 8];

const say = (what: string) => process.stderr.write(`${what}\n`);
onnxruntime.env.wasm.numThreads = 1;
const rows: Row[] = [];
const kernelRows: {
  backend: string;
  network: NetworkName;
  batch: number;
  kernels: string;
  outsideMs: number;
}[] = [];
for (const backend of options.backend) {
  await tf.setBackend(backend);
  for (const network of options.network) {
    say(`${backend} ${network}`);
    const { model, stock } = await makeBoth(
      NETWORKS[network],
      (args) => layerBatchNormalization(args),
      (args) => tf.layers.batchNormalization(args),
    );
    const { model: folded } = await fold(model);
    for (const batch of batches) {
      say(`${backend} ${network}, batch ${batch}`);
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
      const times = await raceInRounds(contenders, options.rounds);
      const timeOf = new Map(times.map(({ contender, ms }) => [contender, ms]));
      rows.push(
        ...times.map((time) => ({
          ...{ backend, network, batch },
          ...time,
          timesAsFast: timeOf.get('onnxruntime')! / time.ms,
        })),
      );
      const { largest, sum } = await largestKernels(contenders['evenkeel, folded']!);
      kernelRows.push({
        ...{ backend, network, batch },
        kernels: largest.map(({ kernel, ms }) => `${kernel} ${ms.toFixed(1)}`).join(', '),
        outsideMs: timeOf.get('evenkeel, folded')! - sum,
      });
      x.dispose();
    }
    for (const one of [model, stock, folded]) one.dispose();
  }
}

const machine = { cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.cpus().length, node: process.version };
const against = `onnxruntime-web ${onnxruntime.env.versions.web ?? ''}, @tensorflow/tfjs ${tf.version.tfjs}`;
const report = `${JSON.stringify({ machine, against, rows, kernels: kernelRows }, null, 2)}\n`;
fs.writeFileSync(new URL('../results/inference.json', import.meta.url), report);
if (options.json) {
  process.stdout.write(report);
} else {
  const style = { head: [], border: [] };
  const table = new Table({
    head: ['backend', 'network', 'batch', 'model', 'ms', 'CPU ms', 'times as fast'],
    style,
  });
  for (const { backend, network, batch, contender, ms, cpuMs, timesAsFast } of rows) {
    const numbers = [ms.toFixed(1), cpuMs.toFixed(1), timesAsFast.toFixed(2)];
    table.push([backend, network, batch, contender, ...numbers]);
  }
  const kernels = new Table({
    head: ['backend', 'network', 'batch', 'largest kernels of the folded model, ms', 'outside kernels, ms'],
    style,
  });
  for (const row of kernelRows) {
    kernels.push([row.backend, row.network, row.batch, row.kernels, row.outsideMs.toFixed(1)]);
  }
  process.stdout.write(`${table.toString()}\n${kernels.toString()}\n`);
  process.stdout.write(`${machine.cpu}, ${machine.cores} cores, ${machine.node}; peers: ${against}\n`);
}
