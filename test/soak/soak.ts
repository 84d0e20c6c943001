/**
 * @file Trains small layers, or a small network with convolutions, for as long as one likes, and reads how much is held every so often. What a step leaves
 * behind adds up: after the first reading nothing may grow.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow, layerBatchNormalization } from 'evenkeel';
import { USES, type Use } from '../models/leaks.js';
import { draw } from '../models/models.js';

/** What is held after so many steps. */
export interface Reading {
  readonly step: number;
  readonly tensors: number;
  /** Arrays in the backend. */
  readonly buffers: number;
  /** Blocks of the wasm heap that JavaScript has taken and not freed; 0 on other backends. */
  readonly wasmBlocks: number;
  /** The size of the wasm heap, which never shrinks; 0 on other backends. */
  readonly wasmBytes: number;
  /** JavaScript objects, after a garbage collection. */
  readonly heapBytes: number;
}

/** Half of what the smallest object takes, so that one object left by every step, or every other, is seen. */
const HEAP_BYTES_PER_STEP = 8;
/** What compilers and collectors move to and fro, whatever the number of steps. */
const HEAP_BYTES_OF_NOISE = 1_000_000;

/** Those that train on floats and are not empty. */
const SOAKED = Object.values(USES).filter(({ args, shape }) => args.dtype !== 'int32' && shape[0] !== 0);

/** How many layers are trained, one step each: before as many steps, what is held grows with each new one. */
export const LAYERS = SOAKED.length;

interface WasmHeap {
  readonly HEAPU8: Uint8Array;
  _malloc: (byteLength: number) => number;
  _free: (address: number) => void;
}

/** Counts the blocks that JavaScript takes of the heap from now on and has not freed. */
function countBlocks(heap: WasmHeap): () => number {
  // emscripten puts the real functions in place when they are first called.
  heap._free(heap._malloc(1));
  const taken = new Set<number>();
  const { _malloc: malloc, _free: free } = heap;
  heap._malloc = (byteLength) => {
    const address = malloc(byteLength);
    taken.add(address);
    return address;
  };
  heap._free = (address) => {
    taken.delete(address);
    free(address);
  };
  return () => taken.size;
}

/** The garbage collector, which Node shows on request only. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** A training step and an inference, as a function. */
function makeStep({ args, shape, mask }: Use, optimizer: tf.Optimizer): () => void {
  const layer = layerBatchNormalization(args);
  layer.build([null, ...shape.slice(1)]);
  const weights = mask && tf.ones(mask);
  const apply = (x: tf.Tensor, training: boolean) => {
    return layer.apply(x, { training, mask: weights ?? null }) as tf.Tensor;
  };
  const input = tf.variable(draw(shape, 1));
  const parameters = layer.trainableWeights.map((weight) => weight.read()) as never[];
  return () => {
    tf.tidy(() => {
      // The input is a variable too, so that all gradients are computed.
      optimizer.minimize(() => tf.sum(tf.square(apply(input, true))), false, [input, ...parameters]);
      apply(input, false);
    });
  };
}

/** A network that trains through as many kernels of `accelerateTensorFlow` as is quick. */
function makeNetworkStep(optimizer: tf.Optimizer): () => void {
  const { layers } = tf;
  const model = tf.sequential({
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same', inputShape: [7, 6, 2] }),
      layerBatchNormalization(),
      layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      layers.conv2d({ filters: 4, kernelSize: 2, strides: 2, useBias: false }),
      layerBatchNormalization({ axis: 1 }),
      layers.depthwiseConv2d({ kernelSize: 2, strides: 3, padding: 'same' }),
      layers.upSampling2d({ size: [2, 2] }),
      layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  });
  const x = draw([3, 7, 6, 2], 1);
  const weights = model.trainableWeights.map((weight) => weight.read()) as never[];
  const apply = (training: boolean) => model.apply(x, { training }) as tf.Tensor;
  return () => {
    tf.tidy(() => {
      optimizer.minimize(() => tf.sum(tf.square(apply(true))), false, weights);
      apply(false);
    });
  };
}

/** What is soaked, in turns, one step each. */
export const SUBJECTS = {
  layers: (optimizer: tf.Optimizer) => SOAKED.map((use) => makeStep(use, optimizer)),
  network: (optimizer: tf.Optimizer) => [makeNetworkStep(optimizer)],
};

/**
 * Trains on the active backend, with TF.js accelerated.
 *
 * @param interval steps between readings; the first reading comes after as many
 */
export async function* soak(
  steps: number,
  interval: number,
  subject: keyof typeof SUBJECTS = 'layers',
): AsyncGenerator<Reading, void> {
  const undo = accelerateTensorFlow();
  try {
    yield* readings(steps, interval, subject);
  } finally {
    undo();
  }
}

async function* readings(
  steps: number,
  interval: number,
  subject: keyof typeof SUBJECTS,
): AsyncGenerator<Reading, void> {
  const { wasm } = tf.engine().backend as { wasm?: WasmHeap };
  const blocks = wasm ? countBlocks(wasm) : () => 0;
  const collectGarbage = garbageCollector();
  const optimizer = tf.train.sgd(1e-6);
  const turns = SUBJECTS[subject](optimizer);
  for (let step = 1; step <= steps; step++) {
    turns[step % turns.length]!();
    if (step % interval !== 0) continue;
    await breathe();
    collectGarbage();
    const { numTensors, numDataBuffers } = tf.memory();
    yield {
      step,
      tensors: numTensors,
      buffers: numDataBuffers,
      wasmBlocks: blocks(),
      wasmBytes: wasm?.HEAPU8.byteLength ?? 0,
      heapBytes: process.memoryUsage().heapUsed,
    };
  }
}

/** What has grown since the first reading, in words; null if nothing has. */
export function growthIn(readings: readonly Reading[]): string | null {
  const [first, last] = [readings[0]!, readings.at(-1)!];
  for (const name of ['tensors', 'buffers', 'wasmBlocks', 'wasmBytes'] as const) {
    if (last[name] > first[name]) return `${name} grew from ${first[name]} to ${last[name]}`;
  }
  const allowed = HEAP_BYTES_OF_NOISE + HEAP_BYTES_PER_STEP * (last.step - first.step);
  const grown = last.heapBytes - first.heapBytes;
  return grown > allowed ? `the JavaScript heap grew by ${grown} bytes, more than ${allowed}` : null;
}
