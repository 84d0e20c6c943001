/** @file What layers over space share: where the channels stand, and settings with one value for each dimension. */
import { type Tensor, transpose } from '@tensorflow/tfjs-core';
import { checkNumber, refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';

/** Whether the axis of the channels follows the batch or comes last. */
export type DataFormat = 'channelsFirst' | 'channelsLast';

/** One value, or one for each dimension. */
export type PerDimension<T> = T | readonly T[];
/** How much at both ends of each dimension: a number for all, or for each a number or the two ends. */
export type Margins = PerDimension<number | readonly [number, number]>;

/** @throws ValueError for anything but a data format; none is Keras' default */
export function checkDataFormat(value: unknown): DataFormat {
  if (value == null) return 'channelsLast';
  if (value === 'channelsFirst' || value === 'channelsLast') return value;
  return refuse(ValueError, 'dataFormat', "'channelsLast' or 'channelsFirst'", value);
}

/** The axes of space in inputs of so many dimensions, which the batch and the channels are added to. */
export const spatialAxes = (dataFormat: DataFormat, dimensions: number): number[] =>
  Array.from({ length: dimensions }, (_, i) => i + (dataFormat === 'channelsFirst' ? 2 : 1));

const isWholeFrom = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least;

/** One positive integer for each dimension. */
export function checkSizes(name: string, value: unknown, dimensions: number): number[] {
  const sizes: unknown[] = Array.isArray(value) ? value : Array<unknown>(dimensions).fill(value);
  if (sizes.length !== dimensions)
    refuse(ValueError, name, `a positive integer, or ${dimensions} of them`, value);
  return sizes.map((size) => {
    checkNumber(name, size, isWholeFrom(1), 'positive integers');
    return size;
  });
}

/** The two ends of each dimension. In one dimension, the ends may stand alone. */
export function checkMargins(name: string, value: unknown, dimensions: number): [number, number][] {
  const given = dimensions === 1 && Array.isArray(value) && !Array.isArray(value[0]) ? [value] : value;
  const margins: unknown[] = Array.isArray(given) ? given : Array<unknown>(dimensions).fill(given);
  if (margins.length !== dimensions) {
    refuse(ValueError, name, `an integer, or for each of ${dimensions} dimensions one or two`, value);
  }
  return margins.map((margin) => {
    const ends: unknown[] = Array.isArray(margin) ? margin : [margin, margin];
    if (ends.length !== 2) refuse(ValueError, name, 'two ends of each dimension', value);
    for (const end of ends) checkNumber(name, end, isWholeFrom(0), 'integers from 0 on');
    return ends as [number, number];
  });
}

/** With the channels last. */
export function toChannelsLast<T extends Tensor>(x: T, dataFormat: DataFormat): T {
  const axes = x.shape.map((_, i) => i);
  return dataFormat === 'channelsFirst' ? transpose(x, [0, ...axes.slice(2), 1]) : x;
}

/** With the channels where the data format has them, after they were last. */
export function fromChannelsLast<T extends Tensor>(x: T, dataFormat: DataFormat): T {
  const axes = x.shape.map((_, i) => i);
  return dataFormat === 'channelsFirst' ? transpose(x, [0, x.rank - 1, ...axes.slice(1, -1)]) : x;
}
