/**
 * @file The kernels of assembly/acceleration.ts, and the memory of TF.js' wasm backend. As all of assembly/, they allocate
 * nothing and check nothing: every pointer is a byte offset into the memory, aligned to 4 bytes, and every buffer lies
 * inside it.
 */
import { type KernelBackend, util } from '@tensorflow/tfjs-core';
import { instantiate } from '../backends/host/instantiate.js';
import { type WasmPassMemory, wasmPassMemory } from '../backends/host/wasm.js';
import { PLAIN, SHARED } from './kernel-bytes.js';

/** Sizes of a depthwise convolution of as many channels in as out, in NHWC. */
type DepthwiseSizes = readonly [
  batch: number,
  inHeight: number,
  inWidth: number,
  channels: number,
  outHeight: number,
  outWidth: number,
  filterHeight: number,
  filterWidth: number,
  strideHeight: number,
  strideWidth: number,
  top: number,
  left: number,
];

/** Sizes of a convolution in NHWC. */
type ConvolutionSizes = readonly [
  images: number,
  inHeight: number,
  inWidth: number,
  inChannels: number,
  outHeight: number,
  outWidth: number,
  outChannels: number,
  filterHeight: number,
  filterWidth: number,
  strideHeight: number,
  strideWidth: number,
  top: number,
  left: number,
];

type PoolingSizes = readonly [batch: number, channels: number, table: number];

export interface AccelerationKernels {
  /**
   * totals[kh, kw, c] = Σ x[n, oh·strideHeight + kh − top, ow·strideWidth + kw − left, c]·dy[n, oh, ow, c]
   *
   * The last argument is the address of totals: filterHeight·filterWidth·channels float64, behind which as many float32
   * are scratch.
   */
  depthwiseFilterGradient(x: number, dy: number, ...sizesAndTotals: [...DepthwiseSizes, number]): void;

  /** dx[n, oh·strideHeight + kh − top, ow·strideWidth + kw − left, c] = Σ filter[kh, kw, c]·dy[n, oh, ow, c] */
  depthwiseInputGradient(dy: number, filter: number, dx: number, ...sizes: DepthwiseSizes): void;

  /**
   * y[Σ index·yStep] = x[Σ index·xStep] for every index of a table of dimensions: size, xStep and yStep of each, in bytes
   * and of 32 bits, the last dimension last. None has size 0.
   */
  rearrange(x: number, y: number, table: number, rank: number): void;

  /**
   * filter[h, w, c, o] = Σ x[n, i·strideHeight + h − top, j·strideWidth + w − left, c]·dy[n, i, j, o]
   *
   * @param scratch `FILTER_GRADIENT_SCRATCH` bytes
   */
  filterGradient(x: number, dy: number, filter: number, scratch: number, ...sizes: ConvolutionSizes): void;

  /** y[o, i] = Σ x[o, row, i] / divisor. Behind `totals` are 12·inner bytes, all scratch. */
  sumRows(
    x: number,
    y: number,
    outer: number,
    rows: number,
    inner: number,
    divisor: number,
    totals: number,
  ): void;

  /** Of NDHWC; the table has size, windows, stride, length and before of depth, height and width, each of 32 bits. */
  maxPool(x: number, y: number, ...pooling: PoolingSizes): void;
  maxPoolGradient(x: number, dy: number, dx: number, ...pooling: PoolingSizes): void;
  averagePoolGradient(dy: number, dx: number, ...pooling: PoolingSizes): void;

  /**
   * y[i] = a[i] ? b[i], truths of one byte.
   *
   * @param relation 0 for equal, and then not equal, greater, greater or equal, less, less or equal.
   * @param bStep 4, or 0 where b is one number.
   */
  compare(relation: number, a: number, b: number, y: number, length: number, bStep: number): void;
  logicalAnd(a: number, b: number, y: number, length: number): void;
  /** y[i] = condition[i] ? a[i] : b[i] */
  select(condition: number, a: number, b: number, y: number, length: number): void;

  /**
   * c[i, j] (+)= Σ a[i, p]·b[p, j], where a[i, p] lies at a + aRows[i] + aTerms[p], and b[p, j] and c[i, j] likewise;
   * a row of c lies together. At most 256 products are added up in float32, and these sums in float64.
   *
   * @param aRows and the other tables: u32 offsets in bytes, multiples of 4. Sums of addresses wrap around, so that an
   *   offset may be negative. Numbers that lie together are packed four at a time, in either direction.
   * @param k may be 0, and so may m and n.
   * @param isAdded whether to what c holds.
   * @param scratch `PRODUCT_SCRATCH_BYTES`.
   */
  matrixProduct(
    a: number,
    aRows: number,
    aTerms: number,
    b: number,
    bTerms: number,
    bColumns: number,
    c: number,
    cRows: number,
    m: number,
    n: number,
    k: number,
    isAdded: boolean,
    scratch: number,
  ): void;
}

/** A wasm backend, its memory, and the kernels on it. */
export interface WasmAccess {
  readonly backend: KernelBackend;
  readonly memory: WasmPassMemory;
  readonly kernels: AccelerationKernels;
}

/** The kernels on this memory. */
export const accelerationKernels = (memory: WebAssembly.Memory) =>
  instantiate(memory, { plain: PLAIN, shared: SHARED }) as unknown as AccelerationKernels;

/** @throws where the backend is not built as that of TF.js 4.22. */
export function accessWasm(backend: unknown): WasmAccess {
  const owner = backend as KernelBackend;
  const memory = wasmPassMemory(owner);
  util.assert(
    memory !== null,
    () => 'The memory of this wasm backend is out of reach. Use @tensorflow/tfjs-backend-wasm 4.22.',
  );
  return { backend: owner, memory: memory!, kernels: accelerationKernels(memory!.wasmMemory) };
}
