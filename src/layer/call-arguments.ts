/**
 * @file What a call of the layer may say, and the check of what a user says. Not of what TF.js' executor hands over:
 * that is one object for all layers of a model, in which the arguments of others stand too.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { maskFits } from '../model/masks.js';
import { checkNames } from '../text/names.js';
import { refuse } from '../text/refusal.js';
import { isTensor, show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { FOREIGN_CALL_ARGUMENTS } from './foreign-names.js';

/** What a call of the layer may say. */
export interface CallArguments {
  /** true: normalize by the batch's moments and move the statistics. Default false: by the moving statistics. */
  training?: boolean | null;
  /**
   * Which elements enter the batch's moments, in training: a tensor of the input's shape without its last axis,
   * dimensions of 1 broadcast. Numbers are weights, booleans are 0 or 1.
   */
  mask?: Tensor | null;
  /** false: use the batch's moments in training, but leave every moving and renorm statistic alone. Default true. */
  updateMovingStatistics?: boolean | null;
}

const NAMES = ['training', 'mask', 'updateMovingStatistics'] satisfies (keyof CallArguments)[];

/** What TF.js' recurrent layers leave in the arguments that a layer of the user's may pass on. */
const OF_RECURRENT_LAYERS = ['initialState', 'constants'];

/** Keras' files write 1 and 0 for true and false. */
const isSwitch = (value: unknown) => typeof value === 'boolean' || value === 0 || value === 1;

/**
 * @throws TypeError for an unknown argument or a value of the wrong type
 * @throws ValueError for a mask that does not fit the input, or that cannot be honoured
 */
export function checkCallArguments(given: unknown, input: Tensor | SymbolicTensor): void {
  if (given == null) return;
  const others = Object.keys(given).filter((name) => OF_RECURRENT_LAYERS.includes(name));
  checkNames('call argument', null, given, [...NAMES, ...others], FOREIGN_CALL_ARGUMENTS);
  const args = given as Partial<Record<(typeof NAMES)[number], unknown>>;
  for (const name of ['training', 'updateMovingStatistics'] as const) {
    if (args[name] != null && !isSwitch(args[name])) refuse(TypeError, name, 'true or false', args[name]);
  }
  if (args.mask == null) return;
  if (input instanceof SymbolicTensor) {
    throw new ValueError(
      'mask: in a model the mask comes through the graph, from tf.layers.masking or from an embedding with maskZero. ' +
        'Leave the argument out.',
    );
  }
  checkMask(args.mask, input.shape, Boolean(args.training));
}

/** Inference does without the mask, so that only its type must be right there. */
function checkMask(mask: unknown, shape: readonly number[], training: boolean): void {
  if (!isTensor(mask)) return refuse(TypeError, 'mask', 'a tensor of numbers or booleans', mask);
  if (!training || maskFits(mask, shape)) return;
  throw new ValueError(
    `mask: expected the input's shape without its last axis, ${show(shape.slice(0, -1))} or 1 where it is ` +
      `broadcast, received ${show(mask.shape)} for an input of shape ${show(shape)}.`,
  );
}
