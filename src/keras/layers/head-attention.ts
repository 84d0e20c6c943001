/**
 * @file What attention with several heads has in common. Sources: tf-keras 2.18 `layers/attention/multi_head_attention.py`,
 * Keras 3 `multi_head_attention.py` and `grouped_query_attention.py`.
 */
import {
  type Tensor,
  abs,
  cast,
  expandDims,
  less,
  mul,
  range,
  reshape,
  scalar,
  softmax,
  sub,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';
import { type HiddenWork, type RunShape, type Work, countNumbers, workOfAny } from '../../model/run-cost.js';
import { inNameScope } from '../../model/tensorflow-internals.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import {
  type AttentionCallArguments,
  AttentionLayer,
  MASKED,
  QUERY_AND_VALUE,
  allOf,
  causalMask,
  dropWeights,
  hide,
  workOfScores,
} from './attention-inputs.js';
import { type Equation, contract } from './contraction.js';
import { DIALECTS, type Dialect } from './dialect.js';
import { DENSE_SETTINGS, EinsumDense, type EinsumDenseArguments } from './einsum-dense.js';
import { checkFlag, checkSize, checkWord } from './checks.js';
import { type AcceptedInputs, type LayerArguments, type Shape, pick } from './keras-layer.js';
import { type ParameterArguments, readParameters } from './parameters.js';
import { checkShare } from './share.js';

/** The arguments of a call of Keras that may be inputs behind the query. */
export const TENSOR_ARGUMENTS = [
  'value',
  'key',
  'query_mask',
  'value_mask',
  'key_mask',
  'attention_mask',
] as const;
type TensorArgument = (typeof TENSOR_ARGUMENTS)[number];

/** The arguments of attention with several heads. */
export interface HeadAttentionArguments extends LayerArguments, ParameterArguments<'kernel' | 'bias'> {
  /** The share of the weights that training drops. Default: 0. */
  dropout?: number;
  /** Whether the dense layers within have biases. Default: true. */
  useBias?: boolean;
  /** Whether a query sees only values that are nearer than so many steps. Default: all. */
  slidingWindow?: number | null;
  /** Whether the output is multiplied by a gate that the query opens. Default: false. */
  useGate?: boolean;
  /** Whether no query sees a later value; in Keras an argument of the call. Default: false. */
  useCausalMask?: boolean;
  /** Whether the scores are a second output; in Keras an argument of the call. Default: false. */
  returnAttentionScores?: boolean;
  /** What the inputs behind the query are. Default: the value, and the key. */
  tensorArguments?: readonly TensorArgument[];
  /** In some models of Keras 3, a query that may see nothing gets 0, in others the mean. Default: `'tf-keras'`. */
  dialect?: Dialect;
}

export const HEAD_SETTINGS = [
  'dropout',
  'useBias',
  'slidingWindow',
  'useGate',
  ...DENSE_SETTINGS,
  'useCausalMask',
  'returnAttentionScores',
  'tensorArguments',
  'dialect',
];

/** How the scores come about, and what they weigh. */
export interface HeadEquations {
  /** Of keys and queries. */
  readonly product: Equation;
  /** Of scores and values. */
  readonly combination: Equation;
  /** Along how many of the last axes of the scores the weights sum to 1. */
  readonly axes: number;
}

/** The shapes of what each part is called with. */
export interface HeadShapes {
  readonly query: Shape;
  readonly value: Shape;
  readonly key: Shape;
}

type Inputs<T> = Partial<Record<TensorArgument, T>> & {
  readonly query: T;
  readonly value: T;
  readonly key: T;
};

/**
 * Dense layers make queries, keys and values of each head; what they attend to goes through another dense
 * layer.
 */
export abstract class HeadAttention extends AttentionLayer implements HiddenWork {
  readonly dropout: number;
  readonly useBias: boolean;
  readonly slidingWindow: number | null;
  readonly useGate: boolean;
  readonly useCausalMask: boolean;
  readonly returnAttentionScores: boolean;
  tensorArguments: readonly TensorArgument[] | null;
  readonly dialect: Dialect;
  protected queryDense!: EinsumDense;
  protected keyDense!: EinsumDense;
  protected gateDense: EinsumDense | null = null;
  protected valueDense!: EinsumDense;
  protected outputDense!: EinsumDense;

  constructor(args: HeadAttentionArguments) {
    super(args);
    this.dropout = checkShare('dropout', args.dropout);
    this.useBias = checkFlag('useBias', args.useBias, true);
    this.slidingWindow = args.slidingWindow == null ? null : checkSize('slidingWindow', args.slidingWindow);
    this.useGate = checkFlag('useGate', args.useGate, false);
    this.useCausalMask = checkFlag('useCausalMask', args.useCausalMask, false);
    this.returnAttentionScores = checkFlag('returnAttentionScores', args.returnAttentionScores, false);
    this.tensorArguments =
      args.tensorArguments?.map((name) => checkWord('tensorArguments', name, TENSOR_ARGUMENTS)) ?? null;
    this.dialect = checkWord('dialect', args.dialect ?? 'tf-keras', DIALECTS);
    Object.assign(this, readParameters(args, { kernel: 'glorotUniform', bias: 'zeros' }));
  }

  protected override get acceptedInputs(): AcceptedInputs {
    return { least: 2, most: 1 + TENSOR_ARGUMENTS.length, expected: QUERY_AND_VALUE };
  }

  protected get givesScores(): boolean {
    return this.returnAttentionScores;
  }

  protected override get parts(): readonly layers.Layer[] {
    const all = [this.queryDense, this.keyDense, this.gateDense, this.valueDense, this.outputDense];
    return all.filter((part) => part != null);
  }

  /** Makes the dense layers of inputs with these shapes. */
  protected abstract makeParts(shapes: HeadShapes): void;

  protected abstract equationsFor(rank: number): HeadEquations;

  /** By which the queries are multiplied: 1/√ of how many numbers a key has. */
  protected abstract readonly scaling: number;

  /** As many heads of keys or values as there are of queries. */
  protected spread(heads: Tensor): Tensor {
    return heads;
  }

  /** The sizes of what is given, without the batch and the steps. */
  protected abstract outputSizes(query: Shape): Shape;

  protected dense(name: string, args: EinsumDenseArguments): EinsumDense {
    return new EinsumDense({ ...pick(this, DENSE_SETTINGS), ...args, name });
  }

  #read<T>(inputs: T[]): Inputs<T> {
    const [query, ...others] = inputs;
    const names = this.tensorArguments ?? TENSOR_ARGUMENTS.slice(0, Math.min(2, others.length));
    const read = Object.fromEntries(names.map((name, i) => [name, others[i]])) as Inputs<T>;
    if (others.length !== names.length || read.value === undefined) {
      throw new ValueError(
        `Layer ${show(this.name)}: expected ${QUERY_AND_VALUE}, received ${inputs.length} inputs.`,
      );
    }
    return { ...read, query: query!, key: read.key ?? read.value };
  }

  override build(inputShape: Shape[]): void {
    const shapes = this.#read(inputShape);
    // For whoever saves the layer.
    this.tensorArguments ??= TENSOR_ARGUMENTS.slice(0, inputShape.length - 1);
    this.makeParts(shapes);
    const [batch, ...steps] = this.queryDense.computeOutputShape(shapes.query).slice(0, -1);
    const toOutput = [batch!, ...steps, this.valueDense.computeOutputShape(shapes.value).at(-1)!];
    const parts: [EinsumDense | null, Shape][] = [
      [this.queryDense, shapes.query],
      [this.keyDense, shapes.key],
      [this.gateDense, shapes.query],
      [this.valueDense, shapes.value],
      [this.outputDense, toOutput],
    ];
    for (const [part, shape] of parts) {
      if (part) {
        inNameScope(part.name, () => {
          part.build(shape);
        });
      }
    }
    this.built = true;
  }

  override computeOutputShape(inputShape: Shape[]): Shape | Shape[] {
    const { query, value } = this.#read(inputShape);
    const output = [...query.slice(0, -1), ...this.outputSizes(query)];
    return this.returnAttentionScores ? [output, this.#scoresShape(query, value)] : output;
  }

  workOf(inputs: readonly RunShape[], outputs: readonly RunShape[]): Work {
    const { query, value, key } = this.#read(inputs.map((shape) => [...shape]));
    const projected = [
      this.queryDense.computeOutputShape(query),
      this.keyDense.computeOutputShape(key),
      this.valueDense.computeOutputShape(value),
    ];
    const { numbers, multiplications } = workOfAny(this, inputs, outputs);
    const held = projected.reduce((sum, shape) => sum + 4 * countNumbers(shape), numbers);
    const sizes = projected[0]!.at(-1)! + projected[2]!.at(-1)!;
    return workOfScores(countNumbers(this.#scoresShape(query, value)), sizes, {
      numbers: held,
      multiplications,
    });
  }

  protected abstract readonly heads: number;

  #scoresShape(query: Shape, value: Shape): Shape {
    const { product } = this.equationsFor(query.length + 1);
    const sizes = new Map<string, number | null>([
      ...Array.from(product.left).map((letter, i) => [letter, value[i] ?? null] as const),
      ...Array.from(product.right).map(
        (letter, i) => [letter, i < query.length - 1 ? query[i]! : this.heads] as const,
      ),
    ]);
    return Array.from(product.output).map((letter) => sizes.get(letter)!);
  }

  override call(inputs: Tensor | Tensor[], kwargs: AttentionCallArguments = {}): Tensor | Tensor[] {
    return tidy(() => {
      const list = [inputs].flat();
      const given = this.#read(list);
      const masks = this.#read(this.masksOf(list, kwargs));
      const query = this.queryDense.call(given.query);
      const key = this.spread(this.keyDense.call(given.key));
      const value = this.spread(this.valueDense.call(given.value));
      const { product, combination, axes } = this.equationsFor(query.rank);
      const scores = contract(product, key, mul(query, this.scaling));
      const mask = this.#maskFor(given, masks, axes, scores.rank);
      const weights = this.#weigh(scores, mask, axes);
      const dropped = dropWeights(weights, this.dropout, kwargs.training);
      const attended = contract(combination, dropped, value);
      const gated = this.gateDense ? mul(attended, this.gateDense.call(given.query)) : attended;
      const output = this.outputDense.call(gated);
      return this.returnAttentionScores ? [output, weights] : output;
    });
  }

  /** The softmax of scores along their last axes, where the mask lets through. */
  #weigh(scores: Tensor, mask: Tensor | null, axes: number): Tensor {
    // To a query that may see nothing, tf-keras has a gradient, and Keras 3 goes one of two ways.
    const isKeras3 = this.dialect === 'keras3';
    const isZeroed = isKeras3 && (this.dropout > 0 || this.returnAttentionScores || scores.rank !== 4);
    const hidden = mask && isKeras3 ? where(mask, scores, scalar(MASKED)) : hide(scores, mask);
    const size = scores.shape.slice(-axes).reduce((product, one) => product * one, 1);
    const flat = reshape(hidden, [...scores.shape.slice(0, -axes), size]);
    const weights = reshape(softmax(flat), scores.shape);
    return mask && isZeroed ? where(mask, weights, zerosLike(weights)) : weights;
  }

  /** Where a query may see a value, with the rank of the scores; null: everywhere. */
  #maskFor(given: Inputs<Tensor>, masks: Inputs<Tensor | null>, axes: number, rank: number): Tensor | null {
    const explicit = (name: TensorArgument) => (given[name] ? cast(given[name], 'bool') : null);
    const ofQuery = explicit('query_mask') ?? masks.query;
    const ofValues = [explicit('value_mask') ?? masks.value, explicit('key_mask') ?? masks.key];
    const [queries, values] = [given.query.shape[1]!, given.value.shape[1]!];
    const mask = allOf([
      ofQuery && expandDims(ofQuery, -1),
      ...ofValues.map((one) => one && expandDims(one, -2)),
      this.useCausalMask ? causalMask(queries, values) : null,
      this.slidingWindow === null ? null : windowMask(queries, values, this.slidingWindow),
      explicit('attention_mask'),
    ]);
    if (!mask) return null;
    const missing = Array<number>(rank - mask.rank).fill(1);
    const at = mask.rank - 2 * axes;
    return reshape(mask, [...mask.shape.slice(0, at), ...missing, ...mask.shape.slice(at)]);
  }
}

/** Where a value is nearer to a query than a number of steps. */
function windowMask(queries: number, values: number, size: number): Tensor {
  const rows = reshape(range(0, queries, 1, 'int32'), [1, queries, 1]);
  return less(abs(sub(rows, reshape(range(0, values, 1, 'int32'), [1, 1, values]))), size);
}
