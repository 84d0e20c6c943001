/** @file The weights of a TF.js model: a manifest of names and shapes, and files of numbers. One weight is decoded at a time. */
import { io } from '@tensorflow/tfjs-core';
import { ValueError } from '../text/value-error.js';
import type { StoredArray } from './hdf5-reader.js';
import { type Json, type JsonObject, expectArray, expectName, expectObject, isObject } from './json.js';
import { show } from '../text/show.js';

/** A weight of the manifest, decoded when it is asked for. */
export interface ShardWeight {
  readonly shape: readonly number[];
  readonly read: () => StoredArray;
}

export interface Shards {
  /** By their names. */
  readonly weights: ReadonlyMap<string, ShardWeight>;
  /** How many bytes there are. */
  readonly byteLength: number;
}

/** Bytes of a number. */
const SIZES: Record<string, number> = { float32: 4, int32: 4, bool: 1, float16: 2, uint16: 2, uint8: 1 };

/** @throws ValueError where the manifest does not fit its files */
export async function readShards(
  manifest: Json,
  read: (name: string) => Promise<Uint8Array>,
): Promise<Shards> {
  const weights = new Map<string, ShardWeight>();
  let byteLength = 0;
  for (const group of expectArray(manifest, 'The weightsManifest')) {
    const { paths, weights: listed } = expectObject(group, 'A group of the weightsManifest');
    const specs = expectArray(listed, 'The weights of a group').map(readSpec);
    const content = await Promise.all(
      expectArray(paths, 'The paths of a group').map((path) => readShard(expectName(path, 'A path'), read)),
    );
    const expected = specs.reduce((sum, { bytes }) => sum + bytes, 0);
    const found = content.reduce((sum, { length }) => sum + length, 0);
    if (expected !== found) {
      throw new ValueError(
        `The files ${show(paths)} have ${found} bytes, and the model needs ${expected}. A file is missing, cut off or ` +
          `of another model.`,
      );
    }
    let offset = 0;
    for (const { spec, bytes } of specs) {
      const start = offset;
      weights.set(spec.name, {
        shape: spec.shape,
        read: () => decodeWeight(spec, joined(content, start, start + bytes)),
      });
      offset += bytes;
    }
    byteLength += found;
  }
  return { weights, byteLength };
}

/** A copy of the bytes from `start` to `end` of what follows one another in `parts`. */
function joined(parts: readonly Uint8Array[], start: number, end: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(end - start);
  let offset = 0;
  for (const part of parts) {
    const [from, to] = [Math.max(start, offset), Math.min(end, offset + part.length)];
    if (from < to) bytes.set(part.subarray(from - offset, to - offset), from - start);
    offset += part.length;
  }
  return bytes;
}

function decodeWeight(spec: io.WeightsManifestEntry, bytes: Uint8Array<ArrayBuffer>): StoredArray {
  const { shape } = spec;
  if (spec.dtype === 'float32' && !spec.quantization)
    return { shape, values: new Float32Array(bytes.buffer) };
  const { [spec.name]: decoded } = io.decodeWeights(bytes.buffer, [spec]);
  try {
    return { shape, values: Float32Array.from(decoded!.dataSync()) };
  } finally {
    decoded?.dispose();
  }
}

function readShard(path: string, read: (name: string) => Promise<Uint8Array>): Promise<Uint8Array> {
  // A manifest has no business beside its own folder.
  if (/(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[a-z]+:/i.test(path)) {
    throw new ValueError(
      `The model names the file ${show(path)}, which is not beside it. The file is damaged.`,
    );
  }
  return read(path);
}

function readSpec(saved: Json): { spec: io.WeightsManifestEntry; bytes: number } {
  const spec = expectObject(saved, 'A weight of the weightsManifest');
  const name = expectName(spec.name, "A weight's name");
  const { shape, dtype, quantization } = spec;
  const stored = isObject(quantization) ? quantization.dtype : dtype;
  const size = typeof stored === 'string' && Object.hasOwn(SIZES, stored) ? SIZES[stored]! : 0;
  const dimensions = expectArray(shape, `The shape of ${show(name)}`);
  const count = dimensions.reduce<number>((product, d) => product * (typeof d === 'number' ? d : NaN), 1);
  const isShape = dimensions.every((d) => Number.isSafeInteger(d) && (d as number) >= 0);
  if (size === 0 || !isShape || !Number.isSafeInteger(count) || !isScaled(quantization)) {
    throw new ValueError(
      `The weight ${show(name)} is of type ${show(stored)} and shape ${show(shape)}: not numbers that can be read. ` +
        `The file is damaged.`,
    );
  }
  return { spec: spec as unknown as io.WeightsManifestEntry, bytes: count * size };
}

/** Quantized to whole numbers, a weight needs the numbers to undo it. */
function isScaled(quantization: Json | undefined): boolean {
  if (quantization == null) return true;
  const { dtype, min, scale } = quantization as JsonObject;
  return dtype === 'float16' || (typeof min === 'number' && typeof scale === 'number');
}
