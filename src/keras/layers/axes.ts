/** @file Axes as arguments of layers: one, or several, counted from the front or from the back. */
import { refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';

/** @throws TypeError for anything but an integer or several */
export function checkAxes(value: unknown, name = 'axis'): number | number[] {
  const axes: unknown[] = Array.isArray(value) ? value : [value];
  if (axes.length > 0 && axes.every((axis) => Number.isSafeInteger(axis))) return value as number | number[];
  return refuse(TypeError, name, 'an integer, or a list of integers', value);
}

/** Axes counted from the front, in the order in which they are given. */
export function resolveAxes(name: string, axis: number | number[], rank: number): number[] {
  const axes = [axis].flat().map((one) => {
    if (one >= -rank && one < rank) return (one + rank) % rank;
    throw new ValueError(
      `Layer ${show(name)}: its axis is ${show(axis)}, and the input has ${rank} dimensions.`,
    );
  });
  if (new Set(axes).size === axes.length) return axes;
  throw new ValueError(`Layer ${show(name)}: its axis is ${show(axis)}, which names one twice.`);
}
