/** @file Operations that compute each element by itself: arithmetic, comparison, logic, activations. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { REPLACE_ADVICE } from '../setting-values.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { type OperationEntry, keras3, tfKeras } from './entry.js';
import { absolute, withoutGradient } from './gradients.js';
import {
  AXES,
  INTEGER,
  KEEPDIMS,
  NUMBER,
  OPERAND,
  OPERANDS,
  TYPE,
  type Type,
  optional,
  word,
} from './parameters.js';
import { broadcastShapes } from './shapes.js';

/** As real numbers, which most functions of TF.js ask for. */
export const float = (x: Tensor): Tensor => (x.dtype === 'float32' ? x : tf.cast(x, 'float32'));

const X = { x: OPERAND };
const XY = { x: OPERAND, y: OPERAND };

/** Of one tensor. */
const unary = (
  compute: (x: Tensor) => Tensor,
  where: Pick<OperationEntry, 'tfKeras' | 'keras3'>,
): OperationEntry => ({
  parameters: X,
  ...where,
  shape: (given) => given.operand('x'),
  compute: (given) => compute(given.operand('x')),
});

/** Of one tensor as real numbers. */
const real = (
  compute: (x: Tensor) => Tensor,
  where: Pick<OperationEntry, 'tfKeras' | 'keras3'>,
): OperationEntry => ({ ...unary((x) => compute(float(x)), where), type: 'float32' });

/** Of two tensors, whose sizes of 1 are repeated. */
const binary = (
  compute: (x: Tensor, y: Tensor) => Tensor,
  where: Pick<OperationEntry, 'tfKeras' | 'keras3'>,
): OperationEntry => ({
  parameters: XY,
  ...where,
  shape: (given) => broadcastShapes(given.operand('x'), given.operand('y')),
  compute: (given) => compute(given.operand('x'), given.operand('y')),
});

/** What is true or false. */
const truthful = (entry: OperationEntry): OperationEntry => ({ ...entry, type: 'bool' });

/** The same of one tensor, where there is no gradient. */
const flat =
  (compute: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor =>
    withoutGradient([x], () => compute(x));

/** The same of two tensors, where there is no gradient. */
const flatOfTwo =
  (compute: (x: Tensor, y: Tensor) => Tensor) =>
  (x: Tensor, y: Tensor): Tensor =>
    withoutGradient([x, y], () => compute(x, y));

/** As large as a tensor, and the same everywhere. */
const filled = (value: number, where: Pick<OperationEntry, 'tfKeras' | 'keras3'>): OperationEntry => ({
  parameters: { x: OPERAND, dtype: optional(TYPE, null) },
  ...where,
  shape: (given) => given.operand('x'),
  compute: (given) => {
    const x = given.operand('x');
    return withoutGradient([x], () => tf.fill(x.shape, value, given.type('dtype') ?? x.dtype));
  },
});

/** `x` where a condition on it holds, and something else elsewhere. TF.js has no gradient for a condition. */
const choose = (x: Tensor, condition: (x: Tensor) => Tensor, yes: Tensor, no: Tensor): Tensor =>
  tf.where(
    withoutGradient([x], () => condition(x)),
    yes,
    no,
  );

const truth = (x: Tensor): Tensor => (x.dtype === 'bool' ? x : tf.cast(x, 'bool'));

const everywhere = (
  functions: string,
  parameters: string,
  classes: string,
  inputs: string,
  settings = '',
) => ({
  ...tfKeras(functions, parameters),
  ...keras3(classes, inputs, settings),
});

const both = (functions: string, classes: string) => everywhere(functions, 'x y', classes, 'x y');
const one = (functions: string, classes: string) => everywhere(functions, 'x', classes, 'x');

/** In TF.js the gradient passes through whole numbers. */
function castTo(x: Tensor, type: Type | null): Tensor {
  if (type === null || x.dtype === type) return tf.clone(x);
  return type === 'float32' ? tf.cast(x, type) : withoutGradient([x], () => tf.cast(x, type));
}

const KERAS_EPSILON = 1e-7;
const HALF_PI_ROOT = Math.sqrt(2 / Math.PI);

function gelu(x: Tensor, isApproximate: boolean): Tensor {
  const cube = () => tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x))));
  const share = isApproximate ? tf.tanh(tf.mul(HALF_PI_ROOT, cube())) : tf.erf(tf.div(x, Math.SQRT2));
  return tf.mul(tf.mul(0.5, x), tf.add(1, share));
}

/** Values of a softmax along any axis; TF.js has it for the last. */
function softmax(x: Tensor, axis: number): Tensor {
  if (axis === -1 || axis === x.rank - 1) return tf.softmax(x);
  const powers = tf.exp(tf.sub(x, tf.max(x, axis, true)));
  return tf.div(powers, tf.sum(powers, axis, true));
}

const logSoftmax = (x: Tensor, axis: number): Tensor => tf.sub(x, tf.logSumExp(x, axis, true));

const ALONG = { x: OPERAND, axis: optional(INTEGER, -1) };

const along = (
  compute: (x: Tensor, axis: number) => Tensor,
  where: Pick<OperationEntry, 'tfKeras' | 'keras3'>,
): OperationEntry => ({
  parameters: ALONG,
  ...where,
  shape: (given) => given.operand('x'),
  compute: (given) => compute(float(given.operand('x')), given.number('axis')),
});

/** With a number that shapes the function. */
const shaped = (
  parameter: string,
  byDefault: number | null,
  compute: (x: Tensor, parameter: number) => Tensor,
  where: Pick<OperationEntry, 'tfKeras' | 'keras3'>,
): OperationEntry => ({
  parameters: { x: OPERAND, [parameter]: byDefault === null ? NUMBER : optional(NUMBER, byDefault) },
  ...where,
  shape: (given) => given.operand('x'),
  compute: (given) => compute(float(given.operand('x')), given.number(parameter)),
});

const elu = (x: Tensor, alpha: number): Tensor =>
  alpha === 1
    ? tf.elu(x)
    : choose(x, (one) => tf.greater(one, 0), x, tf.mul(alpha, tf.expm1(tf.minimum(x, 0))));

/** 0 where the divisor is 0. */
function divideNoNan(x: Tensor, y: Tensor): Tensor {
  const isZero = withoutGradient([y], () => tf.equal(y, 0));
  const quotient = tf.div(x, tf.where(isZero, tf.onesLike(y), y));
  return tf.where(isZero, tf.zerosLike(quotient), quotient);
}

const SELU = { scale: 1.0507009873554805, negative: 1.7580993408473766 };

const hardSigmoid = (x: Tensor): Tensor => tf.div(tf.relu6(tf.add(x, 3)), 6);

/** What tf-keras calls without a slope, a threshold or a limit. */
function relu(x: Tensor, slope: number, limit: number | null, threshold: number): Tensor {
  const below =
    slope === 0 ? null : tf.mul(slope, tf.relu(threshold === 0 ? tf.neg(x) : tf.sub(threshold, x)));
  const positive =
    threshold === 0 ? tf.relu(x) : choose(x, (one) => tf.greater(one, threshold), x, tf.zerosLike(x));
  const above = limit === null ? positive : tf.minimum(positive, limit);
  return below ? tf.sub(above, below) : above;
}

const BIAS = tfKeras('nn.bias_add', 'x bias=y data_format=format', {
  read: ({ format, ...values }) => ({
    ...values,
    format: typeof format === 'string' && format.startsWith('NC') ? 'first' : 'last',
  }),
  write: ({ format, ...values }) => (format === 'first' ? { ...values, format: 'NC..' } : values),
});

export const ELEMENTWISE: Readonly<Record<string, OperationEntry>> = {
  add: binary(tf.add, both('math.add __operators__.add', 'numpy.Add')),
  subtract: binary(tf.sub, both('math.subtract', 'numpy.Subtract')),
  multiply: binary(tf.mul, both('math.multiply', 'numpy.Multiply')),
  divide: {
    ...binary(
      (x, y) => tf.div(float(x), float(y)),
      both('math.truediv math.divide realdiv', 'numpy.TrueDivide numpy.Divide'),
    ),
    type: 'float32',
  },
  divide_no_nan: binary(
    (x, y) => divideNoNan(float(x), float(y)),
    both('math.divide_no_nan', 'numpy.DivideNoNan'),
  ),
  floor_divide: binary(
    // TF.js' own gives whole numbers of 32 bits.
    flatOfTwo((x, y) =>
      x.dtype === 'int32' && y.dtype === 'int32' ? tf.floorDiv(x, y) : tf.floor(tf.div(float(x), float(y))),
    ),
    both('math.floordiv floor_div', 'numpy.FloorDivide'),
  ),
  mod: binary(tf.mod, both('math.floormod math.mod', 'numpy.Mod')),
  power: binary(tf.pow, both('math.pow', 'numpy.Power')),
  maximum: binary(tf.maximum, both('math.maximum', 'numpy.Maximum')),
  minimum: binary(tf.minimum, both('math.minimum', 'numpy.Minimum')),
  squared_difference: binary((x, y) => tf.square(tf.sub(x, y)), tfKeras('math.squared_difference', 'x y')),
  arctan2: binary(
    (x, y) => tf.atan2(float(x), float(y)),
    everywhere('math.atan2', 'y=x x=y', 'numpy.Arctan2', 'x y'),
  ),
  add_many: {
    parameters: { tensors: OPERANDS },
    ...tfKeras('math.add_n', 'inputs=tensors'),
    shape: (given) => broadcastShapes(...given.operands('tensors')),
    compute: (given) => tf.addN(given.operands('tensors')),
  },
  bias_add: {
    parameters: { ...XY, format: word(['last', 'first'], 'last') },
    ...BIAS,
    // Read as an addition.
    ...keras3('numpy.Add', 'x y'),
    shape: (given) => given.operand('x'),
    compute: (given) => {
      const [x, y] = [given.operand('x'), given.operand('y')];
      const isLast = given.word('format') === 'last';
      return tf.add(x, isLast ? y : tf.reshape(y, [-1, ...Array<number>(x.rank - 2).fill(1)]));
    },
  },

  equal: truthful(binary(flatOfTwo(tf.equal), both('math.equal __operators__.eq', 'numpy.Equal'))),
  not_equal: truthful(
    binary(flatOfTwo(tf.notEqual), both('math.not_equal __operators__.ne', 'numpy.NotEqual')),
  ),
  greater: truthful(binary(flatOfTwo(tf.greater), both('math.greater', 'numpy.Greater'))),
  greater_equal: truthful(
    binary(flatOfTwo(tf.greaterEqual), both('math.greater_equal', 'numpy.GreaterEqual')),
  ),
  less: truthful(binary(flatOfTwo(tf.less), both('math.less', 'numpy.Less'))),
  less_equal: truthful(binary(flatOfTwo(tf.lessEqual), both('math.less_equal', 'numpy.LessEqual'))),
  logical_and: truthful(
    binary(
      flatOfTwo((x, y) => tf.logicalAnd(truth(x), truth(y))),
      both('math.logical_and', 'numpy.LogicalAnd'),
    ),
  ),
  logical_or: truthful(
    binary(
      flatOfTwo((x, y) => tf.logicalOr(truth(x), truth(y))),
      both('math.logical_or', 'numpy.LogicalOr'),
    ),
  ),
  logical_xor: truthful(
    binary(
      flatOfTwo((x, y) => tf.logicalXor(truth(x), truth(y))),
      both('math.logical_xor', 'numpy.LogicalXor'),
    ),
  ),
  logical_not: truthful(
    unary(
      flat((x) => tf.logicalNot(truth(x))),
      one('math.logical_not', 'numpy.LogicalNot'),
    ),
  ),
  is_nan: truthful(unary(flat(tf.isNaN), one('math.is_nan', 'numpy.Isnan'))),
  is_infinite: truthful(unary(flat(tf.isInf), one('math.is_inf', 'numpy.Isinf'))),
  is_finite: truthful(unary(flat(tf.isFinite), one('math.is_finite', 'numpy.Isfinite'))),
  where: {
    parameters: { condition: OPERAND, x: OPERAND, y: OPERAND },
    ...everywhere('where', 'condition x y', 'numpy.Where', 'condition x y'),
    shape: (given) => broadcastShapes(given.operand('condition'), given.operand('x'), given.operand('y')),
    compute: (given) => {
      const [x, y] = [given.operand('x'), given.operand('y')];
      const isMixed = x.dtype !== y.dtype;
      return tf.where(truth(given.operand('condition')), isMixed ? float(x) : x, isMixed ? float(y) : y);
    },
  },

  negative: unary(tf.neg, one('math.negative', 'numpy.Negative')),
  absolute: unary(absolute, one('math.abs', 'numpy.Absolute numpy.Abs numpy.Fabs')),
  sign: unary(tf.sign, one('math.sign', 'numpy.Sign')),
  square: unary(tf.square, one('math.square', 'numpy.Square')),
  sqrt: real(tf.sqrt, one('math.sqrt', 'numpy.Sqrt')),
  rsqrt: real(tf.rsqrt, one('math.rsqrt', 'math.Rsqrt')),
  reciprocal: real(tf.reciprocal, one('math.reciprocal', 'numpy.Reciprocal')),
  exp: real(tf.exp, one('math.exp', 'numpy.Exp')),
  expm1: real(tf.expm1, one('math.expm1', 'numpy.Expm1')),
  log: real(tf.log, one('math.log', 'numpy.Log')),
  log1p: real(tf.log1p, one('math.log1p', 'numpy.Log1p')),
  log2: real((x) => tf.div(tf.log(x), Math.LN2), keras3('numpy.Log2', 'x')),
  log10: real((x) => tf.div(tf.log(x), Math.LN10), keras3('numpy.Log10', 'x')),
  sin: real(tf.sin, one('math.sin', 'numpy.Sin')),
  cos: real(tf.cos, one('math.cos', 'numpy.Cos')),
  tan: real(tf.tan, one('math.tan', 'numpy.Tan')),
  sinh: real(tf.sinh, one('math.sinh', 'numpy.Sinh')),
  cosh: real(tf.cosh, one('math.cosh', 'numpy.Cosh')),
  arcsin: real(tf.asin, one('math.asin', 'numpy.Arcsin')),
  arccos: real(tf.acos, one('math.acos', 'numpy.Arccos')),
  arctan: real(tf.atan, one('math.atan', 'numpy.Arctan')),
  erf: real(tf.erf, one('math.erf', 'math.Erf')),
  floor: unary(tf.floor, one('math.floor', 'numpy.Floor')),
  ceil: unary(tf.ceil, one('math.ceil', 'numpy.Ceil')),
  round: {
    parameters: { x: OPERAND, decimals: optional(INTEGER, 0) },
    ...tfKeras('math.round', 'x'),
    ...keras3('numpy.Round', 'x', 'decimals'),
    shape: (given) => given.operand('x'),
    compute: (given) => {
      const scale = 10 ** given.number('decimals');
      const x = given.operand('x');
      return scale === 1 ? tf.round(x) : tf.div(tf.round(tf.mul(x, scale)), scale);
    },
  },
  clip: {
    parameters: { x: OPERAND, min: OPERAND, max: OPERAND },
    ...tfKeras('clip_by_value', 'x clip_value_min=min clip_value_max=max'),
    ...keras3('numpy.Clip', 'x', 'x_min=min x_max=max'),
    shape: (given) => broadcastShapes(given.operand('x'), given.operand('min'), given.operand('max')),
    compute: (given) => {
      const x = given.operand('x');
      return given.isNumber('min') && given.isNumber('max')
        ? tf.clipByValue(x, given.number('min'), given.number('max'))
        : tf.minimum(tf.maximum(x, given.operand('min')), given.operand('max'));
    },
  },
  cast: {
    parameters: { x: OPERAND, dtype: TYPE },
    ...everywhere('cast saturate_cast', 'x dtype', 'core.Cast core.SaturateCast', 'x', 'dtype'),
    shape: (given) => given.operand('x'),
    compute: (given) => castTo(given.operand('x'), given.type('dtype')),
  },
  identity: unary(tf.clone, one('identity', 'numpy.Copy')),
  convert_to_tensor: {
    parameters: { x: OPERAND, dtype: optional(TYPE, null) },
    ...everywhere('convert_to_tensor', 'x dtype -dtype_hint', 'core.ConvertToTensor', 'x', 'dtype'),
    shape: (given) => given.operand('x'),
    compute: (given) => castTo(given.operand('x'), given.type('dtype')),
  },
  stop_gradient: unary(flat(tf.clone), {
    ...tfKeras('stop_gradient', 'x'),
    ...keras3('core.StopGradient', 'x'),
  }),

  relu: unary(tf.relu, one('nn.relu', 'nn.Relu')),
  relu6: unary(tf.relu6, everywhere('nn.relu6', 'x', 'nn.Relu6', 'x')),
  general_relu: {
    parameters: {
      x: OPERAND,
      slope: optional(NUMBER, 0),
      limit: optional(NUMBER, null),
      threshold: optional(NUMBER, 0),
    },
    ...keras3('activations.activations.ReLU', 'x', 'negative_slope=slope max_value=limit threshold'),
    shape: (given) => given.operand('x'),
    compute: (given) =>
      relu(
        float(given.operand('x')),
        given.number('slope'),
        given.numberOrNull('limit'),
        given.number('threshold'),
      ),
  },
  leaky_relu: shaped('slope', 0.2, (x, slope) => tf.leakyRelu(x, slope), {
    ...tfKeras('nn.leaky_relu', 'x alpha=slope'),
    ...keras3('nn.LeakyRelu', 'x', 'negative_slope=slope'),
  }),
  elu: shaped('alpha', 1, elu, { ...tfKeras('nn.elu', 'x'), ...keras3('nn.Elu', 'x', 'alpha') }),
  celu: shaped(
    'alpha',
    1,
    (x, alpha) => tf.mul(alpha, tf.elu(tf.div(x, alpha))),
    keras3('nn.Celu', 'x', 'alpha'),
  ),
  selu: real(
    (x) =>
      choose(
        x,
        (one) => tf.less(one, 0),
        tf.mul(SELU.negative, tf.expm1(tf.minimum(x, 0))),
        tf.mul(SELU.scale, x),
      ),
    everywhere('nn.selu', 'x', 'nn.Selu', 'x'),
  ),
  gelu: {
    parameters: { x: OPERAND, approximate: KEEPDIMS },
    ...tfKeras('nn.gelu', 'x approximate'),
    ...keras3('nn.Gelu', 'x', 'approximate'),
    shape: (given) => given.operand('x'),
    compute: (given) => gelu(float(given.operand('x')), given.flag('approximate')),
  },
  sigmoid: real(tf.sigmoid, one('math.sigmoid', 'nn.Sigmoid')),
  // TF.js' own takes its gradient of a tensor that may be gone.
  log_sigmoid: real((x) => tf.neg(tf.softplus(tf.neg(x))), one('math.log_sigmoid', 'nn.LogSigmoid')),
  hard_sigmoid: real(hardSigmoid, keras3('nn.HardSigmoid', 'x')),
  hard_silu: real((x) => tf.mul(x, hardSigmoid(x)), keras3('nn.HardSilu', 'x')),
  hard_tanh: real((x) => tf.clipByValue(x, -1, 1), keras3('nn.HardTanh', 'x')),
  tanh_shrink: real((x) => tf.sub(x, tf.tanh(x)), keras3('nn.TanhShrink', 'x')),
  soft_shrink: shaped(
    'threshold',
    0.5,
    (x, threshold) => tf.sub(x, tf.clipByValue(x, -threshold, threshold)),
    keras3('nn.SoftShrink', 'x', 'threshold'),
  ),
  hard_shrink: shaped(
    'threshold',
    0.5,
    (x, threshold) => choose(x, (one) => tf.greater(tf.abs(one), threshold), x, tf.zerosLike(x)),
    keras3('nn.HardShrink', 'x', 'threshold'),
  ),
  squareplus: shaped(
    'b',
    4,
    (x, b) => tf.div(tf.add(x, tf.sqrt(tf.add(tf.square(x), b))), 2),
    keras3('nn.Squareplus', 'x', 'b'),
  ),
  silu: shaped('beta', 1, (x, beta) => tf.mul(x, tf.sigmoid(beta === 1 ? x : tf.mul(beta, x))), {
    ...tfKeras('nn.silu nn.swish', 'x beta'),
    ...keras3('nn.Silu', 'x'),
  }),
  softplus: real(tf.softplus, everywhere('math.softplus', 'x', 'nn.Softplus', 'x')),
  softsign: real((x) => tf.div(x, tf.add(1, tf.abs(x))), everywhere('nn.softsign', 'x', 'nn.Softsign', 'x')),
  tanh: real(tf.tanh, one('math.tanh', 'numpy.Tanh')),
  softmax: along(softmax, { ...tfKeras('nn.softmax', 'x axis'), ...keras3('nn.Softmax', 'x', 'axis') }),
  log_softmax: along(logSoftmax, {
    ...tfKeras('nn.log_softmax', 'x axis'),
    ...keras3('nn.LogSoftmax', 'x', 'axis'),
  }),
  l2_normalize: {
    parameters: { x: OPERAND, axis: AXES, epsilon: optional(NUMBER, 1e-12) },
    ...tfKeras('math.l2_normalize', 'x axis epsilon dim=axis'),
    ...keras3('nn.Normalize', 'x', 'axis order epsilon', {
      // Keras 3 limits the norm, TensorFlow its square.
      read({ order, ...values }) {
        if (order !== 2)
          throw new ValueError(`its order is ${show(order)}, and only 2 is here. ${REPLACE_ADVICE}`);
        return { ...values, epsilon: ((values.epsilon ?? KERAS_EPSILON) as number) ** 2 };
      },
      write: (values) => ({ ...values, order: 2, epsilon: Math.sqrt(values.epsilon as number) }),
    }),
    shape: (given) => given.operand('x'),
    compute: (given) => {
      const x = given.operand('x');
      const squares = tf.sum(tf.square(x), given.integers('axis') ?? undefined, true);
      return tf.mul(x, tf.rsqrt(tf.maximum(squares, given.number('epsilon'))));
    },
  },
  zeros_like: filled(0, everywhere('zeros_like', 'x dtype', 'numpy.ZerosLike', 'x', 'dtype')),
  ones_like: filled(1, everywhere('ones_like', 'x dtype', 'numpy.OnesLike', 'x', 'dtype')),
};
