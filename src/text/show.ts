/** @file Shows a received value in an error message: short, and telling a number from a string of digits. */

import { isTensor } from './is-tensor.js';

const LONGEST = 100;

/** `value` as a user would write it, cut where it is long. */
export function show(value: unknown): string {
  let text: string;
  if (isTensor(value)) text = `a tensor of shape ${showShape(value.shape)}`;
  else if (typeof value === 'function') text = value.name ? `the function ${value.name}` : 'a function';
  else if (typeof value === 'string') text = `'${value}'`;
  else if (Array.isArray(value)) text = `[${value.map(show).join(', ')}]`;
  else if (typeof value === 'object' && value !== null) text = showObject(value);
  else text = String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function showObject(value: object): string {
  const { constructor } = value as { constructor?: { name: string } };
  if (constructor && constructor !== Object) return `an object of class ${constructor.name}`;
  const entries = Object.entries(value).map(([key, inner]) => `${key}: ${show(inner)}`);
  return entries.length > 0 ? `{ ${entries.join(', ')} }` : '{}';
}

/** A shape as Keras prints it, with null for a dimension that is free. */
export const showShape = (shape: readonly (number | null)[]) => `[${shape.map(String).join(', ')}]`;
