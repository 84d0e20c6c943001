/**
 * @file Batch normalizations that take in another one beside them, where no linear layer is near: behind it by gamma and
 * beta, before it by gamma and the moving mean. All in float64.
 */
import { type Affine, Obstacle, alongDimension } from './fold-affine.js';
import type { LayerCall, NormalizationLayer } from '../model/graph.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';

/** A batch normalization's weights in float64. */
export interface Merged {
  readonly layer: NormalizationLayer;
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly movingMean: Float64Array;
  /** Those that stay. */
  readonly others: readonly Float64Array[];
}

/** Reads a batch normalization's weights. */
export async function readMerged(layer: NormalizationLayer): Promise<Merged> {
  const { gamma, beta, movingMean } = layer;
  const others = ownWeightsOf(layer).filter((weight) => ![gamma, beta, movingMean].includes(weight));
  const [mean, ...rest] = await Promise.all(
    [movingMean, ...others].map(async (weight) => Float64Array.from(await weight.read().data<'float32'>())),
  );
  const valuesOr = async (weight: typeof gamma, value: number) =>
    weight
      ? Float64Array.from(await weight.read().data<'float32'>())
      : new Float64Array(mean!.length).fill(value);
  return {
    layer,
    gamma: await valuesOr(gamma, 1),
    beta: await valuesOr(beta, 0),
    movingMean: mean!,
    others: rest,
  };
}

/**
 * A batch normalization with what follows it merged in.
 *
 * @throws Obstacle where it does not fit in
 */
export function mergeBehind(merged: Merged, affine: Affine, call: LayerCall): Merged {
  const { slope, intercept } = alongAxis(merged, affine, call);
  return checked({
    ...merged,
    gamma: merged.gamma.map((value, i) => value * slope[i]!),
    beta: merged.beta.map((value, i) => value * slope[i]! + intercept[i]!),
  });
}

/**
 * A batch normalization with what comes before it merged in.
 *
 * @throws Obstacle where it does not fit in
 */
export function mergeBefore(merged: Merged, affine: Affine, call: LayerCall): Merged {
  const { slope, intercept } = alongAxis(merged, affine, call);
  if (slope.includes(0)) throw new Obstacle(`a slope is 0, which '${merged.layer.name}' cannot take in`);
  return checked({
    ...merged,
    gamma: merged.gamma.map((value, i) => value * slope[i]!),
    movingMean: merged.movingMean.map((value, i) => (value - intercept[i]!) / slope[i]!),
  });
}

function alongAxis({ layer, movingMean }: Merged, affine: Affine, call: LayerCall) {
  if (call.kwargs.training) throw new Obstacle(`'${layer.name}' is called with training: true`);
  const around = call.layer === layer ? 0 : 1;
  const rank = affine.shape.length + 1 - around;
  const axes = [layer.axis].flat().map((axis) => ((axis + rank) % rank) - 1 + around);
  const along = axes.length === 1 ? alongDimension(affine, axes[0]!, movingMean.length) : null;
  if (along) return along;
  throw new Obstacle(`'${layer.name}' normalizes along other axes`);
}

function checked(merged: Merged): Merged {
  const numbers = [merged.gamma, merged.beta, merged.movingMean];
  if (numbers.every((values) => values.every((value) => Number.isFinite(Math.fround(value))))) return merged;
  throw new Obstacle(`the weights of '${merged.layer.name}' would not be finite`);
}

/** What a layer's configuration has to say for the weights of `merged`: a constraint would change them. */
export const configurationForMerged = () => ({
  center: true,
  scale: true,
  gammaConstraint: null,
  betaConstraint: null,
});

/** The weights of `merged` in the layer's order. */
export const weightsOfMerged = ({ gamma, beta, movingMean, others }: Merged): Float64Array[] => [
  gamma,
  beta,
  movingMean,
  ...others,
];
