/** @file Makes the arrays of a file fit a model's inputs, or says why they do not. */
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { show } from '../text/show.js';
import type { NumberArray } from './elements.js';
import { type NamedArrays, readData } from './read-data.js';

export interface DataSettings {
  readonly data?: string;
  readonly array?: string;
  readonly divideBy?: number;
}

export interface BatchSettings {
  readonly batchSize?: number;
  readonly batches?: number;
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

/** Samples for every input of a model. */
export class FittedData {
  constructor(
    private readonly inputs: readonly FittedInput[],
    readonly samples: number,
    private readonly divideBy: number,
  ) {}

  /** How many batches there are, and a way to go through them, as often as one likes. */
  inBatches({ batchSize = DEFAULT_BATCH_SIZE, batches = Infinity }: BatchSettings): {
    readonly count: number;
    readonly open: () => Generator<Tensor[]>;
  } {
    const count = Math.min(batches, Math.ceil(this.samples / batchSize));
    const take = (start: number) => this.tensors(start, Math.min(this.samples, start + batchSize));
    return {
      count,
      *open() {
        for (let i = 0; i < count; i++) yield take(i * batchSize);
      },
    };
  }

  /** A tensor for each input, of the samples from `start` to before `end`. */
  tensors(start: number, end: number): Tensor[] {
    return this.inputs.map(({ values, shape, type }) => {
      const size = shape.reduce((product, one) => product * one, 1);
      const part = values.subarray(start * size, end * size);
      const numbers = ARRAYS[type].from(part);
      const { divideBy } = this;
      if (divideBy !== 1) for (let i = 0; i < numbers.length; i++) numbers[i] = part[i]! / divideBy;
      return tensor(numbers, [end - start, ...shape], type);
    });
  }
}

/**
 * Reads a file for a model.
 *
 * @throws ValueError where the file cannot be read, an input has no array in it, several could be meant, or a shape does
 *   not fit
 */
export async function openData(
  model: LayersModel,
  path: string,
  { array, divideBy = 1 }: DataSettings,
): Promise<FittedData> {
  return fitData(model, await readData(path), { path, array, divideBy });
}

interface FitSettings {
  /** The file, for messages. */
  readonly path: string;
  /** Which array of a file that holds several, for a model of one input. */
  readonly array: string | undefined;
  /** What every number is divided by. */
  readonly divideBy: number;
}

function fitData(model: LayersModel, arrays: NamedArrays, settings: FitSettings): FittedData {
  // Not model.inputNames, which is empty in a sequential model.
  const names = model.inputs.map(({ sourceLayer }) => sourceLayer.name);
  const chosen = names.map((name, i) => choose(name, i, names.length, arrays, settings));
  const inputs = model.inputs.map(({ shape, dtype }, i): FittedInput => {
    const [name, array] = chosen[i]!;
    const fitted = fitShape(array.shape, shape);
    if (fitted === null) throw new ValueError(misfit(settings.path, name, array.shape, names[i]!, shape));
    const type = dtype === 'int32' || dtype === 'bool' ? dtype : 'float32';
    return { values: array.values, shape: fitted, type };
  });
  const counts = chosen.map(([, { shape }]) => shape[0]!);
  const samples = counts[0]!;
  if (counts.some((count) => count !== samples)) {
    const list = chosen.map(([name], i) => `'${name}' ${counts[i]!}`).join(', ');
    throw new ValueError(`${settings.path}: the arrays have different numbers of samples: ${list}.`);
  }
  if (samples === 0) throw new ValueError(`${settings.path} holds no samples.`);
  return new FittedData(inputs, samples, settings.divideBy);
}

function choose(
  input: string,
  index: number,
  inputs: number,
  arrays: NamedArrays,
  { path, array: wanted }: FitSettings,
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
  // numpy.savez calls arr_0, arr_1, … what is given no name.
  const found = named(input) ?? only ?? named(`arr_${index}`);
  if (found) return found;
  throw new ValueError(
    `${arrays.has('') ? `${path} holds a single array` : held}, and the model's input ${show(input)} finds none of its name. ` +
      (inputs === 1
        ? 'Say which one by --array.'
        : 'Save an .npz in which the arrays are named as the inputs.'),
  );
}

/** Whether a shape can stand where the model wants another; a free dimension takes any. */
const fits = (shape: readonly number[], wanted: Shape): boolean =>
  shape.length === wanted.length && shape.every((size, d) => wanted[d] === null || wanted[d] === size);

/**
 * The shape of a sample as the model wants it, null where the data cannot be seen so. Missing are at most a dimension of
 * size 1, as the channel of grey images, or the flattening before a dense layer.
 */
function fitShape([, ...sample]: readonly number[], [, ...wanted]: Shape): readonly number[] | null {
  if (fits(sample, wanted)) return sample;
  // The last first: that is where a channel usually is.
  const ones = [...wanted.keys()].filter((d) => wanted[d] === 1).reverse();
  for (const d of ones) {
    const widened = sample.toSpliced(d, 0, 1);
    if (fits(widened, wanted)) return widened;
  }
  const size = sample.reduce((product, one) => product * one, 1);
  return wanted.length === 1 && wanted[0] === size ? [size] : null;
}

function misfit(path: string, name: string, shape: readonly number[], input: string, wanted: Shape): string {
  const what = name === '' ? path : `${path}: the array ${show(name)}`;
  const [, ...sample] = shape;
  const turned = wanted.length > 2 && fits([sample.at(-1)!, ...sample.slice(0, -1)], wanted.slice(1));
  const other = wanted.length > 2 && fits([...sample.slice(1), sample[0]!], wanted.slice(1));
  const cure = turned
    ? 'The data has its channels last, the model first: save numpy.moveaxis(x, -1, 1).'
    : other
      ? 'The data has its channels first, the model last: save numpy.moveaxis(x, 1, -1).'
      : 'The first dimension counts samples; null takes any size.';
  return `${what} has shape ${show(shape)}, the model's input ${show(input)} takes ${show(wanted)}. ${cure}`;
}
