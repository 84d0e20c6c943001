/** @file Datasets in chunks: puts the chunks that are stored where they belong. */
import { sizeOf } from '../elements.js';
import { openExtensibleArray, openFixedArray, type StoredChunk } from './array-indexes.js';
import { undoFilters } from './filters.js';
import type { Layout } from './layout.js';
import { type Storage, damaged } from './storage.js';
import { RECORDS, TREE, readTree1, readTree2 } from './trees.js';

export interface ChunkedDataset {
  readonly storage: Storage;
  /** What messages call it. */
  readonly what: string;
  readonly shape: readonly number[];
  /** What it may grow to; null where a dimension is not limited. */
  readonly largest: readonly (number | null)[];
  readonly elementSize: number;
  readonly filters: readonly number[];
  readonly layout: Extract<Layout, { kind: 'chunked' }>;
}

/** A chunk and where it is among the others, in each dimension. */
interface PlacedChunk extends StoredChunk {
  readonly place: readonly number[];
}

/**
 * Reads all chunks into `target`, which has room for the dataset.
 *
 * @returns whether all are there
 * @throws ValueError where a chunk is damaged, or is there twice
 */
export function readChunks(dataset: ChunkedDataset, target: Uint8Array): boolean {
  const { storage, what, shape, elementSize, filters, layout } = dataset;
  const { shape: chunkShape } = layout;
  if (chunkShape.length !== shape.length || shape.length === 0 || chunkShape.some((size) => size < 1)) {
    throw damaged(`the chunks of ${what} have another rank, or no size`);
  }
  const byteLength = sizeOf(chunkShape) * elementSize;
  const counts = shape.map((size, d) => Math.ceil(size / chunkShape[d]!));
  const copy = copierOf(dataset, target);
  const seen = new Set<number>();
  for (const { place, address, skipped, ...chunk } of placedChunks(dataset, counts, byteLength)) {
    storage.step();
    // A dataset that became smaller may have some beyond its edge.
    if (address === null || place.some((at, d) => at >= counts[d]!)) continue;
    const number = place.reduce((all, at, d) => all * counts[d]! + at, 0);
    const name = `the chunk ${number} of ${what}`;
    if (seen.has(number)) throw damaged(`${name} is there twice`);
    seen.add(number);
    const sizes = place.map((at, d) => Math.min(chunkShape[d]!, shape[d]! - at * chunkShape[d]!));
    const storedLength = chunk.byteLength ?? byteLength;
    let bytes = storage.cursor(address, name, storedLength).bytes(storedLength);
    const isAtEdge = sizes.some((size, d) => size < chunkShape[d]!);
    const isBare = filters.length === 0 || (layout.leavesEdges && isAtEdge);
    if (!isBare) {
      storage.stepOver(storedLength);
      // The dataset itself is counted; chunks that reach far over its edge are not in it.
      storage.takeMemory(byteLength - sizeOf(sizes) * elementSize, what);
      bytes = undoFilters(bytes, filters, { skipped, byteLength, elementSize, what: name });
    } else if (storedLength !== byteLength) {
      throw damaged(`${name} has ${storedLength} bytes, and its shape takes ${byteLength}`);
    }
    copy(bytes, place, sizes);
  }
  return seen.size === sizeOf(counts);
}

function* placedChunks(
  dataset: ChunkedDataset,
  counts: readonly number[],
  byteLength: number,
): Generator<PlacedChunk> {
  const { storage, shape, layout, filters } = dataset;
  const { address, index, shape: chunkShape } = layout;
  if (address === null) return;
  const rank = shape.length;
  switch (index.kind) {
    case 'tree of version 1':
      for (const { key, child } of readTree1(storage, address, TREE.chunks, 8 + 8 * (rank + 1))) {
        const [stored, skipped] = [key.u32(), key.u32()];
        const place = chunkShape.map((size) => key.uint(8) / size);
        if (!place.every(Number.isInteger)) key.fail('names a chunk between others');
        yield { address: child, byteLength: stored, skipped, place };
      }
      return;
    case 'tree of version 2': {
      const isFiltered = filters.length > 0;
      for (const record of readTree2(
        storage,
        address,
        isFiltered ? RECORDS.filteredChunks : RECORDS.chunks,
      )) {
        const at = record.address();
        const lengthLength = record.left - 4 - 8 * rank;
        const stored = isFiltered ? record.uint(Math.min(8, lengthLength)) : null;
        const skipped = isFiltered ? record.u32() : 0;
        yield { address: at, byteLength: stored, skipped, place: shape.map(() => record.uint(8)) };
      }
      return;
    }
    case 'single':
      yield { address, byteLength: index.byteLength, skipped: index.skipped, place: shape.map(() => 0) };
      return;
    case 'in a row': {
      const numberOf = numbering(dataset, false);
      for (const place of places(counts)) {
        yield { address: address + numberOf(place) * byteLength, byteLength: null, skipped: 0, place };
      }
      return;
    }
    case 'fixed array':
    case 'extensible array': {
      const open = index.kind === 'fixed array' ? openFixedArray : openExtensibleArray;
      const lookUp = open(storage, address);
      const numberOf = numbering(dataset, index.kind === 'extensible array');
      for (const place of places(counts)) yield { ...lookUp(numberOf(place)), place };
      return;
    }
  }
}

/** Every place among so many in each dimension, of which the last runs fastest. */
function* places(counts: readonly number[]): Generator<readonly number[]> {
  const place = counts.map(() => 0);
  for (;;) {
    yield [...place];
    let d = counts.length - 1;
    for (; d >= 0 && ++place[d]! >= counts[d]!; d--) place[d] = 0;
    if (d < 0) return;
  }
}

/**
 * The number of a chunk among all that the dataset may ever have.
 *
 * @param mayGrow whether the dimension without a limit comes first, whichever it is
 */
function numbering(
  { largest, layout }: ChunkedDataset,
  mayGrow: boolean,
): (place: readonly number[]) => number {
  const dimensions = largest.map((_, d) => d);
  const growing = mayGrow ? largest.indexOf(null) : -1;
  if (growing > 0) dimensions.unshift(...dimensions.splice(growing, 1));
  const counts = largest.map((size, d) => Math.ceil((size ?? Infinity) / layout.shape[d]!));
  return (place) => dimensions.reduce((all, d, i) => (i === 0 ? 0 : all * counts[d]!) + place[d]!, 0);
}

/** Shorter runs are copied faster byte by byte. */
const SHORT_RUN = 64;

/**
 * Copies what of a chunk is within the dataset, by runs that are in a row on both sides: the chunk, its place, and how much
 * of it that is in each dimension.
 */
function copierOf(
  { storage, shape, elementSize, layout: { shape: chunkShape } }: ChunkedDataset,
  target: Uint8Array,
): (chunk: Uint8Array, place: readonly number[], sizes: readonly number[]) => void {
  // Dimensions at the end that the chunk has all of make the runs longer.
  let last = shape.length - 1;
  while (last > 0 && chunkShape[last] === shape[last]) last -= 1;
  const stridesOf = (sizes: readonly number[]) =>
    sizes.map((_, d) => sizeOf(sizes.slice(d + 1)) * elementSize);
  const [from, to] = [stridesOf(chunkShape), stridesOf(shape)];
  return (chunk, place, sizes) => {
    const length = sizes[last]! * from[last]!;
    const row = new Array<number>(last).fill(0);
    storage.step(sizeOf(sizes.slice(0, last)));
    let source = 0;
    let at = place.reduce((all, one, d) => all + one * chunkShape[d]! * to[d]!, 0);
    for (;;) {
      if (length < SHORT_RUN) for (let i = 0; i < length; i++) target[at + i] = chunk[source + i]!;
      else target.set(chunk.subarray(source, source + length), at);
      let d = last - 1;
      for (; d >= 0; d--) {
        source += from[d]!;
        at += to[d]!;
        if (++row[d]! < sizes[d]!) break;
        source -= sizes[d]! * from[d]!;
        at -= sizes[d]! * to[d]!;
        row[d] = 0;
      }
      if (d < 0) return;
    }
  };
}
