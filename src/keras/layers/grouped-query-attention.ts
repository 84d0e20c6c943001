/** @file Keras 3's GroupedQueryAttention. Sources: head-attention.ts. */
import { type Tensor, reshape, tile } from '@tensorflow/tfjs-core';
import { refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { checkSize } from './checks.js';
import {
  HEAD_SETTINGS,
  HeadAttention,
  type HeadAttentionArguments,
  type HeadEquations,
  type HeadShapes,
} from './head-attention.js';
import type { Shape } from './keras-layer.js';

/** The arguments of {@link GroupedQueryAttention}. */
export interface GroupedQueryAttentionArguments extends HeadAttentionArguments {
  /** How many numbers the queries, keys and values of a head have. */
  headDim: number;
  /** How many heads of queries there are. */
  numQueryHeads: number;
  /** How many heads of keys and values there are: a divisor of `numQueryHeads`. */
  numKeyValueHeads: number;
}

/**
 * Attention in which several heads of queries share one of keys and values:
 * `softmax(query · keyᵀ / √headDim) · value` for each head, then a dense layer over all.
 * `[batch, queries, size]` and `[batch, values, …]` → `[batch, queries, size]`.
 */
export class GroupedQueryAttention extends HeadAttention {
  static readonly className = 'GroupedQueryAttention';
  static override readonly settings = ['headDim', 'numQueryHeads', 'numKeyValueHeads', ...HEAD_SETTINGS];
  readonly headDim: number;
  readonly numQueryHeads: number;
  readonly numKeyValueHeads: number;

  constructor(args: GroupedQueryAttentionArguments) {
    super(args);
    this.headDim = checkSize('headDim', args.headDim);
    this.numQueryHeads = checkSize('numQueryHeads', args.numQueryHeads);
    this.numKeyValueHeads = checkSize('numKeyValueHeads', args.numKeyValueHeads);
    if (this.numQueryHeads % this.numKeyValueHeads !== 0) {
      refuse(ValueError, 'numKeyValueHeads', `a divisor of ${this.numQueryHeads}`, this.numKeyValueHeads);
    }
  }

  protected get scaling(): number {
    return 1 / Math.sqrt(this.headDim);
  }

  protected get heads(): number {
    return this.numQueryHeads;
  }

  protected override outputSizes(query: Shape): Shape {
    return [query.at(-1)!];
  }

  protected override spread(heads: Tensor): Tensor {
    const [batch, steps, groups, size] = heads.shape as [number, number, number, number];
    // Of rank 4, up to which tile has a gradient in TF.js (4.22).
    const apart = reshape(heads, [batch * steps, groups, 1, size]);
    const repeated = tile(apart, [1, 1, this.numQueryHeads / groups, 1]);
    return reshape(repeated, [batch, steps, this.numQueryHeads, size]);
  }

  protected override makeParts({ query }: HeadShapes): void {
    const project = (name: string, heads: number, activation?: string) =>
      this.dense(name, {
        equation: 'bqm,muh->bquh',
        outputShape: [null, heads, this.headDim],
        biasAxes: this.useBias ? 'uh' : null,
        ...(activation !== undefined && { activation }),
      });
    this.queryDense = project('query', this.numQueryHeads);
    this.keyDense = project('key', this.numKeyValueHeads);
    if (this.useGate) this.gateDense = project('gate', this.numQueryHeads, 'sigmoid');
    this.valueDense = project('value', this.numKeyValueHeads);
    this.outputDense = this.dense('attention_output', {
      equation: 'bquh,uhm->bqm',
      outputShape: [null, query.at(-1)!],
      biasAxes: this.useBias ? 'm' : null,
    });
  }

  protected override equationsFor(): HeadEquations {
    return {
      product: { left: 'bkuh', right: 'bquh', output: 'buqk' },
      combination: { left: 'buqk', right: 'bkuh', output: 'bquh' },
      axes: 1,
    };
  }
}

/**
 * Makes a {@link GroupedQueryAttention}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, or a `numKeyValueHeads` that is no
 * divisor
 */
export const groupedQueryAttention = (args: GroupedQueryAttentionArguments) =>
  new GroupedQueryAttention(args);
