/** @file Calls the user's `adjustment` and checks what it returns. */
import { checkUndisposed } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';
import type { Adjustment } from './arguments.js';
import { isTensor, show } from '../text/show.js';

/**
 * Scale and bias for an input of `shape`.
 *
 * @throws ValueError where they are not two tensors or numbers that can be broadcast to the input
 */
export function callAdjustment(adjustment: Adjustment, shape: readonly number[]): ReturnType<Adjustment> {
  const result: unknown = adjustment([...shape]);
  if (!Array.isArray(result) || result.length !== 2) {
    throw new ValueError(`adjustment: expected it to return [scale, bias], it returned ${show(result)}.`);
  }
  result.forEach((value: unknown, i) => {
    const name = i === 0 ? 'scale' : 'bias';
    if (typeof value === 'number') return;
    if (!isTensor(value)) {
      throw new ValueError(`adjustment: ${name} must be a tensor or a number, received ${show(value)}.`);
    }
    checkUndisposed(() => `adjustment: ${name}`, value);
    const offset = shape.length - value.rank;
    if (offset < 0 || !value.shape.every((size, d) => size === 1 || size === shape[d + offset])) {
      throw new ValueError(
        `adjustment: ${name} of shape ${show(value.shape)} cannot be broadcast to the input's ` +
          `${show(shape)}. Align its dimensions with the input's last ones, 1 where it is broadcast.`,
      );
    }
  });
  return result as unknown as ReturnType<Adjustment>;
}
