/** @file What tables and hashes are asked for: strings, or whole numbers. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { show } from '../../text/show.js';

/** A word, or a whole number. */
export type Token = string | number;

/**
 * The values of a tensor. They are read at once, since a layer cannot wait; on webgpu that works for strings, and for what
 * was not computed there.
 *
 * @throws TypeError for a tensor of fractions
 */
export function tokensOf(input: Tensor, layer: string): Token[] {
  const values = [...(input.dataSync() as Iterable<Token>)];
  if (input.dtype === 'string' || values.every(Number.isInteger)) return values;
  throw new TypeError(
    `Layer ${show(layer)}: expected strings or whole numbers, received a tensor of ${input.dtype} with fractions.`,
  );
}
