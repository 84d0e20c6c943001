/** @file Keras' MultiHeadAttention. Sources: head-attention.ts. */
import { ValueError } from '../../text/value-error.js';
import { refuse } from '../../text/refusal.js';
import { checkAxes } from './axes.js';
import { checkSize } from './checks.js';
import {
  HEAD_SETTINGS,
  HeadAttention,
  type HeadAttentionArguments,
  type HeadEquations,
  type HeadShapes,
} from './head-attention.js';
import type { Shape } from './keras-layer.js';

/** The arguments of {@link MultiHeadAttention}. */
export interface MultiHeadAttentionArguments extends HeadAttentionArguments {
  /** How many heads there are. */
  numHeads: number;
  /** How many numbers the keys and queries of a head have. */
  keyDim: number;
  /** How many the values of a head have. Default: `keyDim`. */
  valueDim?: number | null;
  /** What the last axis of the output becomes. Default: as that of the query. */
  outputShape?: number | number[] | null;
  /** The axes along which queries see values, of the batch as 0. Default: all between the batch and the features. */
  attentionAxes?: number | number[] | null;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/**
 * Attention of several heads: `softmax(query · keyᵀ / √keyDim) · value` for each, then a dense layer over
 * all. The inputs are `[query, value]` or `[query, value, key]`; `[batch, queries, size]` stays, unless there
 * is an `outputShape`.
 */
export class MultiHeadAttention extends HeadAttention {
  static readonly className = 'MultiHeadAttention';
  static override readonly settings = [
    'numHeads',
    'keyDim',
    'valueDim',
    'outputShape',
    'attentionAxes',
    ...HEAD_SETTINGS,
  ];
  readonly numHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly attentionAxes: readonly number[] | null;
  /** TF.js has a property of the name of the setting. */
  readonly #outputShape: readonly number[] | null;

  constructor(args: MultiHeadAttentionArguments) {
    super(args);
    this.numHeads = checkSize('numHeads', args.numHeads);
    this.keyDim = checkSize('keyDim', args.keyDim);
    this.valueDim = args.valueDim == null ? this.keyDim : checkSize('valueDim', args.valueDim);
    this.attentionAxes =
      args.attentionAxes == null ? null : [checkAxes(args.attentionAxes, 'attentionAxes')].flat();
    const sizes = args.outputShape == null ? null : [args.outputShape].flat();
    this.#outputShape = sizes && sizes.map((size) => checkSize('outputShape', size));
  }

  protected override settingNamed(name: string): unknown {
    return name === 'outputShape' ? this.#outputShape : super.settingNamed(name);
  }

  protected get scaling(): number {
    return 1 / Math.sqrt(this.keyDim);
  }

  protected get heads(): number {
    return this.numHeads;
  }

  protected override outputSizes(query: Shape): Shape {
    return this.#outputShape ? [...this.#outputShape] : [query.at(-1)!];
  }

  protected override makeParts({ query, key, value }: HeadShapes): void {
    const project = (name: string, shape: Shape, size: number, activation?: string) => {
      const free = LETTERS.slice(0, shape.length - 1);
      const [bound, head, feature] = LETTERS.slice(shape.length - 1);
      return this.dense(name, {
        equation: `${free}${bound},${bound}${head}${feature}->${free}${head}${feature}`,
        outputShape: [...Array<null>(shape.length - 2).fill(null), this.numHeads, size],
        biasAxes: this.useBias ? `${head}${feature}` : null,
        ...(activation !== undefined && { activation }),
      });
    };
    this.queryDense = project('query', query, this.keyDim);
    this.keyDense = project('key', key, this.keyDim);
    if (this.useGate) this.gateDense = project('gate', query, this.valueDim, 'sigmoid');
    this.valueDense = project('value', value, this.valueDim);
    const sizes = this.outputSizes(query);
    const free = LETTERS.slice(0, query.length - 1);
    const bound = LETTERS.slice(query.length - 1, query.length + 1);
    const given = LETTERS.slice(query.length + 1, query.length + 1 + sizes.length);
    this.outputDense = this.dense('attention_output', {
      equation: `${free}${bound},${bound}${given}->${free}${given}`,
      outputShape: [...Array<null>(query.length - 2).fill(null), ...sizes],
      biasAxes: this.useBias ? given : null,
    });
  }

  protected override equationsFor(rank: number): HeadEquations {
    const features = rank - 1;
    const between = [...Array(rank - 3).keys()].map((i) => i + 1);
    const axes = (this.attentionAxes ?? between).map((axis) => (axis < 0 ? axis + features : axis));
    if (axes.some((axis) => !between.includes(axis))) {
      refuse(ValueError, 'attentionAxes', `axes from 1 to ${rank - 3}`, this.attentionAxes);
    }
    const target = LETTERS.slice(0, rank);
    const source = Array.from(target)
      .map((letter, i) => (axes.includes(i) ? letter.toUpperCase() : letter))
      .join('');
    const batch = Array.from(target).filter((_, i) => i !== features && !axes.includes(i));
    const product = [
      ...batch,
      ...axes.map((axis) => target[axis]!),
      ...axes.map((axis) => source[axis]!),
    ].join('');
    return {
      product: { left: source, right: target, output: product },
      combination: { left: product, right: source, output: target },
      axes: axes.length,
    };
  }
}

/**
 * Makes a {@link MultiHeadAttention}.
 *
 * @throws TypeError or ValueError for sizes that are no positive integers, or `attentionAxes` that are no
 * integers
 */
export const multiHeadAttention = (args: MultiHeadAttentionArguments) => new MultiHeadAttention(args);
