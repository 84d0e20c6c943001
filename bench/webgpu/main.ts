/**
 * @file `npm run bench:webgpu`: a training step and inference on a GPU, against the stock layer and against copying the
 * same bytes, and what a step moves.
 *
 *   of memory's speed = bytes of x, y, dy and dx that pass / time  ÷  bytes of a copy / its time       1 is all of it
 *
 * Forward reads x twice and writes y; backward reads x and dy twice and writes dx: 8 times the bytes of x. Times are of
 * many calls queued at once, up to when the device is done, so the CPU's share shows only where it is the longer one.
 */
import * as tf from '@tensorflow/tfjs';
import Table from 'cli-table3';
import { Command } from 'commander';
import { layerBatchNormalization } from 'evenkeel';
import { median } from '../measure.js';
import { startWebgpu } from './device.js';
import { dispatchesOf, trafficOf } from './traffic.js';

const SHAPES = '128x512,32x28x28x64,32x56x56x64,128x56x56x64,32x7x7x512';
/** What a step must read and write of x's size, forward and backward together. */
const [READS, WRITES] = [6, 2];

const { shapes, json, swiftshader } = new Command('bench:webgpu')
  .description(
    "Times the layer on TF.js' webgpu backend in Node, against the stock layer and against copying.",
  )
  .option('--shapes <list>', 'input shapes, channels last', SHAPES)
  .option('--swiftshader', 'on a software device: to try this program, not to measure')
  .option('--json', 'print JSON instead of a table')
  .parse()
  .opts<{ shapes: string; json?: true; swiftshader?: true }>();

const missing = await startWebgpu(swiftshader === true);
if (missing !== null) {
  process.stderr.write(`bench:webgpu: ${missing}.\n`);
  process.exit(1);
}
await import('@tensorflow/tfjs-backend-webgpu');
await tf.setBackend('webgpu');
const backend = tf.engine().backend as unknown as {
  device: GPUDevice;
  endComputePassEncoder(): void;
  submitQueue(): void;
  commandEncoder: unknown;
};
const { queue } = backend.device;
backend.device.onuncapturederror = ({ error }) => {
  throw new Error(error.message);
};

/** How long each contender runs, and how many bytes take turns, more than caches hold. */
const [MEASURED_MS, RING_BYTES, ROUNDS] = swiftshader ? [50, 2 ** 22, 3] : [100, 2 ** 29, 9];

async function timeOf(call: () => void, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) call();
  backend.endComputePassEncoder();
  if (backend.commandEncoder) backend.submitQueue();
  await queue.onSubmittedWorkDone();
  return (performance.now() - start) / calls;
}

/** Median milliseconds of each contender, in turn, all warm. */
async function race<Name extends string>(
  contenders: Record<Name, () => void>,
): Promise<Record<Name, number>> {
  const entries = Object.entries(contenders) as [Name, () => void][];
  const times = Object.fromEntries(entries.map(([name]) => [name, [] as number[]])) as Record<Name, number[]>;
  const calls = {} as Record<Name, number>;
  for (const [name, call] of entries) {
    await timeOf(call, 3);
    calls[name] = Math.max(3, Math.min(1000, Math.round(MEASURED_MS / (await timeOf(call, 5)))));
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, call] of entries) times[name].push(await timeOf(call, calls[name]));
  }
  return Object.fromEntries(entries.map(([name]) => [name, median(times[name])])) as Record<Name, number>;
}

interface Subject {
  readonly step: () => void;
  readonly infer: () => void;
}

function makeSubject(layer: tf.layers.Layer, xs: readonly tf.Tensor[], dys: readonly tf.Tensor[]): Subject {
  layer.build([null, ...xs[0]!.shape.slice(1)]);
  const variables = layer.trainableWeights.map((weight) => weight.read());
  const gradients = tf.grads((x: tf.Tensor) => layer.apply(x, { training: true }) as tf.Tensor);
  let turn = 0;
  return {
    step: () => {
      turn++;
      tf.dispose(gradients([xs[turn % xs.length]!, ...variables], dys[turn % dys.length]));
    },
    infer: () => {
      turn++;
      tf.dispose(layer.apply(xs[turn % xs.length]!, { training: false }) as tf.Tensor);
    },
  };
}

async function measure(shape: number[]) {
  const bytes = 4 * tf.util.sizeFromShape(shape);
  const count = Math.max(2, Math.min(32, Math.ceil(RING_BYTES / bytes / 2)));
  const ring = (mean: number) =>
    Array.from({ length: count }, () =>
      tf.tidy(() => tf.mul(tf.add(tf.randomUniform([1, ...shape.slice(1)]), mean), tf.ones(shape))),
    );
  const [xs, dys] = [ring(1), ring(-0.5)];
  const ours = makeSubject(layerBatchNormalization(), xs, dys);
  const stock = makeSubject(tf.layers.batchNormalization({}), xs, dys);

  const traffic = trafficOf(dispatchesOf(ours.step), bytes);
  const stockTraffic = trafficOf(dispatchesOf(stock.step), bytes);
  if (traffic.reads !== READS || traffic.writes !== WRITES) {
    throw new Error(
      `A step reads ${traffic.reads} times and writes ${traffic.writes} times what x has, not ${READS} and ${WRITES}.`,
    );
  }

  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = Array.from({ length: 2 * count }, () =>
    backend.device.createBuffer({ size: bytes, usage }),
  );
  let turn = 0;
  const copy = () => {
    turn++;
    const encoder = backend.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffers[turn % count]!, 0, buffers[count + (turn % count)]!, 0, bytes);
    queue.submit([encoder.finish()]);
  };
  const times = await race({
    copy,
    step: ours.step,
    stockStep: stock.step,
    infer: ours.infer,
    stockInfer: stock.infer,
  });
  for (const buffer of buffers) buffer.destroy();
  tf.dispose([xs, dys]);
  const copyBytesPerMs = (2 * bytes) / times.copy;
  return {
    shape: shape.join('x'),
    stepMs: times.step,
    stepTimesAsFast: times.stockStep / times.step,
    stepOfMemorySpeed: ((READS + WRITES) * bytes) / times.step / copyBytesPerMs,
    inferenceMs: times.infer,
    inferenceTimesAsFast: times.stockInfer / times.infer,
    inferenceOfMemorySpeed: (2 * bytes) / times.infer / copyBytesPerMs,
    copyGigabytesPerSecond: copyBytesPerMs / 1e6,
    ...traffic,
    stockDispatches: stockTraffic.dispatches,
    stockBytes: stockTraffic.bytes,
  };
}

const adapter = await navigator.gpu.requestAdapter();
const device = [adapter?.info.vendor, adapter?.info.architecture, adapter?.info.description]
  .filter(Boolean)
  .join(' ');
const rows = [];
for (const shape of shapes.split(',')) {
  process.stderr.write(`${shape}\n`);
  rows.push(await measure(shape.split('x').map(Number)));
}
if (json) {
  process.stdout.write(`${JSON.stringify({ device, rows }, null, 2)}\n`);
} else {
  const table = new Table({
    head: [
      ...['shape', 'step ms', 'times stock', "of memory's speed", 'inference ms', 'times stock'],
      ...["of memory's speed", 'copy GB/s', 'programs (stock)', 'reads, writes of x', 'MB a step (stock)'],
    ],
    style: { head: [], border: [] },
  });
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  for (const row of rows) {
    table.push([
      row.shape,
      row.stepMs.toFixed(3),
      row.stepTimesAsFast.toFixed(2),
      row.stepOfMemorySpeed.toFixed(2),
      row.inferenceMs.toFixed(3),
      row.inferenceTimesAsFast.toFixed(2),
      row.inferenceOfMemorySpeed.toFixed(2),
      row.copyGigabytesPerSecond.toFixed(0),
      `${row.dispatches} (${row.stockDispatches})`,
      `${row.reads}, ${row.writes}`,
      `${megabytes(row.bytes)} (${megabytes(row.stockBytes)})`,
    ]);
  }
  process.stdout.write(`${table.toString()}\n${device}\n`);
}
