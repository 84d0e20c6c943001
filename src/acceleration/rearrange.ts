/**
 * @file What only moves numbers, on wasm: slices, parts, joins, repetitions, reversals and transpositions. TF.js (4.22)
 * copies the whole of a tensor before it slices it (`Slice`, `SplitV` and `Unpack`, of which recurrent layers have many),
 * copies short rows one by one in JavaScript, and takes `Tile`, `Reverse` and many a `Transpose` number by number, each
 * with a list of indices (tensorflow/tfjs:tfjs-backend-wasm/src/kernels/Slice.ts, src/cc/kernels/Tile.cc). One kernel of
 * our own does all of them. In milliseconds on one core of an AMD EPYC:
 *
 *   Unpack of 32×128×256 along axis 1       183 → 1.0     Transpose of 25,088×64                     8.2 → 0.25
 *   SplitV of 1568×512 in four columns      2.3 → 0.12    Transpose of 32×128×256 by 0, 2, 1         2.7 → 0.14
 *   Slice of 32×28×28×64, half of it        1.7 → 0.10    Transpose of 32×28×28×64 by 3, 1, 2, 0     4.8 → 0.94
 *   Concat of two of these, last axis       3.8 → 0.55    Transpose of 8×16×16×16×32 by 4, 1, 2, 3, 0  58 → 1.7
 *   Tile of 64 to 32×28×28×64                87 → 0.15    Reverse of 32×128×256 along axis 1          23 → 0.09
 *
 * It can go when theirs work in place, row by row.
 */
import {
  type KernelConfig,
  type KernelFunc,
  type Tensor,
  type TensorInfo,
  backend_util,
  cast,
  reverse,
  slice_util,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { type WasmAccess, accessWasm } from './wasm-kernels.js';

/** One dimension of what is copied: its size, and how many numbers lie between neighbours in x and in y. */
interface Dimension {
  readonly size: number;
  readonly xStep: number;
  readonly yStep: number;
}

/** Bytes of the kernel's table, which has two dimensions at least. */
const tableBytes = (dimensions: number) => 12 * Math.max(dimensions, 2);

/** y[yFirst + Σ index·yStep] = x[xFirst + Σ index·xStep], for every index of the dimensions; addresses are in numbers. */
function copy(
  { memory, kernels }: WasmAccess,
  xFirst: number,
  yFirst: number,
  dimensions: readonly Dimension[],
): void {
  if (dimensions.some(({ size }) => size === 0)) return;
  const ordered = inOrder(dimensions);
  const table = memory.reserve(tableBytes(ordered.length));
  new Int32Array(memory.wasmMemory.buffer, table, 3 * ordered.length).set(
    ordered.flatMap(({ size, xStep, yStep }) => [size, 4 * xStep, 4 * yStep]),
  );
  kernels.rearrange(4 * xFirst, 4 * yFirst, table, ordered.length);
}

const ONE: Dimension = { size: 1, xStep: 0, yStep: 0 };

/**
 * As the kernel likes it, at least two: in the order of y, those joined that follow each other in x as in y, and along
 * which x goes in single steps one of the last two.
 */
function inOrder(dimensions: readonly Dimension[]): Dimension[] {
  const joined: Dimension[] = [];
  const sorted = dimensions.filter(({ size }) => size > 1).sort((a, b) => b.yStep - a.yStep);
  for (const { size, xStep, yStep } of sorted) {
    const before = joined.at(-1);
    if (before?.xStep === size * xStep && before.yStep === size * yStep) {
      joined.splice(-1, 1, { size: before.size * size, xStep, yStep });
    } else {
      joined.push({ size, xStep, yStep });
    }
  }
  const single = joined.findIndex(({ xStep }) => xStep === 1);
  if (single >= 0 && single < joined.length - 2) joined.splice(-1, 0, ...joined.splice(single, 1));
  return [...Array.from({ length: Math.max(2 - joined.length, 0) }, () => ONE), ...joined];
}

/** Whether all are of one type, whose numbers take four bytes: others are TF.js'. */
const areOfFourBytes = (tensors: readonly TensorInfo[]) =>
  (tensors[0]!.dtype === 'float32' || tensors[0]!.dtype === 'int32') &&
  tensors.every(({ dtype }) => dtype === tensors[0]!.dtype);

/** Numbers between neighbours along each dimension. */
const stepsOf = (shape: readonly number[]) =>
  shape.map((_, axis) => util.sizeFromShape(shape.slice(axis + 1)));

const dimensionsOf = (
  sizes: readonly number[],
  xSteps: readonly number[],
  ySteps: readonly number[],
): Dimension[] => sizes.map((size, axis) => ({ size, xStep: xSteps[axis]!, yStep: ySteps[axis]! }));

/** A tensor of the shape, filled along the dimensions from what begins at number `first` of x. */
function rearranged(
  access: WasmAccess,
  x: TensorInfo,
  shape: number[],
  dimensions: readonly Dimension[],
  first = 0,
): TensorInfo {
  const { memory } = access;
  // What can fail for want of memory comes before the output, which nobody would free.
  memory.reserve(tableBytes(dimensions.length));
  const from = memory.addressOf(x) / 4;
  const y = memory.allocate(shape, x.dtype);
  copy(access, from + first, memory.addressOf(y) / 4, dimensions);
  return y;
}

/** A part of a tensor. */
interface Part {
  readonly begin: readonly number[];
  readonly size: number[];
}

function partOf(access: WasmAccess, x: TensorInfo, { begin, size }: Part): TensorInfo {
  const xSteps = stepsOf(x.shape);
  const first = begin.reduce((sum, index, axis) => sum + index * xSteps[axis]!, 0);
  return rearranged(access, x, size, dimensionsOf(size, xSteps, stepsOf(size)), first);
}

/** Parts that follow each other along an axis, each so long. */
function partsOf(access: WasmAccess, x: TensorInfo, along: number, lengths: readonly number[]): TensorInfo[] {
  const made: TensorInfo[] = [];
  const begin = x.shape.map(() => 0);
  try {
    for (const length of lengths) {
      const size = x.shape.map((whole, axis) => (axis === along ? length : whole));
      made.push(partOf(access, x, { begin, size }));
      begin[along]! += length;
    }
  } catch (error) {
    for (const { dataId } of made) access.backend.disposeData(dataId);
    throw error;
  }
  return made;
}

/** In the place of `before`, which has what is of other types. */
const inPlaceOf =
  (kernelFunc: KernelFunc) =>
  (before: KernelConfig): KernelConfig => ({
    ...before,
    kernelFunc: (call) =>
      areOfFourBytes(Object.values(call.inputs) as TensorInfo[]) ? kernelFunc(call) : before.kernelFunc(call),
  });

/** `Slice`. */
export const acceleratedSlice = inPlaceOf(({ inputs, attrs, backend }) => {
  const x = inputs.x as Tensor;
  const attributes = attrs as unknown as { begin: number | number[]; size: number | number[] };
  const [begin, size] = slice_util.parseSliceParams(x, attributes.begin, attributes.size) as [
    number[],
    number[],
  ];
  return partOf(accessWasm(backend), x, { begin, size });
});

/** `SplitV`. */
export const acceleratedSplit = inPlaceOf(({ inputs, attrs, backend }) => {
  const x = inputs.x as Tensor;
  const { numOrSizeSplits, axis } = attrs as unknown as { numOrSizeSplits: number | number[]; axis: number };
  const [along] = util.parseAxisParam(axis, x.shape) as [number];
  const lengths = backend_util.prepareSplitSize(x, numOrSizeSplits, along);
  return partsOf(accessWasm(backend), x, along, lengths);
});

/** `Unpack`. */
export const acceleratedUnpack = inPlaceOf(({ inputs, attrs, backend }) => {
  const value = inputs.value!;
  const [along] = util.parseAxisParam(attrs!.axis as number, value.shape) as [number];
  const lengths = Array.from({ length: value.shape[along]! }, () => 1);
  const shape = value.shape.filter((_, axis) => axis !== along);
  return partsOf(accessWasm(backend), value, along, lengths).map((one) => ({ ...one, shape }));
});

/** `Concat`. */
export const acceleratedConcat = (before: KernelConfig): KernelConfig => ({
  ...before,
  kernelFunc: (call) => {
    const inputs = Object.values(call.inputs) as TensorInfo[];
    const filled = inputs.filter(({ shape }) => util.sizeFromShape(shape) > 0);
    if (filled.length < 2 || !areOfFourBytes(inputs)) return before.kernelFunc(call);
    const [along] = util.parseAxisParam(call.attrs!.axis as number, inputs[0]!.shape) as [number];
    const shapes = inputs.map(({ shape }) => shape);
    backend_util.assertParamsConsistent(shapes, along);
    const shape = backend_util.computeOutShape(shapes, along);

    const access = accessWasm(call.backend);
    const { memory } = access;
    memory.reserve(tableBytes(shape.length));
    const addresses = filled.map((x) => memory.addressOf(x));
    const y = memory.allocate(shape, inputs[0]!.dtype);
    const ySteps = stepsOf(shape);
    let to = memory.addressOf(y) / 4;
    filled.forEach((x, i) => {
      copy(access, addresses[i]! / 4, to, dimensionsOf(x.shape, stepsOf(x.shape), ySteps));
      to += x.shape[along]! * ySteps[along]!;
    });
    return y;
  },
});

/** `Tile`. */
export const acceleratedTile = inPlaceOf(({ inputs, attrs, backend }) => {
  const x = inputs.x!;
  const { reps } = attrs as unknown as { reps: number[] };
  const shape = x.shape.map((size, axis) => size * reps[axis]!);
  const [xSteps, ySteps] = [stepsOf(x.shape), stepsOf(shape)];
  const again = reps.map((size, axis) => ({ size, xStep: 0, yStep: x.shape[axis]! * ySteps[axis]! }));
  return rearranged(accessWasm(backend), x, shape, [...again, ...dimensionsOf(x.shape, xSteps, ySteps)]);
});

const reverseNumbers: KernelFunc = ({ inputs, attrs, backend }) => {
  const x = inputs.x!;
  const axes = util.parseAxisParam((attrs as unknown as { dims: number | number[] }).dims, x.shape);
  const steps = stepsOf(x.shape);
  const turned = steps.map((step, axis) => (axes.includes(axis) ? -step : step));
  const first = axes.reduce((sum, axis) => sum + (x.shape[axis]! - 1) * steps[axis]!, 0);
  return rearranged(accessWasm(backend), x, [...x.shape], dimensionsOf(x.shape, turned, steps), first);
};

/** `Reverse`. TF.js' own takes booleans for numbers of four bytes, and writes beyond the output. */
export const acceleratedReverse = (before: KernelConfig): KernelConfig => ({
  ...before,
  kernelFunc: (call) => {
    const x = call.inputs.x as Tensor;
    if (x.dtype !== 'bool') return reverseNumbers(call);
    return tidy(() =>
      cast(reverse(cast(x, 'int32'), (call.attrs as unknown as { dims: number[] }).dims), 'bool'),
    );
  },
});

/** `Transpose`. */
export const acceleratedTranspose = inPlaceOf(({ inputs, attrs, backend }) => {
  const x = inputs.x!;
  const { perm } = attrs as unknown as { perm: number[] };
  const shape = perm.map((axis) => x.shape[axis]!);
  const xSteps = stepsOf(x.shape);
  const taken = perm.map((axis) => xSteps[axis]!);
  return rearranged(accessWasm(backend), x, shape, dimensionsOf(shape, taken, stepsOf(shape)));
});
