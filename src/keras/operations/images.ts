/** @file Operations on images: another size, blocks that become channels. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { INTERPOLATIONS, type Interpolation, resizeImages, workOfResize } from '../layers/resize.js';
import { REPLACE_ADVICE } from '../setting-values.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { float } from './elementwise.js';
import { type ForeignValues, type OperationEntry, keras3, tfKeras } from './entry.js';
import { COUNT, KEEPDIMS, OPERAND, SIZES, word } from './parameters.js';
import type { Shape } from './shapes.js';

function channelsLast({ data_format: format, ...values }: ForeignValues): ForeignValues {
  if (format == null || format === 'NHWC' || format === 'channels_last') return values;
  throw new ValueError(
    `its data_format is ${show(format)}, and TF.js has only channels_last. ${REPLACE_ADVICE}`,
  );
}

/** The shape of images whose blocks become channels (−1), or the other way (1). */
function blocks(shape: Shape, size: number, direction: 1 | -1): Shape {
  const [batch = null, height = null, width = null, depth = null] = shape;
  const scaled = (one: number | null, times: number, by: number) => {
    if (one === null) return null;
    if (shape.length === 4 && Number.isInteger((one * times) / by)) return (one * times) / by;
    throw new ValueError(`the shape ${show(shape)} cannot be divided into blocks of ${size}.`);
  };
  const [times, by] = direction === 1 ? [size, 1] : [1, size];
  return [batch, scaled(height, times, by), scaled(width, times, by), scaled(depth, by ** 2, times ** 2)];
}

export const IMAGES: Readonly<Record<string, OperationEntry>> = {
  resize: {
    type: 'float32',
    parameters: {
      x: OPERAND,
      size: SIZES,
      interpolation: word(INTERPOLATIONS, 'bilinear'),
      antialias: KEEPDIMS,
    },
    ...tfKeras('image.resize', 'x size method=interpolation antialias'),
    ...keras3('image.Resize', 'x', 'size interpolation antialias data_format -fill_mode -fill_value', {
      read: channelsLast,
    }),
    shape: (given) => {
      const [batch = null, , , channels = null, ...others] = given.operand('x');
      const [height, width, ...more] = given.integers('size')!;
      if (given.operand('x').length === 4 && width !== undefined && others.length + more.length === 0) {
        return [batch, height!, width, channels];
      }
      throw new ValueError(`it resizes ${show(given.operand('x'))} to ${show(given.integers('size'))}.`);
    },
    work: (given, output) =>
      workOfResize(given.operand('x'), output, given.word('interpolation') as Interpolation),
    compute: (given) =>
      resizeImages(
        float(given.operand('x')) as Tensor4D,
        given.integers('size') as [number, number],
        given.word('interpolation') as Interpolation,
        given.flag('antialias'),
      ),
  },
  space_to_depth: {
    parameters: { x: OPERAND, size: COUNT },
    ...tfKeras('nn.space_to_depth', 'x block_size=size data_format', { read: channelsLast }),
    ...keras3('nn.SpaceToDepth', 'x', 'block_size=size data_format', { read: channelsLast }),
    shape: (given) => blocks(given.operand('x'), given.number('size'), -1),
    compute: (given) => {
      const [x, size] = [given.operand('x'), given.number('size')];
      const [batch, height, width, depth] = x.shape as [number, number, number, number];
      const [rows, columns] = [height / size, width / size];
      const parts = tf.transpose(
        tf.reshape(x, [batch, rows, size, columns, size, depth]),
        [0, 1, 3, 2, 4, 5],
      );
      return tf.reshape(parts, [batch, rows, columns, size * size * depth]);
    },
  },
  depth_to_space: {
    parameters: { x: OPERAND, size: COUNT },
    ...tfKeras('nn.depth_to_space', 'x block_size=size data_format', { read: channelsLast }),
    ...keras3('nn.DepthToSpace', 'x', 'block_size=size data_format', { read: channelsLast }),
    shape: (given) => blocks(given.operand('x'), given.number('size'), 1),
    compute: (given) => {
      const [x, size] = [given.operand('x'), given.number('size')];
      const [batch, height, width, depth] = x.shape as [number, number, number, number];
      const parts = tf.reshape(x, [batch, height, width, size, size, depth / size ** 2]);
      return tf.reshape(tf.transpose(parts, [0, 1, 3, 2, 4, 5]), [
        batch,
        height * size,
        width * size,
        depth / size ** 2,
      ]);
    },
  },
};
