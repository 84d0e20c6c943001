/** @file Data for a model from files: NumPy's arrays (.npy), or IDX images. */
import { type Tensor, dispose, tensor } from '@tensorflow/tfjs-core';
import { parse } from 'npyjs';
import { SIDE } from '../../shared/digits.js';
import { DataError } from '../../demo/errors.js';
import { type NamedBytes, contentOf, parseIdx } from '../../demo/idx.js';
import { unpack } from '../training/dropped-files.js';
import { messageOf } from '../../src/text/refusal.js';

const EXPECTED =
  'Drop one .npy file for each of the model’s inputs, in the order of their names, or IDX images, as MNIST is published.';

interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const sizeOf = (shape: readonly (number | null)[]): number =>
  shape.reduce<number>((product, size) => product * (size ?? 1), 1);

const showShape = (shape: readonly (number | null)[]): string => `[${shape.map(String).join(', ')}]`;

const isNpy = ({ bytes }: NamedBytes): boolean =>
  [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59].every((byte, i) => bytes[i] === byte);

function readNpy({ name, bytes }: NamedBytes): Values {
  let array;
  try {
    array = parse(bytes.slice().buffer);
  } catch (error) {
    throw new DataError(
      `${name} cannot be read (${messageOf(error)}): it is damaged, or of a type not known here.`,
    );
  }
  const { data, shape, dtype, fortranOrder } = array;
  if (!ArrayBuffer.isView(data) || dtype.startsWith('c')) {
    throw new DataError(`${name} holds elements of type ${dtype}; numbers are expected. Save it as float32.`);
  }
  if (fortranOrder) {
    throw new DataError(`${name} is stored column by column. Save np.ascontiguousarray(…) of it.`);
  }
  const values = Float32Array.from(data as unknown as ArrayLike<number | bigint>, Number);
  if (values.length !== sizeOf(shape)) {
    throw new DataError(
      `${name} holds ${values.length} elements; its header announces the shape ${showShape(shape)}. It is damaged.`,
    );
  }
  return { shape, values };
}

/** Pixels as they are most often given to models: from 0 to 1, with one channel. */
function readImages(file: NamedBytes): Values {
  const { count, elements } = parseIdx(file, 'images');
  return { shape: [count, SIDE, SIDE, 1], values: Float32Array.from(elements, (byte) => byte / 255) };
}

function read(file: NamedBytes): Values {
  if (isNpy(file)) return readNpy(file);
  if (contentOf(file) === 'images') return readImages(file);
  throw new DataError(`${file.name} is neither a .npy file nor IDX images. ${EXPECTED}`);
}

/** The values in the shape of an input: as they are, or, where only the dimensions differ, as many numbers a sample. */
function fit(name: string, { shape, values }: Values, input: readonly (number | null)[]): Tensor {
  const [samples = 1, ...sample] = shape;
  const wanted = input.slice(1);
  const isSame =
    sample.length === wanted.length && wanted.every((size, i) => size === null || size === sample[i]);
  if (isSame) return tensor(values, [...shape]);
  if (!wanted.includes(null) && sizeOf(wanted) === sizeOf(sample)) {
    return tensor(values, [samples, ...(wanted as number[])]);
  }
  throw new DataError(
    `${name} has the shape ${showShape(shape)}; the model takes ${showShape(input)}, the first dimension being the samples.`,
  );
}

/**
 * A tensor for each input of a model.
 *
 * @param inputs their shapes
 * @throws DataError for files that are damaged, hold something else, or do not fit
 */
export async function readData(
  dropped: readonly File[],
  inputs: readonly (readonly (number | null)[])[],
): Promise<Tensor[]> {
  const files = (await Promise.all(dropped.map(unpack))).sort((a, b) => a.name.localeCompare(b.name));
  if (files.length !== inputs.length) {
    throw new DataError(
      `The model has ${inputs.length} input${inputs.length === 1 ? '' : 's'}, received ${files.length} files. ${EXPECTED}`,
    );
  }
  const made: Tensor[] = [];
  try {
    files.forEach((file, i) => made.push(fit(file.name, read(file), inputs[i]!)));
    return made;
  } catch (error) {
    dispose(made);
    throw error;
  }
}
