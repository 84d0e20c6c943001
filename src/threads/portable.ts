/** @file What goes from thread to thread, and what cannot, in words that help. */
import { messageOf, refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import type { ThreadWorker } from './platform.js';

const EXPECTED =
  'what can be copied (numbers, strings, arrays, typed arrays, plain objects; not tensors, but await tensor.data(), nor ' +
  'models, but the numbers of their weights)';

/**
 * Refuses objects of classes, such as tensors, models and what `fit` gives: they would arrive as plain objects, without
 * what makes them work. The classes of the language itself arrive as they are.
 */
function checkParts(what: string, value: unknown, known: Set<object>): void {
  if (typeof value !== 'object' || value === null || known.has(value)) return;
  known.add(value);
  if (Array.isArray(value)) {
    value.forEach((part, i) => {
      checkParts(`${what}[${i}]`, part, known);
    });
  } else if (Object.prototype.toString.call(value) === '[object Object]') {
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      refuse(TypeError, what, EXPECTED, value);
    for (const [key, part] of Object.entries(value)) checkParts(`${what}.${key}`, part, known);
  }
}

/**
 * Sends a message with a value of a user's in it.
 *
 * @param what the value is: 'data'
 * @throws TypeError where it cannot be copied
 */
export function send(to: ThreadWorker, what: string, value: unknown, message: object): void {
  checkParts(what, value, new Set());
  try {
    to.postMessage(message);
  } catch (error) {
    const why = `${what}: expected ${EXPECTED}, received ${show(value)}: ${messageOf(error)}`;
    throw new TypeError(why, { cause: error });
  }
}
