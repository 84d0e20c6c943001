/** @file What all layers of attention have in common: the masks of their inputs, and scores with a mask. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { add, dropout, greaterEqual, logicalAnd, range, reshape, scalar, where } from '@tensorflow/tfjs-core';
import { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { masksOf, rememberMasks } from '../../model/input-masks.js';
import { takeRepeatedInputs } from '../../model/repeated-inputs.js';
import type { Work } from '../../model/run-cost.js';
import { stopGradient } from '../../operation/stop-gradient.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { KerasLayer } from './keras-layer.js';
import type { Applied } from './rnn.js';

/** What masked scores become, as in Keras. */
export const MASKED = -1e9;

/** What they take, in words. */
export const QUERY_AND_VALUE = '[query, value] or [query, value, key]';

/** What a layer of attention may be called with beside its inputs. */
export interface AttentionCallArguments {
  /** A list with the mask of each input, or null for it. Default: the masks that come with the inputs. */
  readonly mask?: Tensor | (Tensor | null)[] | null;
  /** Whether weights are dropped. Default: false. */
  readonly training?: boolean | null;
}

/** A layer that uses the masks of all its inputs. */
export abstract class AttentionLayer extends KerasLayer {
  override apply(inputs: Applied, kwargs?: Record<string, unknown>): Applied {
    for (const input of [inputs].flat()) {
      if (input instanceof SymbolicTensor) rememberMasks(input.sourceLayer);
    }
    const outputs = super.apply(inputs, kwargs);
    takeRepeatedInputs(this);
    return outputs;
  }

  protected override assertInputCompatibility(inputs: Applied): void {
    super.assertInputCompatibility(inputs);
    for (const { shape } of [inputs].flat().slice(0, 2)) {
      if (shape.length >= 3) continue;
      throw new ValueError(
        `Layer ${show(this.name)}: expected queries and values of a batch, steps and features, received the shape ${show(shape)}.`,
      );
    }
  }

  /** The output has the mask of the first input, the query; scores have none. */
  override computeMask(_inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor | Tensor[] {
    const none = null as unknown as Tensor;
    const first = [mask].flat()[0] ?? none;
    return this.givesScores ? [first, none] : first;
  }

  /** Whether the scores are a second output. */
  protected abstract readonly givesScores: boolean;

  /** The mask of each input: as it is given, or as TF.js has it while a model runs. */
  protected masksOf(inputs: readonly Tensor[], { mask }: AttentionCallArguments): (Tensor | null)[] {
    const masks = Array.isArray(mask) ? inputs.map((_, i) => mask[i] ?? null) : masksOf(inputs);
    return masks.map((one) => one && stopGradient(one));
  }
}

/**
 * What scores take: beside themselves their softmax, and a mask.
 *
 * @param sizes of a query and of a value: each score is a sum of so many products
 */
export function workOfScores(scores: number, sizes: number, work: Work): Work {
  return { numbers: work.numbers + 5 * scores, multiplications: work.multiplications + scores * sizes };
}

/** Where all of some masks let through; null where there are none. */
export const allOf = (masks: readonly (Tensor | null)[]): Tensor | null =>
  masks.reduce((all, one) => (all && one ? logicalAnd(all, one) : (all ?? one)), null);

/** Where a query may see a value: no later one. Of the shape `[1, queries, values]`. */
export function causalMask(queries: number, values: number): Tensor {
  const rows = reshape(range(0, queries, 1, 'int32'), [1, queries, 1]);
  return greaterEqual(rows, reshape(range(0, values, 1, 'int32'), [1, 1, values]));
}

/**
 * Scores, with next to nothing where the mask does not let through. A query that may see nothing sees all alike, and has
 * a gradient as if it had no mask, as in Keras.
 */
export const hide = (scores: Tensor, mask: Tensor | null): Tensor =>
  mask ? add(scores, where(mask, scalar(0), scalar(MASKED))) : scores;

/** Drops weights in training. */
export const dropWeights = (weights: Tensor, rate: number, training: boolean | null | undefined): Tensor =>
  training === true && rate > 0 ? dropout(weights, rate) : weights;
