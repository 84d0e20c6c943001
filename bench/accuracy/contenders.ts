/** @file Who computes: this library and stock TF.js on each backend, tf-keras and PyTorch. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { TORCH_PYTHON, decode, encode, runPython } from '../peers/python.js';
import { type Case, EPSILON, type Results, SHAPE, channelFill } from './case.js';

/** Results for each case, or why there are none. */
export type Outcome = readonly Results[] | string;

async function ofLayer(make: () => tf.layers.Layer, cases: readonly Case[]): Promise<Results[]> {
  const all: Results[] = [];
  for (const { x, dy, movingMean, movingVariance } of cases) {
    const layer = make();
    layer.build([null, ...SHAPE.slice(1)]);
    const made = tf.tidy(() => {
      layer.setWeights(
        [channelFill(1), channelFill(0), movingMean, movingVariance].map((values) => tf.tensor1d(values)),
      );
      const input = tf.tensor4d(x, [...SHAPE]);
      const inference = layer.apply(input, { training: false }) as tf.Tensor;
      const train = (one: tf.Tensor) => layer.apply(one, { training: true }) as tf.Tensor;
      return { y: train(input), dx: tf.grad(train)(input, tf.tensor4d(dy, [...SHAPE])), inference };
    });
    const [y, dx, inference] = (await Promise.all(
      [made.y, made.dx, made.inference].map((tensor) => tensor.data()),
    )) as [Float32Array, Float32Array, Float32Array];
    all.push({ y, dx, inference });
    tf.dispose(made);
  }
  return all;
}

/** Of this library and of stock TF.js, on a backend that TF.js has loaded. */
export async function onBackend(backend: string, cases: readonly Case[]): Promise<Record<string, Outcome>> {
  await tf.setBackend(backend);
  return {
    [`evenkeel, ${backend}`]: await ofLayer(() => layerBatchNormalization({ epsilon: EPSILON }), cases),
    [`stock TF.js, ${backend}`]: await ofLayer(
      () => tf.layers.batchNormalization({ epsilon: EPSILON }),
      cases,
    ),
  };
}

/** Of a program of Python, by what it calls its contenders. */
function inPython(
  python: string,
  program: string,
  name: string,
  cases: readonly Case[],
): Record<string, Outcome> {
  const request = {
    shape: SHAPE,
    epsilon: EPSILON,
    cases: cases.map(({ x, dy, movingMean, movingVariance }) =>
      [x, dy, movingMean, movingVariance].map(encode),
    ),
  };
  const reply = runPython(python, program, [], JSON.stringify(request)) as
    { version: string; contenders: Record<string, Record<keyof Results, string>[]> } | string;
  if (typeof reply === 'string') return { [name]: reply };
  return Object.fromEntries(
    Object.entries(reply.contenders).map(([contender, results]) => [
      `${name} ${reply.version}, ${contender}`,
      results.map(({ y, dx, inference }) => ({ y: decode(y), dx: decode(dx), inference: decode(inference) })),
    ]),
  );
}

export const ofKeras = (cases: readonly Case[]) =>
  inPython(process.env.EVENKEEL_PYTHON ?? 'python3', 'keras_accuracy.py', 'tf-keras', cases);

export const ofTorch = (cases: readonly Case[]) =>
  inPython(TORCH_PYTHON, 'torch_accuracy.py', 'PyTorch', cases);
