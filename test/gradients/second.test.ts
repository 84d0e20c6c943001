/**
 * @file Second derivatives, which TF.js takes of operations that it recorded: of the first gradient where `fused` is
 * false, else of what stands for the gradient of the kernels. Against differences of the first derivatives that the core
 * computes in float64, and against each other.
 */
import * as tf from '@tensorflow/tfjs';
import { backward, forward, type BatchNormalizationOptions, type State } from 'evenkeel/core';
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { sizeOf } from '../core/reference.js';
import {
  drawInput,
  drawState,
  floats,
  makeLayer,
  relativeDistance,
  toTensor,
} from '../properties/layer-and-core.js';

/** Far enough for float64 to see a difference, near enough for it to be the derivative: the error is about its square. */
const DISTANCE = 1e-5;

interface Call {
  options?: BatchNormalizationOptions;
  shape: number[];
  training?: boolean;
  /** The shape of a mask, with weights of 0, some of 0.5 and some of 2. */
  mask?: number[];
  /** The shapes of scale and bias. */
  adjustment?: readonly [number[], number[]];
}

// The r and d of renorm are constants to the gradient, so differences must not see them change: they are clipped.
const CLIPPED = { renorm: true, renormClipping: { rmax: 0.9, rmin: 0.9, dmax: 0 } };
const CALLS: [string, Call][] = [
  ['in training', { shape: [5, 3] }],
  ['in inference', { shape: [5, 3], training: false }],
  ['without scale', { options: { scale: false }, shape: [5, 3] }],
  ['without center', { options: { center: false }, shape: [5, 3] }],
  ['without both', { options: { scale: false, center: false }, shape: [5, 3] }],
  [
    'without both, in inference',
    { options: { scale: false, center: false }, shape: [5, 3], training: false },
  ],
  ['along axis 1', { options: { axis: 1 }, shape: [2, 3, 2, 2] }],
  ['along axis 1, in inference', { options: { axis: 1 }, shape: [2, 3, 2, 2], training: false }],
  ['along the first axis', { options: { axis: 0 }, shape: [3, 4] }],
  ['along the last axis of rank 4', { shape: [2, 2, 2, 3] }],
  ['along two axes', { options: { axis: [0, 2] }, shape: [2, 5, 3] }],
  ['along two axes, in inference', { options: { axis: [0, 2] }, shape: [2, 5, 3], training: false }],
  ['along axis 1 of rank 5', { options: { axis: 1 }, shape: [2, 2, 2, 1, 3] }],
  ['along transposed axes', { options: { axis: [0, 2, 4] }, shape: [2, 3, 2, 2, 2] }],
  ['along transposed axes of rank 6', { options: { axis: [1, 3, 5] }, shape: [2, 2, 2, 1, 2, 2] }],
  ['at rank 6, in inference', { options: { axis: [1, 5] }, shape: [2, 2, 2, 1, 2, 2], training: false }],
  ['with ghost batches', { options: { virtualBatchSize: 3 }, shape: [6, 2] }],
  ['with ghost batches along axis 1', { options: { virtualBatchSize: 2, axis: 1 }, shape: [4, 2, 3] }],
  [
    'with ghost batches along two axes',
    { options: { virtualBatchSize: 3, axis: [1, 3] }, shape: [6, 2, 2, 2] },
  ],
  [
    'with ghost batches along transposed axes',
    { options: { virtualBatchSize: 3, axis: [2, 4] }, shape: [6, 1, 2, 2, 2] },
  ],
  ['with renorm', { options: CLIPPED, shape: [5, 2] }],
  ['with renorm and ghost batches', { options: { ...CLIPPED, virtualBatchSize: 3 }, shape: [6, 2] }],
  ['with renorm, in inference', { options: CLIPPED, shape: [5, 2], training: false }],
  ['with a mask', { shape: [3, 2, 2], mask: [3, 2] }],
  ['with a mask of dimensions of 1', { shape: [4, 2, 2], mask: [4, 1] }],
  ['with a mask across channels', { options: { axis: 1 }, shape: [3, 2, 2], mask: [3, 2] }],
  [
    'with a mask and transposed axes',
    { options: { axis: [0, 2, 4] }, shape: [2, 3, 2, 2, 2], mask: [2, 3, 2, 2] },
  ],
  ['with a mask and renorm', { options: CLIPPED, shape: [3, 2, 2], mask: [3, 2] }],
  ['with a mask of whole channels', { options: { axis: 0 }, shape: [3, 2, 3], mask: [3, 1] }],
  ['with an adjustment', { shape: [5, 3], adjustment: [[3], []] }],
  ['with an adjustment and no gamma', { options: { scale: false }, shape: [5, 3], adjustment: [[], [3]] }],
  [
    'with an adjustment of rank 4',
    {
      options: { axis: 1 },
      shape: [2, 3, 2, 2],
      adjustment: [
        [3, 1, 1],
        [1, 3, 1, 1],
      ],
    },
  ],
  ['with an adjustment and a mask', { shape: [2, 2, 2, 2], mask: [2, 2, 2], adjustment: [[2], [2]] }],
  [
    'with an adjustment that varies',
    {
      shape: [5, 3],
      adjustment: [
        [5, 1],
        [5, 3],
      ],
    },
  ],
  [
    'with a scale that varies',
    { options: { axis: 1 }, shape: [2, 3, 2, 2], adjustment: [[2, 1, 2, 1], [1]] },
  ],
  ['with a bias that varies', { shape: [6, 2], adjustment: [[2], [6, 1]] }],
  [
    'with an adjustment that varies, and a mask',
    {
      shape: [3, 2, 2],
      mask: [3, 2],
      adjustment: [
        [2, 1],
        [3, 2, 2],
      ],
    },
  ],
];

/** What derivatives are taken by, in order, where it is there. */
type Sources = Record<string, Float64Array>;

/**
 * The loss is Σ c·y³. What is differentiated is G = Σ v·g, over its gradients g by all sources.
 */
function setUp({ options = {}, shape, training = true, mask, adjustment }: Call) {
  const state = drawState(options, shape, 31);
  const [c] = [floats(sizeOf(shape), 41)];
  const values = mask && Array.from({ length: sizeOf(mask) }, (_, i) => [1, 0, 1, 0.5, 2][i % 5]!);
  const maskGiven = mask && { shape: mask, values: values!, dtype: 'float32' as const };
  const sources: Sources = { x: drawInput(shape, 'float32', 21) };
  if (state.gamma) sources.gamma = Float64Array.from(state.gamma);
  if (state.beta) sources.beta = Float64Array.from(state.beta);
  if (adjustment) {
    sources.scale = floats(sizeOf(adjustment[0]), 51);
    sources.bias = floats(sizeOf(adjustment[1]), 52);
  }
  const directions = Object.values(sources).map((source, i) => floats(source.length, 60 + i));
  const call = { training, mask: maskGiven ?? null };

  const inCore = (at: Sources): number => {
    const { y, saved } = forward(
      { values: at.x!, shape },
      { ...state, ...only(at, 'gamma', 'beta') },
      options,
      {
        ...call,
        adjustment: adjustment
          ? {
              scale: { values: at.scale!, shape: adjustment[0] },
              bias: { values: at.bias!, shape: adjustment[1] },
            }
          : null,
      },
    );
    const gradients = backward(
      y.map((value, i) => 3 * c[i]! * value ** 2),
      saved,
    ) as unknown as Record<string, ArrayLike<number>>;
    return Object.keys(at).reduce(
      (total, name, s) =>
        total + directions[s]!.reduce((sum, v, i) => sum + v * gradients[`d${name}`]![i]!, 0),
      0,
    );
  };

  const ofLayer = (fused: boolean | null): Record<string, ArrayLike<number>> => {
    const variables = adjustment?.map((form, i) =>
      tf.variable(toTensor(sources[['scale', 'bias'][i]!]!, form)),
    );
    const layer = makeLayer(
      { options: { ...options, fused }, shape, training, seed: 0 },
      state,
      variables ?? null,
    );
    const kwargs = {
      ...{ training, updateMovingStatistics: false },
      mask: maskGiven && toTensor(maskGiven.values, maskGiven.shape),
    };
    const given = [
      toTensor(sources.x!, shape),
      layer.gamma?.read(),
      layer.beta?.read(),
      ...(variables ?? []),
    ];
    const present = given.filter((tensor) => tensor !== undefined);
    const loss = (at: tf.Tensor) =>
      tf.sum(tf.mul(toTensor(c, shape), tf.pow(layer.apply(at, kwargs) as tf.Tensor, 3)));
    const projected = (...at: tf.Tensor[]) =>
      tf.addN(
        tf
          .grads(loss as never)(at as never)
          .map((gradient: tf.Tensor, i: number) =>
            tf.sum(tf.mul(gradient, toTensor(directions[i]!, gradient.shape))),
          ),
      );
    const gradients = tf.grads(projected as never)(present as never) as tf.Tensor[];
    const results = gradients.map((gradient) => gradient.dataSync());
    layer.dispose();
    tf.dispose(variables ?? []);
    return Object.fromEntries(Object.keys(sources).map((name, i) => [name, results[i]!]));
  };
  return { sources, inCore, ofLayer };
}

const only = (values: Sources, ...names: string[]): State =>
  Object.fromEntries(
    names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])),
  ) as unknown as State;

function differences(sources: Sources, f: (at: Sources) => number): Sources {
  const nudged = (name: string, i: number, by: number) => {
    const values = sources[name]!.slice();
    values[i]! += by;
    return f({ ...sources, [name]: values });
  };
  return Object.fromEntries(
    Object.entries(sources).map(([name, values]) => [
      name,
      values.map((_, i) => (nudged(name, i, DISTANCE) - nudged(name, i, -DISTANCE)) / (2 * DISTANCE)),
    ]),
  );
}

describeBackends(() => {
  test.each(CALLS)('%s', (_, call) => {
    const { sources, inCore, ofLayer } = setUp(call);
    const want = differences(sources, inCore);
    const [byKernels, byOperations] = [ofLayer(null), ofLayer(false)];
    for (const name of Object.keys(sources)) {
      expect(relativeDistance(byOperations[name]!, want[name]!), `fused: false, by ${name}`).toBeLessThan(
        1e-4,
      );
      expect(relativeDistance(byKernels[name]!, want[name]!), `by ${name}`).toBeLessThan(1e-4);
    }
  });
});
