/**
 * @file Calls what TimeDistributed wraps once, on all steps together, as Keras does: time is folded into the batch.
 *
 * TF.js 4.22 calls it for each step. A normalization then has the moments of a step where Keras has those of the whole
 * batch, and moves its statistics as many times as there are steps.
 *
 * Can be deleted when `TimeDistributed.call` of tfjs-layers folds, and passes on the arguments of its call.
 */
import { type Tensor, reshape, tidy } from '@tensorflow/tfjs-core';
import { executedCall } from './executed-call.js';
import { type Layer, innerLayersOf, isContainer, isTimeDistributed } from './graph.js';
import { hasMask, maskFits } from './masks.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { timeDistributedPrototype } from './tensorflow-internals.js';

type CallArguments = Record<string, unknown> & { readonly mask?: Tensor | null };
interface Calling {
  call: (
    this: Layer & { readonly layer: Layer },
    inputs: Tensor | Tensor[],
    kwargs: CallArguments,
  ) => Tensor | Tensor[];
}

/**
 * From now on, TimeDistributed folds time into the batch where it wraps one of the layers that are meant, or a layer
 * that has one in it.
 */
export function foldTime(isMeant: (layer: Layer) => boolean): void {
  const holds = (layer: Layer): boolean => isMeant(layer) || innerLayersOf(layer).some(holds);
  const prototype = timeDistributedPrototype() as Calling;
  const { call } = prototype;
  prototype.call = function (inputs, kwargs) {
    // The states of a stateful layer belong to the samples of a batch. Keras does not fold them either.
    if (this.layer.stateful || !holds(this.layer)) return call.call(this, inputs, kwargs);
    const executed = executedCall(this);
    return tidy(() => {
      const x = [inputs].flat()[0]!;
      const mask = !executed || hasMask(executed) ? kwargs.mask : null;
      // The executor's arguments may be those of other layers, which a normalization applied directly refuses.
      const { training, updateMovingStatistics } = kwargs;
      const own = executed && isMeant(this.layer) ? { training, updateMovingStatistics } : kwargs;
      const given = { ...own, mask: mask ? maskFor(this.layer, mask, x) : null };
      const [y, ...others] = [this.layer.apply(fold(x), given)].flat() as Tensor[];
      if (!y || others.length > 0) {
        throw new ValueError(
          `TimeDistributed ${show(this.name)}: expected ${show(this.layer.name)} to give one output, received ` +
            `${others.length + 1}. Make a model of one output of it.`,
        );
      }
      return reshape(y, [...x.shape.slice(0, 2), ...y.shape.slice(1)]);
    });
  };
}

/** Joins the batch and the steps. */
function fold(tensor: Tensor): Tensor {
  const [batch, steps, ...others] = tensor.shape as [number, number, ...number[]];
  return reshape(tensor, [batch * steps, ...others]);
}

/** A mask as the wrapped layer takes it. A model takes none: in TF.js, masks do not pass into models. */
function maskFor(layer: Layer, mask: Tensor, x: Tensor): Tensor | null {
  if (mask.rank < 2 || isContainer(layer)) return null;
  const folded = fold(mask);
  return isTimeDistributed(layer) || maskFits(folded, fold(x).shape) ? folded : null;
}
