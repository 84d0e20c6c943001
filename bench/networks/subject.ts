/** @file A network at work in TF.js: its loss and gradients, a training step, and the forward pass of one. */
import * as tf from '@tensorflow/tfjs';
import { CLASSES, LEARNING_RATE, type Network, build } from './networks.js';

/** What all contenders compute with: inputs, classes, and the trainable weights in the order of the description. */
export interface Data {
  readonly x: Float32Array;
  readonly classes: Int32Array;
  readonly weights: readonly { readonly shape: readonly number[]; readonly values: Float32Array }[];
}

/** The loss, and its gradient by each weight: to be compared before anything is timed. */
export interface Results {
  readonly loss: number;
  readonly gradients: readonly Float32Array[];
}

export interface Subject {
  /** A step, and what it computes. */
  readonly results: () => Results;
  readonly step: () => void;
  readonly forward: () => void;
  readonly dispose: () => void;
}

/** Inputs, classes and first weights of a network, by chance. */
export function drawData(network: Network): Data {
  const { model, layers } = build(network, () => tf.layers.batchNormalization({}));
  const [batch] = network.inputShape;
  const x = tf.randomNormal([...network.inputShape], 0, 1, 'float32', 1);
  const data: Data = {
    x: x.dataSync<'float32'>().slice(),
    classes: Int32Array.from({ length: batch! }, (_, i) => (i * 7) % CLASSES),
    weights: layers.flatMap((layer) =>
      layer.trainableWeights.map((weight) => ({
        shape: weight.shape as number[],
        values: (weight.read().dataSync() as Float32Array).slice(),
      })),
    ),
  };
  tf.dispose(x);
  model.dispose();
  return data;
}

/** The network with the layers of one contender, on the active backend. */
export function makeSubject(network: Network, data: Data, normalization: () => tf.layers.Layer): Subject {
  const { model, layers } = build(network, normalization);
  const variables = layers
    .flatMap((layer) => layer.trainableWeights)
    .map((weight) => weight.read())
    .filter((value) => value instanceof tf.Variable);
  const x = tf.tensor(data.x, [...network.inputShape]);
  const classes = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(data.classes, 'int32'), CLASSES), 'float32'));
  data.weights.forEach(({ shape, values }, i) => {
    tf.tidy(() => {
      variables[i]!.assign(tf.tensor(values, [...shape]));
    });
  });
  const optimizer = tf.train.sgd(LEARNING_RATE);
  const loss = () =>
    tf.losses.softmaxCrossEntropy<tf.Tensor, tf.Scalar>(
      classes,
      model.apply(x, { training: true }) as tf.Tensor,
    );
  const valueOf = (scalar: tf.Scalar) => scalar.dataSync()[0]!;
  // What `minimize` does, but for the gradients, which it keeps to itself.
  const step = () => {
    const { value, grads } = tf.variableGrads(loss, variables);
    optimizer.applyGradients(grads);
    return { loss: valueOf(value), grads };
  };
  return {
    results: () =>
      tf.tidy(() => {
        const { loss: value, grads } = step();
        const gradients = variables.map(({ name }) => grads[name]!.dataSync<'float32'>().slice());
        return { loss: value, gradients };
      }),
    step: () => {
      tf.tidy(() => {
        step();
      });
    },
    forward: () => {
      tf.tidy(() => valueOf(loss()));
    },
    dispose: () => {
      model.dispose();
      optimizer.dispose();
      tf.dispose([x, classes]);
    },
  };
}
