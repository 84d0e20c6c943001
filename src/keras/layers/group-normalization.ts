/** @file Keras' GroupNormalization. Source: tf-keras 2.18 and Keras 3.15, `layers/normalization/group_normalization.py`. */
import { type Tensor, reshape, tidy } from '@tensorflow/tfjs-core';
import { checkNumber } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { resolveAxes } from './axes.js';
import { type Shape, only, onlyShape } from './keras-layer.js';
import {
  SampleNormalization,
  type SampleNormalizationArguments,
  checkKnown,
} from './sample-normalization.js';

/** The arguments of {@link GroupNormalization}. */
export interface GroupNormalizationArguments extends SampleNormalizationArguments {
  /** Into how many groups the channels are divided; -1: each is one. Default: 32. */
  groups?: number;
  /** Of the channels. Default: -1. */
  axis?: number;
}

/**
 * `y = gamma · (x − mean) / √(variance + epsilon) + beta`, with the moments of each sample over each group of
 * its channels and all of space. Any shape; gamma and beta have one value for each channel.
 */
export class GroupNormalization extends SampleNormalization {
  static readonly className = 'GroupNormalization';
  static override readonly settings = ['groups', ...SampleNormalization.settings];
  readonly groups: number;

  constructor(args: GroupNormalizationArguments = {}) {
    super(args);
    checkNumber('axis', this.axis, Number.isInteger, 'an integer');
    this.groups = args.groups ?? 32;
    checkNumber(
      'groups',
      this.groups,
      (groups) => Number.isInteger(groups) && (groups > 0 || groups === -1),
      'a positive integer, or -1',
    );
  }

  override build(inputShape: Shape | Shape[]): void {
    const shape = onlyShape(inputShape);
    const [size] = checkKnown(this.name, shape, resolveAxes(this.name, this.axis, shape.length)) as [number];
    if (size % this.#groupsOf(size) !== 0) {
      throw new ValueError(
        `groups: expected a divisor of the ${size} channels of layer ${show(this.name)}, received ${this.groups}.`,
      );
    }
    if (this.scale) this.gamma = this.addParameter('gamma', 'gamma', [size]);
    if (this.center) this.beta = this.addParameter('beta', 'beta', [size]);
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = only(inputs);
      const [axis] = resolveAxes(this.name, this.axis, x.rank) as [number];
      const groups = this.#groupsOf(x.shape[axis]!);
      const divided = [groups, x.shape[axis]! / groups];
      const grouped = reshape(x, x.shape.toSpliced(axis, 1, ...divided));
      const along = grouped.shape.map((_, i) => i).filter((i) => i !== 0 && i !== axis);
      const shape = x.shape.map(() => 1).toSpliced(axis, 1, ...divided);
      return reshape(this.normalize(grouped, along, shape), x.shape);
    });
  }

  #groupsOf(channels: number): number {
    return this.groups === -1 ? channels : this.groups;
  }
}

/**
 * Makes a {@link GroupNormalization}.
 *
 * @throws TypeError or ValueError for `groups` that are neither a positive integer nor −1, an `axis` that is
 * no integer, or an `epsilon` below 0
 */
export const groupNormalization = (args: GroupNormalizationArguments = {}) => new GroupNormalization(args);
