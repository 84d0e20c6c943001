/** @file The weights of a TF.js model: a manifest of names and shapes, and files of numbers. One weight is decoded at a time. */
import { type StoredArray, fromHalves } from '../data/elements.js';
import { readEach } from '../data/files.js';
import { Budget } from '../data/limits.js';
import { partsOfName } from '../data/names-beside.js';
import { refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { type Json, expectArray, expectName, expectObject, isObject, readJson } from './json.js';
import type { OpenedSource } from './source.js';

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

/**
 * @throws ValueError where the manifest names files elsewhere, one of them twice, or types that TF.js cannot decode, and
 *   where it does not fit its files
 */
export async function readShards(
  manifest: Json,
  { read, budget }: Pick<OpenedSource, 'read' | 'budget'>,
): Promise<Shards> {
  const weights = new Map<string, ShardWeight>();
  const named = new Set<string>();
  let byteLength = 0;
  for (const group of expectArray(manifest, 'The weightsManifest')) {
    const { paths, weights: listed } = expectObject(group, 'A group of the weightsManifest');
    const specs = expectArray(listed, 'The weights of a group').map(readSpec);
    const names = expectArray(paths, 'The paths of a group').map((path) => {
      const name = expectName(path, 'A path');
      const place = partsOfName(name).join('/');
      if (named.has(place)) {
        throw new ValueError(`The model names the file ${show(name)} twice. The file is damaged.`);
      }
      named.add(place);
      return name;
    });
    budget.take('entries', names.length, 'The paths of the weightsManifest');
    const content = await readEach(names, read);
    const expected = specs.reduce((sum, { bytes }) => sum + bytes, 0);
    const found = content.reduce((sum, { length }) => sum + length, 0);
    if (expected !== found) {
      throw new ValueError(
        `The files ${show(paths)} have ${found} bytes, and the model needs ${expected}. A file is missing, cut off or ` +
          `of another model.`,
      );
    }
    let offset = 0;
    for (const { name, shape, bytes, decode } of specs) {
      const start = offset;
      weights.set(name, {
        shape,
        read: () => ({ shape, values: decode(joined(content, start, start + bytes)) }),
      });
      offset += bytes;
    }
    byteLength += found;
  }
  return { weights, byteLength };
}

/** No limits but those of the text: of names alone nothing is made. */
const UNLIMITED = { depth: Infinity, steps: Infinity };

/**
 * The files that a TF.js `model.json` names as its shards, by the names that it has for them: by these, a program can keep
 * from writing over them.
 *
 * @throws TypeError for what is no bytes
 * @throws ValueError where it is no such file
 */
export function shardNames(bytes: Uint8Array): string[] {
  if (!(bytes instanceof Uint8Array)) refuse(TypeError, 'bytes', 'those of a model.json (Uint8Array)', bytes);
  const what = 'The model file';
  const { weightsManifest } = expectObject(readJson(bytes, what, new Budget(UNLIMITED)), what);
  return expectArray(weightsManifest, 'The weightsManifest').flatMap((group) =>
    expectArray(expectObject(group, 'A group of the weightsManifest').paths, 'The paths of a group').map(
      (path) => expectName(path, 'A path'),
    ),
  );
}

/** A copy of the bytes from `start` to `end` of what follows one another in `parts`. */
function joined(parts: readonly Uint8Array[], start: number, end: number): ArrayBuffer {
  const bytes = new Uint8Array(end - start);
  let offset = 0;
  for (const part of parts) {
    const [from, to] = [Math.max(start, offset), Math.min(end, offset + part.length)];
    if (from < to) bytes.set(part.subarray(from - offset, to - offset), from - start);
    offset += part.length;
  }
  return bytes.buffer;
}

type Decode = (bytes: ArrayBuffer) => Float32Array;

interface Spec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly decode: Decode;
}

/** How many bytes a number of each type takes in a shard. */
const SIZES: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  float16: 2,
  uint16: 2,
  uint8: 1,
};

/** Numbers as TF.js' decodeWeights makes them, by the type that a weight has; made for it here, without a tensor of each. */
const PLAIN: Readonly<Record<string, Decode>> = {
  float32: (bytes) => new Float32Array(bytes),
  int32: (bytes) => new Float32Array(new Int32Array(bytes)),
  bool: (bytes) => new Float32Array(new Uint8Array(bytes)),
};

/** As `PLAIN`, of a weight that is stored as whole numbers of fewer bits. */
const SCALED: Readonly<
  Record<string, (whole: Uint8Array | Uint16Array, scale: number, min: number) => Float32Array>
> = {
  float32(whole, scale, min) {
    const values = new Float32Array(whole.length);
    for (let i = 0; i < whole.length; i++) values[i] = whole[i]! * scale + min;
    return values;
  },
  int32(whole, scale, min) {
    const values = new Int32Array(whole.length);
    for (let i = 0; i < whole.length; i++) values[i] = Math.round(whole[i]! * scale + min);
    return new Float32Array(values);
  },
};

function readSpec(saved: Json): Spec {
  const spec = expectObject(saved, 'A weight of the weightsManifest');
  const name = expectName(spec.name, "A weight's name");
  const { shape, dtype, quantization = null } = spec;
  const dimensions = expectArray(shape, `The shape of ${show(name)}`);
  const count = dimensions.reduce<number>((product, d) => product * (isSize(d) ? d : NaN), 1);
  if (!Number.isSafeInteger(count)) {
    throw new ValueError(
      `The weight ${show(name)} is of shape ${show(shape)}, which none has. The file is damaged.`,
    );
  }
  const stored = quantization === null ? dtype : isObject(quantization) ? quantization.dtype : quantization;
  const decode = decoderOf(dtype, quantization);
  if (!decode) {
    throw new ValueError(
      `The weight ${show(name)} is of type ${show(dtype)}` +
        `${quantization === null ? '' : `, quantized as ${show(quantization)}`}: not numbers that can be read. Accepted are ` +
        `float32, int32 and bool; float32 quantized to float16; and float32 and int32 quantized to uint8 and uint16, with ` +
        `the numbers scale and min.`,
    );
  }
  return { name, shape: dimensions as number[], bytes: count * SIZES[stored as string]!, decode };
}

const isSize = (dimension: Json): dimension is number =>
  Number.isSafeInteger(dimension) && (dimension as number) >= 0;

/** What decodes weights of a type; undefined where nothing does, TF.js included. */
function decoderOf(dtype: Json | undefined, quantization: Json): Decode | undefined {
  if (typeof dtype !== 'string') return undefined;
  if (quantization === null) return Object.hasOwn(PLAIN, dtype) ? PLAIN[dtype] : undefined;
  const { dtype: stored, scale, min } = isObject(quantization) ? quantization : {};
  if (stored === 'float16')
    return dtype === 'float32' ? (bytes) => fromHalves(new Uint16Array(bytes)) : undefined;
  const decode = Object.hasOwn(SCALED, dtype) ? SCALED[dtype] : undefined;
  const isWhole = stored === 'uint8' || stored === 'uint16';
  if (!decode || !isWhole || !Number.isFinite(scale) || !Number.isFinite(min)) return undefined;
  const Whole = stored === 'uint8' ? Uint8Array : Uint16Array;
  return (bytes) => decode(new Whole(bytes), scale as number, min as number);
}
