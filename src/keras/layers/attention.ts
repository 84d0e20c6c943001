/**
 * @file Keras' Attention and AdditiveAttention. Sources: tf-keras 2.18 `layers/attention/base_dense_attention.py`,
 * `attention.py`, `additive_attention.py`.
 */
import {
  type Tensor,
  add,
  expandDims,
  matMul,
  mul,
  softmax,
  sum,
  tanh,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { resolveInitializer } from '../../layer/keras-objects.js';
import { type HiddenWork, type RunShape, type Work, countNumbers, workOfAny } from '../../model/run-cost.js';
import {
  type AttentionCallArguments,
  AttentionLayer,
  QUERY_AND_VALUE,
  allOf,
  causalMask,
  dropWeights,
  hide,
  workOfScores,
} from './attention-inputs.js';
import { checkFlag, checkWord } from './checks.js';
import { type AcceptedInputs, type LayerArguments, type Shape } from './keras-layer.js';
import { checkShare } from './share.js';

/** The arguments that Attention and AdditiveAttention share. */
export interface DenseAttentionArguments extends LayerArguments {
  /** The share of the weights that training drops. Default: 0. */
  dropout?: number;
  /** Whether the scores have a weight of scale. Default: false for Attention, true for AdditiveAttention. */
  useScale?: boolean;
  /** Whether no query sees a later value; in Keras an argument of the call. Default: false. */
  useCausalMask?: boolean;
  /** Whether the scores are a second output; in Keras an argument of the call. Default: false. */
  returnAttentionScores?: boolean;
}

const SETTINGS = ['dropout', 'useScale', 'useCausalMask', 'returnAttentionScores'];

/** Attention of queries to values, by keys: `[query, value]` or `[query, value, key]`, each of rank 3. */
abstract class DenseAttention extends AttentionLayer implements HiddenWork {
  readonly dropout: number;
  readonly useScale: boolean;
  readonly useCausalMask: boolean;
  readonly returnAttentionScores: boolean;
  protected scale: LayerVariable | null = null;

  constructor(args: DenseAttentionArguments, useScale: boolean) {
    super(args);
    this.dropout = checkShare('dropout', args.dropout);
    this.useScale = checkFlag('useScale', args.useScale, useScale);
    this.useCausalMask = checkFlag('useCausalMask', args.useCausalMask, false);
    this.returnAttentionScores = checkFlag('returnAttentionScores', args.returnAttentionScores, false);
  }

  protected override get acceptedInputs(): AcceptedInputs {
    return { least: 2, most: 3, expected: QUERY_AND_VALUE };
  }

  protected get givesScores(): boolean {
    return this.returnAttentionScores;
  }

  /** Of each query with each key. */
  protected abstract score(query: Tensor, key: Tensor): Tensor;

  /** Of sums of queries and keys. */
  protected scoreSums(query: Tensor, key: Tensor, act: (sums: Tensor) => Tensor): Tensor {
    return sum(act(add(expandDims(query, -2), expandDims(key, -3))), -1);
  }

  /** Whether a score is a sum of products, and not of what all sums of queries and keys become. */
  protected abstract readonly isDot: boolean;

  workOf(inputs: readonly RunShape[], outputs: readonly RunShape[]): Work {
    const [query, value] = inputs as [RunShape, RunShape];
    const size = query.at(-1) ?? 1;
    const scores = countNumbers([...query.slice(0, -1), value.at(-2)!]);
    const { numbers, multiplications } = workOfAny(this, inputs, outputs);
    const held = this.isDot ? numbers : numbers + 3 * scores * size;
    return workOfScores(scores, size + (value.at(-1) ?? 1), { numbers: held, multiplications });
  }

  override computeOutputShape(inputShape: Shape[]): Shape | Shape[] {
    const [query, value] = inputShape as [Shape, Shape];
    const output = [...query.slice(0, -1), value.at(-1)!];
    return this.returnAttentionScores ? [output, [...query.slice(0, -1), value.at(-2)!]] : output;
  }

  override call(inputs: Tensor | Tensor[], kwargs: AttentionCallArguments = {}): Tensor | Tensor[] {
    return tidy(() => {
      const [query, value, key = value] = inputs as [Tensor, Tensor, Tensor?];
      const [queryMask, valueMask] = this.masksOf([query, value], kwargs);
      const scores = this.score(query, key);
      const mask = allOf([
        valueMask ? expandDims(valueMask, -2) : null,
        this.useCausalMask ? causalMask(query.shape.at(-2)!, value.shape.at(-2)!) : null,
      ]);
      const weights = dropWeights(softmax(hide(scores, mask)), this.dropout, kwargs.training);
      const output = matMul(weights, value);
      const kept = queryMask ? where(expandDims(queryMask, -1), output, zerosLike(output)) : output;
      return this.returnAttentionScores ? [kept, weights] : kept;
    });
  }
}

/** The arguments of {@link Attention}. */
export interface AttentionArguments extends DenseAttentionArguments {
  /** How scores come about: products, or the tanh of sums. Default: `'dot'`. */
  scoreMode?: 'dot' | 'concat';
}

/**
 * `softmax(scale · query · keyᵀ) · value`; with `scoreMode: 'concat'` a score is
 * `w · Σ tanh(scale · (query + key))`. The scale is 1, or a weight that begins so. `[batch, queries, size]`
 * and `[batch, values, depth]` become `[batch, queries, depth]`; the scores have the shape
 * `[batch, queries, values]`. Masked queries get 0.
 */
export class Attention extends DenseAttention {
  static readonly className = 'Attention';
  static override readonly settings = [...SETTINGS, 'scoreMode'];
  readonly scoreMode: 'dot' | 'concat';
  #concatScoreWeight: LayerVariable | null = null;

  constructor(args: AttentionArguments = {}) {
    super(args, false);
    this.scoreMode = checkWord('scoreMode', args.scoreMode ?? 'dot', ['dot', 'concat']);
  }

  override build(): void {
    const ones = resolveInitializer('initializer', 'ones');
    if (this.useScale) this.scale = this.addWeight('scale', [], 'float32', ones);
    if (this.scoreMode === 'concat') {
      this.#concatScoreWeight = this.addWeight('concat_score_weight', [], 'float32', ones);
    }
    this.built = true;
  }

  protected override get isDot(): boolean {
    return this.scoreMode === 'dot';
  }

  protected override score(query: Tensor, key: Tensor): Tensor {
    const scaled = (scores: Tensor) => (this.scale ? mul(scores, this.scale.read()) : scores);
    if (this.scoreMode === 'dot') return scaled(matMul(query, key, false, true));
    return mul(
      this.scoreSums(query, key, (sums) => tanh(scaled(sums))),
      this.#concatScoreWeight!.read(),
    );
  }
}

/**
 * `softmax(Σ scale · tanh(query + key)) · value`. The weight scale has the size of a query.
 * `[batch, queries, size]` and `[batch, values, depth]` become `[batch, queries, depth]`; the scores have the
 * shape `[batch, queries, values]`.
 */
export class AdditiveAttention extends DenseAttention {
  static readonly className = 'AdditiveAttention';
  static override readonly settings = SETTINGS;

  constructor(args: DenseAttentionArguments = {}) {
    super(args, true);
  }

  override build(inputShape: Shape[]): void {
    if (this.useScale) {
      const initializer = resolveInitializer('initializer', 'glorotUniform');
      this.scale = this.addWeight('scale', [inputShape[0]!.at(-1)!], 'float32', initializer);
    }
    this.built = true;
  }

  protected override get isDot(): boolean {
    return false;
  }

  protected override score(query: Tensor, key: Tensor): Tensor {
    return this.scoreSums(query, key, (sums) => {
      const bent = tanh(sums);
      return this.scale ? mul(bent, this.scale.read()) : bent;
    });
  }
}

/**
 * Makes an {@link Attention}.
 *
 * @throws TypeError or ValueError for a `dropout` that is no number, a flag that is no boolean, an unknown
 * `scoreMode`
 */
export const attention = (args: AttentionArguments = {}) => new Attention(args);
/**
 * Makes an {@link AdditiveAttention}.
 *
 * @throws TypeError or ValueError for a `dropout` that is no number, or a flag that is no boolean
 */
export const additiveAttention = (args: DenseAttentionArguments = {}) => new AdditiveAttention(args);
