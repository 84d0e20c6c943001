/** @file Keras' Subtract. Source: tf-keras 2.18 `layers/merging/subtract.py`, `base_merge.py`. */
import { type Tensor, reshape, sub, tidy } from '@tensorflow/tfjs-core';
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import { type AcceptedInputs, KerasLayer, type LayerArguments, type Shape } from './keras-layer.js';

/**
 * `y = a − b` for the inputs `[a, b]`. Sizes of 1 are repeated; where the ranks differ, they are inserted behind the
 * batch.
 */
export class Subtract extends KerasLayer {
  static readonly className = 'Subtract';

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const [a, b] = inputs as [Tensor, Tensor];
      const rank = Math.max(a.rank, b.rank);
      return sub(reshape(a, withRank(a.shape, rank)), reshape(b, withRank(b.shape, rank)));
    });
  }

  protected override get acceptedInputs(): AcceptedInputs {
    return { least: 2, most: 2, expected: 'two inputs' };
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shapes = inputShape as [Shape, Shape];
    const rank = Math.max(...shapes.map((shape) => shape.length));
    const [one, other] = shapes.map((shape) => withRank(shape, rank)) as [Shape, Shape];
    return one.map((size, i) => {
      const sizes = new Set([size, other[i]!].filter((one) => one !== 1));
      // What is open fits whatever is known.
      if (sizes.size > 1) sizes.delete(null);
      const [found = 1, ...more] = sizes;
      if (more.length === 0) return found;
      throw new ValueError(
        `Layer ${show(this.name)}: the shapes ${show(one)} and ${show(other)} do not fit.`,
      );
    });
  }
}

const withRank = <Size extends number | null>(shape: readonly Size[], rank: number): (Size | 1)[] => [
  shape[0]!,
  ...Array<1>(rank - shape.length).fill(1),
  ...shape.slice(1),
];

/**
 * Makes a {@link Subtract}.
 *
 * @throws TypeError for an argument that layers do not have
 */
export const subtract = (args: LayerArguments = {}) => new Subtract(args);
