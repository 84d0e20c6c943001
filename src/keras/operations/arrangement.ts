/** @file Operations that move values, repeat them, put them together or take them apart, and compute nothing of them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Json } from '../json.js';
import { REPLACE_ADVICE } from '../setting-values.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import type { Arguments } from './arguments.js';
import { type ForeignValues, type OperationEntry, keras3, tfKeras } from './entry.js';
import { gatherRows, withoutGradient } from './gradients.js';
import {
  AXES,
  COUNT,
  INTEGER,
  INTEGERS,
  NUMBER,
  OPERAND,
  OPERANDS,
  PAIRS,
  ROWS,
  SHAPE,
  SIZES,
  TYPE,
  optional,
  word,
} from './parameters.js';
import { type Shape, broadcastShapes, dimensionOf, dimensionsOf, sizeOf, withSize } from './shapes.js';

const sizesOf = (x: Tensor, dimension: number): [outer: number, size: number, inner: number] => [
  tf.util.sizeFromShape(x.shape.slice(0, dimension)),
  x.shape[dimension]!,
  tf.util.sizeFromShape(x.shape.slice(dimension + 1)),
];

/** As many of everything as `ones` has, along dimensions of size 1. TF.js' tile has no gradient above rank 4. */
const spread = (x: Tensor, shape: number[]): Tensor =>
  x.dtype === 'bool'
    ? tf.cast(tf.mul(tf.cast(x, 'int32'), tf.ones(shape, 'int32')), 'bool')
    : tf.mul(x, tf.ones(shape, x.dtype));

/** Each value several times in a row, or (`isTiled`) all of them several times. */
function repeatAlong(x: Tensor, dimension: number, times: number, isTiled: boolean): Tensor {
  if (times === 1) return x;
  const [outer, size, inner] = sizesOf(x, dimension);
  const rows = isTiled ? [outer, 1, size * inner] : [outer * size, 1, inner];
  const repeated = spread(tf.reshape(x, rows), [1, times, 1]);
  return tf.reshape(repeated, x.shape.with(dimension, size * times));
}

/** The shape that is asked for; −1 stays. What tensors say is not known before the model runs, but how many sizes. */
function targetShape(given: Arguments<Shape>, name: string): Shape {
  const { whole, sizes } = given.sizes(name);
  if (whole) return Array<null>(whole[0] ?? 0).fill(null);
  return sizes.map((size) => (typeof size === 'number' ? size : null));
}

function runtimeShape(given: Arguments<Tensor>, name: string): number[] {
  const { whole, sizes } = given.sizes(name);
  const read = (tensor: Tensor) => [...tensor.dataSync()];
  return whole ? read(whole) : sizes.flatMap((size) => (typeof size === 'number' ? size : read(size)));
}

const permutation = (order: readonly number[] | null, rank: number): number[] => {
  if (order === null) return [...Array(rank).keys()].reverse();
  const dimensions = order.map((axis) => dimensionOf(axis, rank));
  if (new Set(dimensions).size === rank && dimensions.length === rank) return dimensions;
  throw new ValueError(`${show(order)} is no order of ${rank} dimensions.`);
};

/** Dimensions moved to other places; the others keep their order. */
function moved(sources: readonly number[], targets: readonly number[], rank: number): number[] {
  const [from, to] = [sources, targets].map((axes) => axes.map((axis) => dimensionOf(axis, rank))) as [
    number[],
    number[],
  ];
  if (from.length !== to.length)
    throw new ValueError(`${show(sources)} and ${show(targets)} differ in length.`);
  const order = [...Array(rank).keys()].filter((d) => !from.includes(d));
  for (const [target, source] of to
    .map((t, i): [number, number] => [t, from[i]!])
    .sort(([a], [b]) => a - b)) {
    order.splice(target, 0, source);
  }
  return order;
}

const swapped = (one: number, other: number, rank: number): number[] => {
  const [a, b] = [dimensionOf(one, rank), dimensionOf(other, rank)];
  return [...Array(rank).keys()].with(a, b).with(b, a);
};

/** What a permutation of dimensions is made of. */
const permuting = (
  orderOf: (given: Arguments<Shape> | Arguments<Tensor>, rank: number) => number[],
): Pick<OperationEntry, 'shape' | 'compute'> => ({
  shape: (given) => {
    const x = given.operand('x');
    return orderOf(given, x.length).map((d) => x[d]!);
  },
  compute: (given) => {
    const x = given.operand('x');
    return tf.transpose(x, orderOf(given, x.rank));
  },
});

function reshapedTo(x: Shape, target: Shape): Shape {
  const open = target.filter((size) => size === -1).length;
  if (open > 1) throw new ValueError(`${show(target)} leaves more than one size open.`);
  const known = sizeOf(x);
  const rest = target.reduce<number | null>(
    (product, size) => (product === null || size === null ? null : size === -1 ? product : product * size),
    1,
  );
  if (known !== null && rest !== null && (open === 0 ? known !== rest : rest === 0 || known % rest !== 0)) {
    throw new ValueError(`the shape ${show(x)} does not fit into ${show(target)}.`);
  }
  const left = known === null || rest === null ? null : known / rest;
  return target.map((size) => (size === -1 ? left : size));
}

/** Where `None` stands among sizes, Keras 3 cannot run the model itself. */
function withoutNone({ shape, ...values }: ForeignValues): ForeignValues {
  if (!(Array.isArray(shape) && shape.includes(null))) return { ...values, shape: shape! };
  throw new ValueError(
    `its shape is ${show(shape)}, and None among the sizes is what Keras cannot run. Write -1 there, or use ` +
      `keras.layers.Reshape or Flatten.`,
  );
}

/** How many parts there are, and how large each is. */
function partSizes(given: Arguments<Shape> | Arguments<Tensor>, size: number | null): number[] {
  const parts = given.integers('parts')!;
  if (given.isNumber('parts')) {
    const [count] = parts as [number];
    checkParts(count, size);
    if (size === null) return Array<number>(count).fill(-1);
    if (size % count !== 0) throw new ValueError(`${size} cannot be split into ${count} equal parts.`);
    return Array<number>(count).fill(size / count);
  }
  const known = parts.filter((part) => part >= 0).reduce((sum, part) => sum + part, 0);
  const open = parts.filter((part) => part < 0).length;
  if (open > 1 || (size !== null && (open === 0 ? known !== size : known > size))) {
    throw new ValueError(`${show(size)} cannot be split into ${show(parts)}.`);
  }
  return parts.map((part) => (part < 0 ? (size === null ? -1 : size - known) : part));
}

/** Outputs are made one by one, so there is a limit. */
const MOST_PARTS = 4096;

function checkParts(count: number, size: number | null): void {
  if (count >= 1 && count <= Math.min(MOST_PARTS, size ?? MOST_PARTS)) return;
  throw new ValueError(`${show(size)} cannot be split into ${count} parts.`);
}

/** Keras 3 says where the parts end, TensorFlow how large they are. The last part is what is left. */
const endsToSizes = (values: ForeignValues): ForeignValues => {
  if (!Array.isArray(values.parts)) return values;
  const ends = values.parts as number[];
  return { ...values, parts: [...ends.map((end, i) => end - (ends[i - 1] ?? 0)), -1] };
};

const sizesToEnds = (values: ForeignValues): ForeignValues => {
  if (!Array.isArray(values.parts)) return values;
  const sizes = (values.parts as number[]).slice(0, -1);
  if (sizes.some((size) => size < 0))
    throw new ValueError('it leaves the size of a part open, and Keras 3 only the last');
  let end = 0;
  return { ...values, parts: sizes.map((size) => (end += size)) };
};

/** Where values come from beyond the borders, mirrored. */
function mirrored(size: number, [before, after]: readonly [number, number], isSymmetric: boolean): number[] {
  const own = [...Array(size).keys()];
  const skipped = isSymmetric ? 0 : 1;
  if (Math.max(before, after) > size - skipped) {
    throw new ValueError(`it mirrors ${Math.max(before, after)} values at a border, and there are ${size}.`);
  }
  const left = own.slice(skipped, skipped + before).reverse();
  const right = own.toReversed().slice(skipped, skipped + after);
  return [...left, ...own, ...right];
}

/** Rows by their numbers, in another order or several times. */
const take = (x: Tensor, indices: readonly number[], dimension: number): Tensor =>
  gatherRows(x, tf.tensor1d([...indices], 'int32'), dimension);

const joined = (x: Shape, axis: number, count: number): Shape =>
  x.toSpliced(dimensionOf(axis, x.length + 1), 0, count);

const lowered = (values: ForeignValues): ForeignValues =>
  typeof values.mode === 'string' ? { ...values, mode: values.mode.toLowerCase() } : values;

function squeezed(shape: Shape, axes: readonly number[] | null): Shape {
  if (axes === null) return shape.filter((size) => size !== 1);
  const dimensions = dimensionsOf(axes, shape.length);
  if (dimensions.every((d) => shape[d] === 1 || shape[d] === null)) {
    return shape.filter((_, i) => !dimensions.includes(i));
  }
  throw new ValueError(
    `it takes out dimensions ${show(axes)} of ${show(shape)}, which are not all of size 1.`,
  );
}

/** A shape and repeats of the same length. */
function tiled(shape: Shape, repeats: readonly number[]): [Shape, number[]] {
  const rank = Math.max(shape.length, repeats.length);
  const filled = <T>(list: readonly T[]) => [...Array<1>(rank - list.length).fill(1), ...list];
  return [filled(shape), filled(repeats)];
}

function rolled(x: Tensor, shift: number, dimension: number): Tensor {
  const size = x.shape[dimension]!;
  const first = size === 0 ? 0 : ((shift % size) + size) % size;
  if (first === 0) return x;
  const [front, back] = tf.split(x, [size - first, first], dimension) as [Tensor, Tensor];
  return tf.concat([back, front], dimension);
}

/** Of one type, which TF.js asks for. */
function alike(tensors: Tensor[]): Tensor[] {
  return tensors.every(({ dtype }) => dtype === tensors[0]!.dtype)
    ? tensors
    : tensors.map((x) => tf.cast(x, 'float32'));
}

/** What TensorFlow takes where a file says nothing, or None. */
const ONE_HOT = { axis: -1, dtype: 'float32', on: 1, off: 0 };

export const ARRANGEMENT: Readonly<Record<string, OperationEntry>> = {
  reshape: {
    parameters: { x: OPERAND, shape: SHAPE },
    ...tfKeras('reshape', 'x shape'),
    ...keras3('numpy.Reshape', 'x', 'newshape=shape', { read: withoutNone }),
    shape: (given) => reshapedTo(given.operand('x'), targetShape(given, 'shape')),
    compute: (given) => tf.reshape(given.operand('x'), runtimeShape(given, 'shape')),
  },
  batch_flatten: {
    parameters: { x: OPERAND },
    ...tfKeras('keras.backend.batch_flatten', 'x'),
    shape: (given) => {
      const x = given.operand('x');
      return [x[0] ?? null, sizeOf(x.slice(1))];
    },
    compute: (given) => {
      const x = given.operand('x');
      return tf.reshape(x, [x.shape[0], -1]);
    },
  },
  ravel: {
    parameters: { x: OPERAND },
    ...keras3('numpy.Ravel', 'x'),
    shape: (given) => [sizeOf(given.operand('x'))],
    compute: (given) => tf.reshape(given.operand('x'), [-1]),
  },
  transpose: {
    parameters: { x: OPERAND, axes: AXES },
    ...tfKeras('transpose', 'x perm=axes'),
    ...keras3('numpy.Transpose', 'x', 'axes'),
    ...permuting((given, rank) => permutation(given.integers('axes'), rank)),
  },
  swapaxes: {
    parameters: { x: OPERAND, first: INTEGER, second: INTEGER },
    ...keras3('numpy.Swapaxes', 'x', 'axis1=first axis2=second'),
    ...permuting((given, rank) => swapped(given.number('first'), given.number('second'), rank)),
  },
  moveaxis: {
    parameters: { x: OPERAND, source: INTEGERS, destination: INTEGERS },
    ...keras3('numpy.Moveaxis', 'x', 'source destination'),
    ...permuting((given, rank) => moved(given.integers('source')!, given.integers('destination')!, rank)),
  },
  expand_dims: {
    parameters: { x: OPERAND, axis: INTEGERS },
    ...tfKeras('expand_dims', 'x axis dim=axis'),
    ...keras3('numpy.ExpandDims', 'x', 'axis'),
    shape: (given) => {
      const x = given.operand('x');
      const axes = given.integers('axis')!;
      const dimensions = dimensionsOf(axes, x.length + axes.length);
      return dimensions.reduce<Shape>((shape, d) => shape.toSpliced(d, 0, 1), x);
    },
    compute: (given) => {
      const x = given.operand('x');
      const axes = given.integers('axis')!;
      const dimensions = dimensionsOf(axes, x.rank + axes.length);
      return tf.reshape(
        x,
        dimensions.reduce<number[]>((shape, d) => shape.toSpliced(d, 0, 1), x.shape),
      );
    },
  },
  squeeze: {
    parameters: { x: OPERAND, axis: AXES },
    ...tfKeras('squeeze', 'x axis squeeze_dims=axis'),
    ...keras3('numpy.Squeeze', 'x', 'axis'),
    shape: (given) => squeezed(given.operand('x'), given.integers('axis')),
    compute: (given) => {
      const x = given.operand('x');
      return tf.reshape(x, squeezed(x.shape, given.integers('axis')) as number[]);
    },
  },
  concatenate: {
    parameters: { tensors: OPERANDS, axis: optional(INTEGER, -1) },
    ...tfKeras('concat', 'tensors axis'),
    ...keras3('numpy.Concatenate', 'tensors', 'axis'),
    shape: (given) => {
      const shapes = given.operands('tensors');
      const dimension = dimensionOf(given.number('axis'), shapes[0]!.length);
      const total = shapes.reduce<number | null>(
        (sum, shape) => (sum === null || shape[dimension] == null ? null : sum + shape[dimension]),
        0,
      );
      const others = broadcastShapes(...shapes.map((shape) => withSize(shape, dimension, 1)));
      return withSize(others, dimension, total);
    },
    compute: (given) => {
      const tensors = given.operands('tensors');
      return tf.concat(alike(tensors), dimensionOf(given.number('axis'), tensors[0]!.rank));
    },
  },
  stack: {
    parameters: { tensors: OPERANDS, axis: optional(INTEGER, 0) },
    ...tfKeras('stack', 'tensors axis'),
    ...keras3('numpy.Stack', 'tensors', 'axis'),
    shape: (given) => {
      const shapes = given.operands('tensors');
      return joined(broadcastShapes(...shapes), given.number('axis'), shapes.length);
    },
    compute: (given) => {
      const tensors = given.operands('tensors');
      return tf.stack(alike(tensors), dimensionOf(given.number('axis'), tensors[0]!.rank + 1));
    },
  },
  unstack: {
    parameters: { x: OPERAND, axis: optional(INTEGER, 0), num: optional(COUNT, null) },
    ...tfKeras('unstack', 'x axis num'),
    ...keras3('core.Unstack', 'x', 'num axis'),
    shape: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.length);
      const count = x[dimension] ?? given.numberOrNull('num');
      if (count === null) throw new ValueError('it takes apart a dimension whose size is open.');
      checkParts(count, count);
      return Array.from({ length: count }, () => x.toSpliced(dimension, 1));
    },
    compute: (given) => tf.unstack(given.operand('x'), given.number('axis')),
  },
  split: {
    parameters: { x: OPERAND, parts: INTEGERS, axis: optional(INTEGER, 0) },
    ...tfKeras('split', 'x num_or_size_splits=parts axis -num'),
    ...keras3('numpy.Split', 'x', 'indices_or_sections=parts axis', {
      read: endsToSizes,
      write: sizesToEnds,
    }),
    shape: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.length);
      return partSizes(given, x[dimension]!).map((size) => withSize(x, dimension, size < 0 ? null : size));
    },
    compute: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.rank);
      return tf.split(x, partSizes(given, x.shape[dimension]!), dimension);
    },
  },
  tile: {
    parameters: { x: OPERAND, repeats: SIZES },
    ...tfKeras('tile', 'x multiples=repeats'),
    ...keras3('numpy.Tile', 'x', 'repeats'),
    shape: (given) => {
      const [x, repeats] = tiled(given.operand('x'), given.integers('repeats')!);
      return x.map((size, i) => (size === null ? null : size * repeats[i]!));
    },
    compute: (given) => {
      const x = given.operand('x');
      const [shape, repeats] = tiled(x.shape, given.integers('repeats')!);
      return repeats.reduce(
        (result, times, dimension) => repeatAlong(result, dimension, times, true),
        tf.reshape(x, shape as number[]),
      );
    },
  },
  repeat: {
    parameters: { x: OPERAND, repeats: SIZES, axis: INTEGER },
    ...tfKeras('repeat', 'x repeats axis'),
    ...keras3('numpy.Repeat', 'x', 'repeats axis'),
    shape: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.length);
      const repeats = given.integers('repeats')!;
      const size = x[dimension] ?? null;
      if (repeats.length > 1)
        return withSize(
          x,
          dimension,
          repeats.reduce((a, b) => a + b, 0),
        );
      const total = size === null ? null : size * repeats[0]!;
      return withSize(x, dimension, total);
    },
    compute: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.rank);
      const repeats = given.integers('repeats')!;
      if (repeats.length === 1) return repeatAlong(x, dimension, repeats[0]!, false);
      return take(
        x,
        repeats.flatMap((times, i) => Array<number>(times).fill(i)),
        dimension,
      );
    },
  },
  broadcast_to: {
    parameters: { x: OPERAND, shape: SHAPE },
    ...tfKeras('broadcast_to', 'x shape'),
    ...keras3('numpy.BroadcastTo', 'x', 'shape', { read: withoutNone }),
    shape: (given) => {
      const target = targetShape(given, 'shape');
      broadcastShapes(given.operand('x'), target);
      return target;
    },
    compute: (given) => spread(given.operand('x'), runtimeShape(given, 'shape')),
  },
  pad: {
    parameters: {
      x: OPERAND,
      padding: PAIRS,
      mode: word(['constant', 'reflect', 'symmetric'], 'constant'),
      value: optional(NUMBER, 0),
    },
    ...tfKeras('pad', 'x paddings=padding mode constant_values=value', { read: lowered }),
    ...keras3('numpy.Pad', 'x constant_values=value', 'pad_width=padding mode', {
      read: ({ value, ...values }) => ({ ...values, value: value ?? 0 }),
      // A mode that mirrors takes no value.
      write: ({ value, ...values }) => ({ ...values, value: values.mode === 'constant' ? value! : null }),
    }),
    shape: (given) => {
      const padding = given.pairs('padding');
      const x = given.operand('x');
      if (padding.length !== x.length)
        throw new ValueError(`it pads ${padding.length} dimensions of ${x.length}.`);
      return x.map((size, i) => (size === null ? null : size + padding[i]![0] + padding[i]![1]));
    },
    compute: (given) => {
      const [x, padding, mode] = [given.operand('x'), given.pairs('padding'), given.word('mode')];
      if (mode === 'constant') return tf.pad(x, padding, given.number('value'));
      return padding.reduce(
        (result, [before, after], d) =>
          before + after === 0
            ? result
            : take(result, mirrored(x.shape[d]!, [before, after], mode === 'symmetric'), d),
        x,
      );
    },
  },
  flip: {
    parameters: { x: OPERAND, axis: AXES },
    ...tfKeras('reverse', 'x axis'),
    ...keras3('numpy.Flip', 'x', 'axis'),
    shape: (given) => given.operand('x'),
    compute: (given) => {
      const x = given.operand('x');
      return tf.reverse(x, dimensionsOf(given.integers('axis'), x.rank));
    },
  },
  roll: {
    parameters: { x: OPERAND, shift: INTEGERS, axis: INTEGERS },
    ...tfKeras('roll', 'x shift axis'),
    ...keras3('numpy.Roll', 'x', 'shift axis'),
    shape: (given) => given.operand('x'),
    compute: (given) => {
      const x = given.operand('x');
      const [shifts, axes] = [given.integers('shift')!, given.integers('axis')!];
      return axes.reduce(
        (result, axis, i) => rolled(result, shifts[i] ?? shifts[0]!, dimensionOf(axis, x.rank)),
        x,
      );
    },
  },
  shape: {
    type: 'int32',
    parameters: { x: OPERAND },
    ...tfKeras('shape', 'x -out_type'),
    shape: (given) => [given.operand('x').length],
    compute: (given) => {
      const x = given.operand('x');
      return withoutGradient([x], () => tf.tensor1d(x.shape, 'int32'));
    },
  },
  take: {
    parameters: { x: OPERAND, indices: ROWS, axis: INTEGER },
    ...tfKeras('gather', 'x indices axis batch_dims -validate_indices', {
      read({ batch_dims: batch = 0, ...values }) {
        if (batch === 0) return { ...values, axis: values.axis ?? 0 };
        throw new ValueError(`its batch_dims is ${show(batch)}, and only 0 is here. ${REPLACE_ADVICE}`);
      },
      write: (values) => values,
    }),
    ...keras3('numpy.Take', 'x indices', 'axis'),
    shape: (given) => {
      const x = given.operand('x');
      return x.toSpliced(dimensionOf(given.number('axis'), x.length), 1, ...given.operand('indices'));
    },
    compute: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.rank);
      const indices = given.operand('indices');
      const size = x.shape[dimension]!;
      const whole = withoutGradient([indices], () => {
        const numbers = tf.cast(indices, 'int32');
        return tf.where(tf.less(numbers, 0), tf.add(numbers, tf.scalar(size, 'int32')), numbers);
      });
      return gatherRows(x, tf.cast(whole, 'int32'), dimension);
    },
  },
  one_hot: {
    parameters: {
      x: OPERAND,
      depth: COUNT,
      axis: optional(INTEGER, -1),
      dtype: optional(TYPE, 'float32'),
      on: optional(NUMBER, 1),
      off: optional(NUMBER, 0),
    },
    ...tfKeras('one_hot', 'x depth on_value=on off_value=off axis dtype', {
      read: (values) => ({
        ...values,
        ...Object.fromEntries(
          Object.entries(ONE_HOT).map(([name, byDefault]): [string, Json] => [
            name,
            values[name] ?? byDefault,
          ]),
        ),
      }),
    }),
    ...keras3('nn.OneHot', 'x', 'num_classes=depth axis dtype -sparse'),
    shape: (given) => joined(given.operand('x'), given.number('axis'), given.number('depth')),
    compute: (given) => {
      const x = given.operand('x');
      const dimension = dimensionOf(given.number('axis'), x.rank + 1);
      return withoutGradient([x], () => {
        const flat = tf.reshape(tf.cast(x, 'int32'), [-1]);
        const hot = tf.oneHot(flat, given.number('depth'), given.number('on'), given.number('off'));
        const shaped = tf.reshape(hot, [...x.shape, given.number('depth')]);
        const order = [...Array(x.rank).keys()].toSpliced(dimension, 0, x.rank);
        return tf.cast(tf.transpose(shaped, order), given.type('dtype')!);
      });
    },
  },
};
