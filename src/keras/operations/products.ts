/** @file Products of matrices and their kin, all of them as one batch of products of matrices. */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor } from '@tensorflow/tfjs-core';
import { type Work, countNumbers } from '../../model/run-cost.js';
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import type { Arguments } from './arguments.js';
import { float } from './elementwise.js';
import { type OperationEntry, keras3, tfKeras } from './entry.js';
import { KEEPDIMS, OPERAND, OPERANDS, type Parameter } from './parameters.js';
import { type Shape, dimensionOf } from './shapes.js';

/** A size in a product: what is open fits whatever is known. */
function joinSizes(
  one: number | null | undefined,
  other: number | null | undefined,
  isBroadcast = false,
): number | null {
  if (one === undefined || other === undefined) return one ?? other ?? null;
  if (one === other || other === null) return one;
  if (one === null) return other;
  if (isBroadcast && (one === 1 || other === 1)) return one === 1 ? other : one;
  throw new ValueError(`sizes ${one} and ${other} meet, and do not fit.`);
}

/** A subscript of an einsum: the labels of the operands, and of the result. */
interface Subscripts {
  readonly operands: readonly string[];
  readonly result: string;
}

/** Labels for what an ellipsis stands for, which no equation can have. */
const HIDDEN = '0123456789';

/** More characters than any equation needs: an engine may have no room to look at very many. */
const LONGEST_EQUATION = 1000;

/** Reads an equation for operands of known ranks. */
function readEquation(equation: string, ranks: readonly number[]): Subscripts {
  const plain = equation.slice(0, LONGEST_EQUATION + 1).replace(/\s+/g, '');
  const refuse = (reason: string): never => {
    throw new ValueError(`its equation ${show(equation)} ${reason}`);
  };
  if (equation.length > LONGEST_EQUATION) refuse('is too long.');
  if (!/^(?:[a-z]|\.{3}|,)+(?:->(?:[a-z]|\.{3})*)?$/.test(plain)) refuse('is none.');
  const [left, given] = plain.split('->') as [string, string?];
  const parts = left.split(',');
  if (parts.length !== ranks.length) refuse(`is for ${parts.length} tensors, and there are ${ranks.length}.`);
  let hidden = '';
  const operands = parts.map((part, i) => {
    const [before = '', after, ...more] = part.split('...');
    const labels = before + (after ?? '');
    const open = ranks[i]! - labels.length;
    if (more.length > 0 || open < 0 || (after === undefined && open > 0) || open > HIDDEN.length) {
      refuse(`does not fit ${ranks[i]} dimensions.`);
    }
    if (after === undefined) return part;
    const own = HIDDEN.slice(HIDDEN.length - open);
    if (own.length > hidden.length) hidden = own;
    return before + own + after;
  });
  const all = operands.join('');
  const implied = [...new Set(all.replace(/\d/g, ''))].filter(
    (label) => all.indexOf(label) === all.lastIndexOf(label),
  );
  const result = given === undefined ? hidden + implied.sort().join('') : given.replace('...', hidden);
  for (const labels of [...operands, result]) {
    if (new Set(labels).size < labels.length) refuse('has a label twice in one tensor, which is not here.');
  }
  if (result.split('').some((label) => !all.includes(label))) refuse('has a label in its result alone.');
  return { operands, result };
}

/** How large what each label stands for is. */
function labelSizes({ operands }: Subscripts, shapes: readonly Shape[]): Map<string, number | null> {
  const sizes = new Map<string, number | null>();
  operands.forEach((labels, i) => {
    labels.split('').forEach((label, d) => {
      const isHidden = HIDDEN.includes(label);
      sizes.set(
        label,
        sizes.has(label) ? joinSizes(sizes.get(label), shapes[i]![d], isHidden) : shapes[i]![d]!,
      );
    });
  });
  return sizes;
}

function einsumShape(subscripts: Subscripts, shapes: readonly Shape[]): Shape {
  const sizes = labelSizes(subscripts, shapes);
  return subscripts.result.split('').map((label) => sizes.get(label)!);
}

/** A tensor, and what its dimensions are called. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: string;
}

/** The same with dimensions in another order, size 1 where there are none of a label. */
function arranged({ x, labels }: Labelled, order: string): Tensor {
  const own = order.split('').filter((label) => labels.includes(label));
  const moved =
    own.join('') === labels
      ? x
      : tf.transpose(
          x,
          own.map((label) => labels.indexOf(label)),
        );
  const shape = order
    .split('')
    .map((label) => (labels.includes(label) ? x.shape[labels.indexOf(label)]! : 1));
  return tf.reshape(moved, shape);
}

/** Sums over what nobody needs any more. */
function summed({ x, labels }: Labelled, needed: string): Labelled {
  const gone = labels.split('').flatMap((label, d) => (needed.includes(label) ? [] : [d]));
  if (gone.length === 0) return { x, labels };
  return {
    x: tf.sum(x, gone),
    labels: labels
      .split('')
      .filter((label) => needed.includes(label))
      .join(''),
  };
}

const sizeOf = ({ x, labels }: Labelled, of: string): number =>
  of
    .split('')
    .reduce((size, label) => size * (labels.includes(label) ? x.shape[labels.indexOf(label)]! : 1), 1);

/** The product of two, of which the labels in `needed` are left. */
function multiplied(first: Labelled, second: Labelled, needed: string): Labelled {
  const [a, b] = [summed(first, needed + second.labels), summed(second, needed + first.labels)];
  const isShared = (label: string) => a.labels.includes(label) && b.labels.includes(label);
  const of = (labels: string, isOne: (label: string) => boolean) => labels.split('').filter(isOne).join('');
  const batch = of(a.labels, (label) => isShared(label) && needed.includes(label));
  const inner = of(a.labels, (label) => isShared(label) && !needed.includes(label));
  const [rows, columns] = [
    of(a.labels, (label) => !isShared(label)),
    of(b.labels, (label) => !isShared(label)),
  ];
  const [left, right] = [widened(a, b, batch), widened(b, a, batch)];
  const count = sizeOf(left, batch);
  const product = tf.matMul(
    tf.reshape<Rank.R3>(arranged(left, batch + rows + inner), [count, sizeOf(a, rows), sizeOf(a, inner)]),
    tf.reshape<Rank.R3>(arranged(right, batch + inner + columns), [
      count,
      sizeOf(b, inner),
      sizeOf(b, columns),
    ]),
  );
  const labels = batch + rows + columns;
  const shape = labels
    .split('')
    .map((label) => sizeOf(batch.includes(label) || rows.includes(label) ? left : right, label));
  return { x: tf.reshape(product, shape), labels };
}

/** Sizes of 1 among those of the batch repeated: TF.js' gradient of a product does not add up over such. */
function widened(one: Labelled, other: Labelled, batch: string): Labelled {
  const ones = one.labels
    .split('')
    .map((label) => (batch.includes(label) && sizeOf(one, label) === 1 ? sizeOf(other, label) : 1));
  return ones.every((size) => size === 1) ? one : { ...one, x: tf.mul(one.x, tf.ones(ones)) };
}

function einsum(equation: string, tensors: readonly Tensor[]): Tensor {
  const { operands, result } = readEquation(
    equation,
    tensors.map(({ rank }) => rank),
  );
  const [first, ...others] = operands.map((labels, i): Labelled => ({ x: float(tensors[i]!), labels }));
  const product = others.reduce(
    (left, right, i) => multiplied(left, right, result + operands.slice(i + 2).join('')),
    first!,
  );
  return arranged(summed(product, result), result);
}

/** The equation of a product of matrices; what one lacks in dimensions of the batch is repeated. */
function matmulEquation(ranks: readonly [number, number], isTransposed: readonly [boolean, boolean]): string {
  const of = (isThis: boolean, [row, column]: readonly [string, string]) =>
    isThis ? `...${column}${row}` : `...${row}${column}`;
  if (ranks.some((rank) => rank === 0)) throw new ValueError('it multiplies a single number.');
  const one = ranks[0] === 1 ? 'k' : of(isTransposed[0], ['i', 'k']);
  const other = ranks[1] === 1 ? 'k' : of(isTransposed[1], ['k', 'j']);
  return `${one},${other}->...${ranks[0] === 1 ? '' : 'i'}${ranks[1] === 1 ? '' : 'j'}`;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** The equation of a product along pairs of dimensions. */
function tensordotEquation(
  ranks: readonly [number, number],
  axes: readonly [readonly number[], readonly number[]],
): string {
  if (axes[0].length !== axes[1].length) throw new ValueError(`its axes ${show(axes)} differ in length.`);
  const pairs = axes[0].map(
    (axis, i) => [dimensionOf(axis, ranks[0]), dimensionOf(axes[1][i]!, ranks[1])] as const,
  );
  const one = LETTERS.slice(0, ranks[0]).split('');
  const other = LETTERS.slice(ranks[0], ranks[0] + ranks[1]).split('');
  for (const [a, b] of pairs) other[b] = one[a]!;
  const isFree = (label: string) => !(one.includes(label) && other.includes(label));
  return `${one.join('')},${other.join('')}->${[...one, ...other].filter(isFree).join('')}`;
}

const EQUATION: Parameter = {
  expected: 'an equation',
  accepts: (value) => typeof value === 'string' && value.length <= 100,
};

const isIntegers = (value: unknown): boolean => Array.isArray(value) && value.every(Number.isSafeInteger);

/** A number of dimensions, or two lists of dimensions. */
const PAIRED_AXES: Parameter = {
  expected: 'a number, or two lists of axes',
  accepts: (value) =>
    (Number.isSafeInteger(value) && (value as number) >= 0) ||
    (Array.isArray(value) && value.length === 2 && value.every((axes) => isIntegers([axes].flat()))),
};

/** Of more than two tensors, what two of them make may have all labels. */
function einsumWork(
  subscripts: Subscripts,
  shapes: readonly Shape[],
  { numbers, multiplications }: Work,
): Work {
  const products = countNumbers([...labelSizes(subscripts, shapes).values()]);
  return {
    numbers: shapes.length > 2 ? numbers + products : numbers,
    multiplications: multiplications + products * shapes.length,
  };
}

type Ranked = Pick<OperationEntry, 'shape' | 'work' | 'compute'>;

/** Of two tensors, by an equation that follows from their ranks. */
function byEquation(
  equationOf: (given: Arguments<Shape> | Arguments<Tensor>, ranks: [number, number]) => string,
): Ranked {
  const pairOf = (given: Arguments<Shape>) => {
    const shapes = [given.operand('x'), given.operand('y')] as [Shape, Shape];
    const ranks: [number, number] = [shapes[0].length, shapes[1].length];
    return { shapes, subscripts: readEquation(equationOf(given, ranks), ranks) };
  };
  return {
    shape: (given) => {
      const { subscripts, shapes } = pairOf(given);
      return einsumShape(subscripts, shapes);
    },
    work: (given, _, any) => {
      const { subscripts, shapes } = pairOf(given);
      return einsumWork(subscripts, shapes, any);
    },
    compute: (given) => {
      const tensors = [given.operand('x'), given.operand('y')] as [Tensor, Tensor];
      return einsum(equationOf(given, [tensors[0].rank, tensors[1].rank]), tensors);
    },
  };
}

const subscriptsOf = (given: Arguments<Shape>) =>
  readEquation(
    given.word('equation'),
    given.operands('tensors').map(({ length }) => length),
  );

export const PRODUCTS: Readonly<Record<string, OperationEntry>> = {
  matmul: {
    parameters: { x: OPERAND, y: OPERAND, transpose_x: KEEPDIMS, transpose_y: KEEPDIMS },
    ...tfKeras('linalg.matmul', 'x b=y transpose_a=transpose_x transpose_b=transpose_y'),
    ...keras3('numpy.Matmul', 'x y'),
    ...byEquation((given, ranks) =>
      matmulEquation(ranks, [given.flag('transpose_x'), given.flag('transpose_y')]),
    ),
  },
  dot: {
    parameters: { x: OPERAND, y: OPERAND },
    ...keras3('numpy.Dot', 'x y'),
    ...byEquation((_, ranks) => tensordotEquation(ranks, [[-1], [ranks[1] === 1 ? 0 : -2]])),
  },
  tensordot: {
    parameters: { x: OPERAND, y: OPERAND, axes: PAIRED_AXES },
    ...tfKeras('tensordot linalg.tensordot', 'x b=y axes'),
    ...keras3('numpy.Tensordot', 'x y', 'axes'),
    ...byEquation((given, ranks) => tensordotEquation(ranks, given.axisPairs('axes', ranks[0]))),
  },
  einsum: {
    parameters: { equation: EQUATION, tensors: OPERANDS },
    ...keras3('numpy.Einsum', '*tensors', 'subscripts=equation'),
    shape: (given) => einsumShape(subscriptsOf(given), given.operands('tensors')),
    work: (given, _, any) => einsumWork(subscriptsOf(given), given.operands('tensors'), any),
    compute: (given) => einsum(given.word('equation'), given.operands('tensors')),
  },
};
