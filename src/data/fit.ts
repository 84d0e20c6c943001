/** @file Makes the arrays of a file fit a model's inputs, or says why they do not. */
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type NumberArray, sizeOf } from './elements.js';
import type { DataFile } from './read-arrays.js';

export interface FitOptions {
  /** Which array of a file that holds several, for a model of one input. */
  readonly array?: string | undefined;
  /** What every number is divided by, such as 255 for pixels from 0 to 1. Default 1. */
  readonly divideBy?: number | undefined;
}

export interface BatchOptions {
  /** Samples per batch. Default 32. */
  readonly batchSize?: number | undefined;
  /** How many batches at most. Default: all that there are. */
  readonly batches?: number | undefined;
}

const DEFAULT_BATCH_SIZE = 32;

type Shape = readonly (number | null)[];

/** One input's samples, as the model takes them. */
interface FittedInput {
  readonly values: NumberArray['values'];
  /** Of one sample. */
  readonly shape: readonly number[];
  readonly type: keyof typeof ARRAYS;
}

/** What TF.js takes the numbers of a tensor in. */
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Batches that can be gone through as often as one likes. Each is made when it is asked for, and is the caller's. */
export interface FittedBatches extends Iterable<Tensor[]> {
  readonly length: number;
}

/** Samples for every input of a model. */
export class FittedData {
  constructor(
    private readonly inputs: readonly FittedInput[],
    /** How many there are. */
    readonly samples: number,
    private readonly divideBy: number,
  ) {}

  /** @throws ValueError for a size or a number that is not a whole number, at least 1 */
  inBatches({ batchSize, batches }: BatchOptions = {}): FittedBatches {
    const size = atLeastOne('batchSize', batchSize) ?? DEFAULT_BATCH_SIZE;
    const most = atLeastOne('batches', batches) ?? Infinity;
    const length = Math.min(most, Math.ceil(this.samples / size));
    const take = (start: number) => this.tensors(start, Math.min(this.samples, start + size));
    return {
      length,
      *[Symbol.iterator]() {
        for (let i = 0; i < length; i++) yield take(i * size);
      },
    };
  }

  /** A tensor for each input, of the samples from `start` to before `end`. */
  tensors(start = 0, end = this.samples): Tensor[] {
    const { divideBy } = this;
    return this.inputs.map(({ values, shape, type }) => {
      const size = sizeOf(shape);
      const part = values.subarray(start * size, end * size);
      const numbers = ARRAYS[type].from(part);
      if (divideBy !== 1) for (let i = 0; i < numbers.length; i++) numbers[i] = part[i]! / divideBy;
      return tensor(numbers, [end - start, ...shape], type);
    });
  }
}

function atLeastOne(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= 1)) return value;
  throw new ValueError(`${name}: expected a whole number, at least 1, received ${show(value)}.`);
}

/**
 * Makes the arrays of a file fit the inputs of a model. A model of one input takes the only array, or the one that is
 * asked for; one of several takes those of their names, or `arr_0`, `arr_1`, … in their order, as numpy.savez calls
 * arrays without a name. The first dimension counts samples. A sample's shape must be the input's, but for one dimension
 * of size 1, such as the channel of grey images, or the flattening before a dense layer.
 *
 * @throws ValueError where an input has no array, several could be meant, a shape does not fit, or an input takes whole
 *   numbers and would get others
 */
export function fitData(
  model: LayersModel,
  file: DataFile,
  { array, divideBy = 1 }: FitOptions = {},
): FittedData {
  if (!Number.isFinite(divideBy) || divideBy === 0) {
    throw new ValueError(
      `divideBy: expected a number other than 0, such as 255, received ${show(divideBy)}.`,
    );
  }
  // Not model.inputNames, which is empty in a sequential model.
  const names = model.inputs.map(({ sourceLayer }) => sourceLayer.name);
  const chosen = names.map((name, i) => choose(name, i, names.length, file, array));
  const inputs = model.inputs.map(({ shape, dtype }, i): FittedInput => {
    const [name, { shape: given, values }] = chosen[i]!;
    const fitted = fitShape(given, shape);
    if (fitted === null) throw new ValueError(misfit(file.name, name, given, names[i]!, shape));
    const type = dtype === 'int32' || dtype === 'bool' ? dtype : 'float32';
    if (type !== 'float32') checkWhole(values, type, names[i]!, describeArray(file.name, name), divideBy);
    return { values, shape: fitted, type };
  });
  const counts = chosen.map(([, { shape }]) => shape[0]!);
  const samples = counts[0]!;
  if (counts.some((count) => count !== samples)) {
    const list = chosen.map(([name], i) => `'${name}' ${counts[i]!}`).join(', ');
    throw new ValueError(`${file.name}: the arrays have different numbers of samples: ${list}.`);
  }
  if (samples === 0) throw new ValueError(`${file.name} holds no samples.`);
  return new FittedData(inputs, samples, divideBy);
}

function choose(
  input: string,
  index: number,
  inputs: number,
  { name: path, arrays }: DataFile,
  wanted: string | undefined,
): readonly [string, NumberArray] {
  const held = `${path} holds ${[...arrays.keys()].map((name) => show(name)).join(', ')}`;
  const named = (name: string) => {
    const found = arrays.get(name);
    return found && ([name, found] as const);
  };
  if (wanted !== undefined) {
    const found = inputs === 1 ? named(wanted) : undefined;
    if (found) return found;
    throw new ValueError(
      inputs === 1
        ? `There is no array ${show(wanted)}: ${held}.`
        : `The model has ${inputs} inputs, so one array is not enough: name the arrays as the inputs.`,
    );
  }
  const only = inputs === 1 && arrays.size === 1 ? [...arrays][0] : undefined;
  const found = named(input) ?? only ?? named(`arr_${index}`);
  if (found) return found;
  throw new ValueError(
    `${arrays.has('') ? `${path} holds a single array` : held}, and the model's input ${show(input)} finds none of its name. ` +
      (inputs === 1
        ? 'Say which one by --array.'
        : 'Save an .npz in which the arrays are named as the inputs.'),
  );
}

/** Whether a shape can stand where the model takes another; a free dimension takes any. */
const fits = (shape: readonly number[], wanted: Shape): boolean =>
  shape.length === wanted.length && shape.every((size, d) => wanted[d] === null || wanted[d] === size);

/** The shape of a sample as the model takes it, null where the data cannot have it. */
function fitShape([, ...sample]: readonly number[], [, ...wanted]: Shape): readonly number[] | null {
  if (fits(sample, wanted)) return sample;
  // The last first: that is where a channel usually is.
  const ones = [...wanted.keys()].filter((d) => wanted[d] === 1).reverse();
  for (const d of ones) {
    const widened = sample.toSpliced(d, 0, 1);
    if (fits(widened, wanted)) return widened;
  }
  const size = sizeOf(sample);
  return wanted.length === 1 && wanted[0] === size ? [size] : null;
}

const describeArray = (path: string, name: string) =>
  name === '' ? path : `${path}: the array ${show(name)}`;

function misfit(path: string, name: string, shape: readonly number[], input: string, wanted: Shape): string {
  const [, ...sample] = shape;
  const turned = wanted.length > 2 && fits([sample.at(-1)!, ...sample.slice(0, -1)], wanted.slice(1));
  const other = wanted.length > 2 && fits([...sample.slice(1), sample[0]!], wanted.slice(1));
  const cure = turned
    ? 'The data has its channels last, the model first: save numpy.moveaxis(x, -1, 1).'
    : other
      ? 'The data has its channels first, the model last: save numpy.moveaxis(x, 1, -1).'
      : 'The first dimension counts samples; null takes any size.';
  return (
    `${describeArray(path, name)} has shape ${show(shape)}, the model's input ${show(input)} takes ` +
    `${show(wanted)}. ${cure}`
  );
}

/** What an input of whole numbers can hold, in words. */
const WHOLE = { int32: 'whole numbers of 32 bits, such as tokens', bool: '0 and 1' } as const;

/** @throws ValueError where values would be other numbers in the tensor that the model gets */
function checkWhole(
  values: NumberArray['values'],
  type: keyof typeof WHOLE,
  input: string,
  what: string,
  divideBy: number,
): void {
  if (divideBy !== 1) {
    throw new ValueError(
      `The model's input ${show(input)} takes ${WHOLE[type]}, which must not be divided (--divide-by ${divideBy}). ` +
        'Leave that out; where another input needs it, divide that array before it is saved.',
    );
  }
  const one = new ARRAYS[type](1);
  for (let i = 0; i < values.length; i++) {
    one[0] = values[i]!;
    if (one[0] === values[i] && (type === 'int32' || one[0] <= 1)) continue;
    throw new ValueError(
      `${what} holds ${values[i]!}, the model's input ${show(input)} takes ${WHOLE[type]}.`,
    );
  }
}
