/** @file Shapes, as far as they are known before a model runs: null stands for a size that is not. */
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';

export type Shape = (number | null)[];

/** The shape of what is computed from operands element by element: sizes of 1 are repeated. */
export function broadcastShapes(...shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = new Set(shapes.map((shape) => shape[shape.length - rank + i]));
    sizes.delete(undefined);
    sizes.delete(1);
    // What is open fits whatever is known.
    if (sizes.size > 1) sizes.delete(null);
    const [size = 1, ...others] = sizes;
    if (others.length > 0) throw new ValueError(`the shapes ${shapes.map(show).join(' and ')} do not fit.`);
    return size;
  });
}

/** A dimension counted from the front. */
export function dimensionOf(axis: number, rank: number): number {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new ValueError(`there is no axis ${axis} in ${rank} dimensions.`);
}

/** Dimensions counted from the front, in rising order; all for null. */
export function dimensionsOf(axes: readonly number[] | null, rank: number): number[] {
  if (axes === null) return [...Array(rank).keys()];
  const found = new Set(axes.map((axis) => dimensionOf(axis, rank)));
  if (found.size === axes.length) return [...found].sort((a, b) => a - b);
  throw new ValueError(`an axis stands twice in ${show(axes)}.`);
}

/** What is left when dimensions are reduced to one value each. */
export const reducedShape = (shape: Shape, dimensions: readonly number[], keepsDimensions: boolean): Shape =>
  keepsDimensions
    ? shape.map((size, i) => (dimensions.includes(i) ? 1 : size))
    : shape.filter((_, i) => !dimensions.includes(i));

/** The number of elements; null where a size is open. */
export const sizeOf = (shape: Shape): number | null =>
  shape.reduce<number | null>((size, one) => (size === null || one === null ? null : size * one), 1);

/** A shape with one size changed. */
export const withSize = (shape: Shape, dimension: number, size: number | null): Shape =>
  shape.map((before, i) => (i === dimension ? size : before));
