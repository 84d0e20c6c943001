/** @file Operations that make fewer values of many along dimensions: sums, means, extremes; and running sums. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { float } from './elementwise.js';
import { REPLACE_ADVICE } from '../setting-values.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type ForeignValues, type OperationEntry, keras3, tfKeras } from './entry.js';
import { extreme, gatherRows, withoutGradient } from './gradients.js';
import { AXES, COUNT, INTEGER, KEEPDIMS, OPERAND, optional } from './parameters.js';
import { dimensionOf, dimensionsOf, reducedShape, withSize } from './shapes.js';

/** The only norm that is here. */
function euclidean({ ord, ...values }: ForeignValues): ForeignValues {
  const isVector = values.axis === undefined || values.axis === null || typeof values.axis === 'number';
  if (ord == null || ord === 'euclidean' || (ord === 2 && isVector)) return values;
  throw new ValueError(`its order is ${show(ord)}, and only Euclidean norms are here. ${REPLACE_ADVICE}`);
}

type Reduction = (x: Tensor, dimensions: number[], keepsDimensions: boolean) => Tensor;

const reduction = (compute: Reduction, functions: string, classes: string): OperationEntry => ({
  parameters: { x: OPERAND, axis: AXES, keepdims: KEEPDIMS },
  ...tfKeras(functions, 'x axis keepdims keep_dims=keepdims reduction_indices=axis'),
  ...keras3(classes, 'x', 'axis keepdims -initial -dtype'),
  shape: (given) => {
    const x = given.operand('x');
    return reducedShape(x, dimensionsOf(given.integers('axis'), x.length), given.flag('keepdims'));
  },
  compute: (given) => {
    const x = given.operand('x');
    return compute(x, dimensionsOf(given.integers('axis'), x.rank), given.flag('keepdims'));
  },
});

const variance: Reduction = (x, dimensions, keepsDimensions) => {
  // TF.js' gradient of squaredDifference does not add up over what was repeated.
  const centered = tf.sub(float(x), tf.mean(float(x), dimensions, true));
  return tf.mean(tf.square(centered), dimensions, keepsDimensions);
};

/** Of truth values. */
const truth =
  (compute: typeof tf.any): Reduction =>
  (x, dimensions, keepsDimensions) =>
    withoutGradient([x], () => compute(tf.cast(x, 'bool'), dimensions, keepsDimensions));

/** Where the largest or the smallest is, along one dimension or among all. */
const position = (of: typeof tf.argMax, functions: string, classes: string): OperationEntry => ({
  type: 'int32',
  parameters: { x: OPERAND, axis: optional(INTEGER, null), keepdims: KEEPDIMS },
  ...tfKeras(functions, 'x axis dimension=axis -output_type', {
    // TensorFlow takes the first dimension where nothing is said.
    read: (values) => ({ ...values, axis: values.axis ?? 0 }),
    write(values) {
      if (values.axis !== null) return values;
      throw new ValueError(`it looks along all dimensions at once, and TensorFlow along one`);
    },
  }),
  ...keras3(classes, 'x', 'axis keepdims'),
  shape: (given) => {
    const x = given.operand('x');
    const axis = given.integers('axis');
    return reducedShape(x, dimensionsOf(axis, x.length), given.flag('keepdims'));
  },
  compute: (given) => {
    const x = given.operand('x');
    const axis = given.integers('axis');
    const found = withoutGradient([x], () =>
      axis === null ? of(tf.reshape(x, [-1]), 0) : of(x, dimensionOf(axis[0]!, x.rank)),
    );
    const dimensions = dimensionsOf(axis, x.rank);
    return given.flag('keepdims')
      ? tf.reshape(
          found,
          x.shape.map((size, i) => (dimensions.includes(i) ? 1 : size)),
        )
      : found;
  },
});

/** The k largest along the last dimension, in falling order, with their positions. Has a gradient, unlike TF.js' own. */
function largest(x: Tensor, k: number): [values: Tensor, indices: Tensor] {
  const size = x.shape.at(-1)!;
  const shape = [...x.shape.slice(0, -1), k];
  const rows = tf.reshape(x, [-1, size]);
  const indices = withoutGradient([rows], () => tf.topk(rows, k).indices);
  const starts = tf.mul(tf.range(0, rows.shape[0], 1, 'int32'), tf.scalar(size, 'int32'));
  const flat = tf.add(indices, tf.reshape(starts, [-1, 1]));
  const values = gatherRows(tf.reshape(x, [-1]), tf.cast(tf.reshape(flat, [-1]), 'int32'), 0);
  return [tf.reshape(values, shape), tf.reshape(indices, shape)];
}

const toLast = (x: Tensor, dimension: number): Tensor => {
  const order = [...Array(x.rank).keys()].filter((d) => d !== dimension);
  return tf.transpose(x, [...order, dimension]);
};

const fromLast = (x: Tensor, dimension: number): Tensor => {
  const order = [...Array(x.rank - 1).keys()];
  order.splice(dimension, 0, x.rank - 1);
  return tf.transpose(x, order);
};

export const REDUCTIONS: Readonly<Record<string, OperationEntry>> = {
  sum: reduction(tf.sum, 'math.reduce_sum', 'numpy.Sum'),
  mean: reduction((x, d, k) => tf.mean(float(x), d, k), 'math.reduce_mean', 'numpy.Mean'),
  max: reduction((x, d, k) => extreme(tf.max, x, d, k), 'math.reduce_max', 'numpy.Max numpy.Amax'),
  min: reduction((x, d, k) => extreme(tf.min, x, d, k), 'math.reduce_min', 'numpy.Min numpy.Amin'),
  prod: reduction(tf.prod, 'math.reduce_prod', 'numpy.Prod'),
  any: { ...reduction(truth(tf.any), 'math.reduce_any', 'numpy.Any'), type: 'bool' },
  all: { ...reduction(truth(tf.all), 'math.reduce_all', 'numpy.All'), type: 'bool' },
  var: reduction(variance, 'math.reduce_variance', 'numpy.Var'),
  std: reduction((x, d, k) => tf.sqrt(variance(x, d, k)), 'math.reduce_std', 'numpy.Std'),
  logsumexp: reduction((x, d, k) => tf.logSumExp(float(x), d, k), 'math.reduce_logsumexp', 'math.Logsumexp'),
  argmax: position(tf.argMax, 'math.argmax', 'numpy.Argmax'),
  argmin: position(tf.argMin, 'math.argmin', 'numpy.Argmin'),
  moments: {
    parameters: { x: OPERAND, axis: AXES, keepdims: KEEPDIMS },
    ...tfKeras('nn.moments', 'x axes=axis keepdims'),
    ...keras3('nn.Moments', 'x', 'axes=axis keepdims'),
    shape: (given) => {
      const x = given.operand('x');
      const shape = reducedShape(x, dimensionsOf(given.integers('axis'), x.length), given.flag('keepdims'));
      return [shape, [...shape]];
    },
    compute: (given) => {
      const x = float(given.operand('x'));
      const dimensions = dimensionsOf(given.integers('axis'), x.rank);
      const keepsDimensions = given.flag('keepdims');
      return [tf.mean(x, dimensions, keepsDimensions), variance(x, dimensions, keepsDimensions)];
    },
  },
  norm: {
    parameters: { x: OPERAND, axis: AXES, keepdims: KEEPDIMS },
    ...tfKeras('norm linalg.norm', 'x ord axis keepdims', { read: euclidean }),
    ...keras3('linalg.Norm', 'x', 'ord axis keepdims', { read: euclidean }),
    shape: (given) => {
      const x = given.operand('x');
      return reducedShape(x, dimensionsOf(given.integers('axis'), x.length), given.flag('keepdims'));
    },
    compute: (given) => {
      const x = float(given.operand('x'));
      const dimensions = dimensionsOf(given.integers('axis'), x.rank);
      return tf.sqrt(tf.sum(tf.square(x), dimensions, given.flag('keepdims')));
    },
  },
  cumsum: {
    parameters: { x: OPERAND, axis: optional(INTEGER, 0), exclusive: KEEPDIMS, reverse: KEEPDIMS },
    ...tfKeras('math.cumsum', 'x axis exclusive reverse'),
    ...keras3('numpy.Cumsum', 'x', 'axis'),
    shape: (given) => given.operand('x'),
    compute: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.rank);
      // TF.js' gradient is right along the last dimension alone.
      const moved = toLast(x, dimension);
      return fromLast(
        tf.cumsum(moved, moved.rank - 1, given.flag('exclusive'), given.flag('reverse')),
        dimension,
      );
    },
  },
  top_k: {
    type: [null, 'int32'],
    parameters: { x: OPERAND, k: optional(COUNT, 1) },
    ...tfKeras('math.top_k', 'x k -sorted'),
    ...keras3('math.TopK', 'x', 'k -sorted'),
    shape: (given) => {
      const x = given.operand('x');
      const shape = withSize(x, x.length - 1, given.number('k'));
      return [shape, [...shape]];
    },
    compute: (given) => largest(given.operand('x'), given.number('k')),
  },
  sort: {
    parameters: { x: OPERAND, axis: optional(INTEGER, -1), descending: KEEPDIMS },
    ...tfKeras('sort', 'x axis direction=descending', {
      read: (values) => ({ ...values, descending: values.descending === 'DESCENDING' }),
      write: (values) => ({ ...values, descending: values.descending === true ? 'DESCENDING' : 'ASCENDING' }),
    }),
    ...keras3('numpy.Sort', 'x', 'axis'),
    shape: (given) => given.operand('x'),
    compute: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.rank);
      const moved = toLast(x, dimension);
      const [sorted] = largest(given.flag('descending') ? moved : tf.neg(moved), moved.shape.at(-1)!);
      return fromLast(given.flag('descending') ? sorted : tf.neg(sorted), dimension);
    },
  },
};
