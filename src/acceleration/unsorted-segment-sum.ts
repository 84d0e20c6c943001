/**
 * @file Sums of the rows that have the same number, the gradient of a lookup: without it no model with an Embedding
 * trains on wasm, where TF.js lacks it. By TF.js' scatter, which adds up what meets in one place.
 */
import {
  type KernelFunc,
  type Tensor,
  reshape,
  scatterND,
  slice,
  tensor2d,
  tidy,
  util,
  zeros,
} from '@tensorflow/tfjs-core';

interface Inputs {
  readonly x: Tensor;
  readonly segmentIds: Tensor;
}

/** `UnsortedSegmentSum`. Rows whose number is negative or too large are left out. */
export const unsortedSegmentSum: KernelFunc = ({ inputs, attrs }) => {
  const { x, segmentIds } = inputs as unknown as Inputs;
  const numSegments = attrs!.numSegments as number;
  util.assert(
    segmentIds.shape.length === 1,
    () => `segmentIds must be of rank 1, and have the shape [${segmentIds.shape}].`,
  );
  const rest = x.shape.slice(1);
  if (util.sizeFromShape(x.shape) === 0) return zeros([numSegments, ...rest], x.dtype);

  return tidy(() => {
    const ids = segmentIds.dataSync<'int32'>();
    const isSegment = (id: number) => id >= 0 && id < numSegments;
    if (ids.every(isSegment)) return scatterND(reshape(segmentIds, [-1, 1]), x, [numSegments, ...rest]);
    // The scatter would write outside of its output; so there is one more row for what is left out.
    const places = ids.map((id) => (isSegment(id) ? id : numSegments));
    const sums = scatterND(tensor2d(places, [ids.length, 1], 'int32'), x, [numSegments + 1, ...rest]);
    return slice(sums, 0, numSegments);
  });
};
