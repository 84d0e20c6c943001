/**
 * @file tf-keras saves a layer with ghost batches with an `axis` one too high (keras-team/keras#16713). The shape of its
 * weights, which has one more dimension, says which it was.
 */
import type { LayerConfig } from './layer-config.js';

/**
 * The axes that a layer had, given the shape of one of its weights: the input's rank and one more dimension at index 1,
 * with 1 where there is no axis.
 */
export function ghostAxes(written: number | readonly number[], shape: readonly number[]): number[] {
  const rank = shape.length - 1;
  const axes = [written].flat().map((axis) => (axis < 0 ? axis + rank : axis));
  const shifted = axes.map((axis) => axis - 1);
  // Where every size is 1, only an axis beyond the last tells.
  const kept = shape.flatMap((size, i) => (size === 1 ? [] : [i > 1 ? i - 1 : i]));
  const fits = (candidate: readonly number[]) =>
    candidate.every((axis) => axis >= 0 && axis < rank) && kept.every((axis) => candidate.includes(axis));
  return !fits(axes) && fits(shifted) ? shifted : axes;
}

/** Sets right the axes of every layer in `model` of which `shapeOf` knows the shape of a weight. */
export function correctGhostAxes(
  model: LayerConfig,
  shapeOf: (layers: readonly LayerConfig[]) => readonly number[] | null,
): void {
  const visit = (path: readonly LayerConfig[]) => {
    const { className, config } = path.at(-1)!;
    if (className === 'BatchNormalization' && config.virtualBatchSize != null) {
      const shape = shapeOf(path);
      if (shape) config.axis = ghostAxes((config.axis ?? -1) as number | number[], shape);
    }
    for (const inner of config.layers ?? (config.layer ? [config.layer] : [])) visit([...path, inner]);
  };
  visit([model]);
}
