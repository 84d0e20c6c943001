/**
 * @file What the passes need of a backend: tensors in reach of the kernels' memory, and some memory for themselves.
 * wasm.ts and cpu.ts provide it; passes.ts is all that uses it.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Kernels } from './wasm-kernels.js';

/** A tensor's values: of a parameter that is not float32, too. */
export type NumberArray = Float32Array | Int32Array | Uint8Array;

/** outer, groups, middle, channels, inner: a layout's, or those of a part. */
export type Sizes = readonly [outer: number, groups: number, middle: number, channels: number, inner: number];

/** A consecutive part of the data, in the kernels' memory. */
export interface Slab {
  readonly sizes: Sizes;
  /** The part's first element. */
  readonly firstElement: number;
  /** Which group and channel, k = group·channels + channel, is the part's first: 0 unless it has fewer of them. */
  readonly firstNumber: number;
  /** Address of each input's part. */
  readonly inputs: readonly number[];
  /** Address of the output's part; 0 if there is no output. */
  readonly output: number;
}

/** A backend's memory, as the passes see it. */
export interface PassMemory {
  /** The kernels, on `wasmMemory`. */
  readonly kernels: Kernels;
  /** Where the kernels work. It may grow, so a view of its buffer is good until the next call of anything here. */
  readonly wasmMemory: WebAssembly.Memory;
  /** The address of `byteLength` bytes, 16-byte aligned, to be used until the next call of `reserve`. */
  reserve(byteLength: number): number;
  /** The values of each tensor, not to be written to, and good until the next call of anything here. */
  values(...tensors: TensorInfo[]): NumberArray[];
  /** Puts other values in the place of a tensor's, if nobody else holds them. Returns whether it did. */
  replace(tensor: TensorInfo, values: Float32Array): boolean;
  /** A new float32 tensor with whatever values its memory holds. */
  allocate(shape: number[]): TensorInfo;
  /**
   * Runs a kernel over whole arrays, slab by slab, in order.
   *
   * @param span a slab of part of a run begins at a multiple of it
   */
  forEachSlab(
    sizes: Sizes,
    span: number,
    inputs: readonly TensorInfo[],
    output: TensorInfo | null,
    run: (slab: Slab) => void,
  ): void;
}
