/** @file Programs in which ranks do not do the same. */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalization, layerBatchNormalization } from 'evenkeel';
import { type Communicator, synchronizeOver } from 'evenkeel/distributed';
import { type ThreadGroup, breakThreadGroup, threadCommunicator } from 'evenkeel/threads';
import { useBackend } from '../../use-backend.js';

const CALL = { training: true };
const apply = (layer: BatchNormalization, x: tf.Tensor) => layer.apply(x, CALL) as tf.Tensor;

type Deviate = (isLast: boolean, layers: readonly BatchNormalization[], x: tf.Tensor) => void;

/** What the last rank does differently. All layers have as many channels, and the same name. */
const DEVIATIONS: Record<string, Deviate> = {
  'calls its layers in another order': (isLast, [one, other], x) => {
    for (const layer of [one!, other!]) apply(layer, x);
    for (const layer of isLast ? [other!, one!] : [one!, other!]) apply(layer, x);
  },
  'takes gradients in another order': (isLast, [layer], x) => {
    tf.grad((input) => {
      const calls = [apply(layer!, input), apply(layer!, input)];
      const inOrder = isLast ? calls.toReversed() : calls;
      return tf.addN(inOrder.map((y) => tf.grad(() => y)(input)));
    })(x);
  },
  'takes a gradient that the others do not': (isLast, [layer], x) => {
    if (isLast) tf.grad((input) => apply(layer!, input))(x);
    else apply(layer!, x);
    apply(layer!, x);
  },
  'has plain operations': (isLast, [layer, , plain], x) => {
    apply(isLast ? plain! : layer!, x);
  },
};

export const NAMES = Object.keys(DEVIATIONS);

/**
 * What this rank is told in each deviation: an error's name and message.
 *
 * @param groups one for each, since an error ends a group
 */
export async function deviate(
  { rank, size }: Communicator,
  groups: Readonly<Record<string, ThreadGroup>>,
): Promise<Record<string, string>> {
  await useBackend('cpu');
  const told = Object.entries(groups).map(([name, group]) => {
    const layers = [{}, {}, { fused: false }].map((args) => {
      const layer = layerBatchNormalization({ ...args, name: 'bn', synchronized: true });
      layer.build([null, 2]);
      return layer;
    });
    const end = synchronizeOver(threadCommunicator(group, rank, { timeout: 20 }));
    try {
      DEVIATIONS[name]!(rank === size - 1, layers, tf.tensor2d([1, 2, 3, 5], [2, 2]));
      return [name, 'nothing'];
    } catch (error) {
      breakThreadGroup(group);
      return [name, String(error)];
    } finally {
      end();
    }
  });
  return Object.fromEntries(told) as Record<string, string>;
}
