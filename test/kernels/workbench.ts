/**
 * @file A memory to try kernels in. Every buffer stands between canaries, at any 4-byte alignment, and the oracle beside
 * it is a naive loop in float64 that shares no code with the kernels.
 */
import { expect } from 'vitest';
import { instantiateKernels, type Kernels, scratchByteLength } from '../../src/backends/host/wasm-kernels.js';

const PAGE = 65_536;
const CANARY_BYTES = 64;

export interface Size {
  readonly outer: number;
  readonly groups: number;
  readonly middle: number;
  readonly channels: number;
  readonly inner: number;
}

export const elementsOf = ({ outer, groups, middle, channels, inner }: Size) =>
  outer * groups * middle * channels * inner;

export const scratchOf = ({ middle, channels, inner }: Size) => scratchByteLength(middle, channels, inner);

export const argumentsOf = ({ outer, groups, middle, channels, inner }: Size) =>
  [outer, groups, middle, channels, inner] as const;

/** Both variants of the module. */
export const VARIANTS = ['plain', 'shared'] as const;

export function makeMemory(variant: (typeof VARIANTS)[number], pages = 4): WebAssembly.Memory {
  return variant === 'plain'
    ? new WebAssembly.Memory({ initial: pages })
    : new WebAssembly.Memory({ initial: pages, maximum: 65_536, shared: true });
}

/** What stands at `i` of a canary. */
const canaryAt = (i: number) => (i * 37 + 11) & 255;

interface Placed {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly isInput: boolean;
}

/** Places buffers in a memory, one after another, and watches what lies between them. */
export class Workbench {
  readonly kernels: Kernels;
  #buffers: Placed[] = [];
  #next: number;
  readonly #start: number;

  /** @param start where the first canary stands */
  constructor(
    readonly memory: WebAssembly.Memory,
    start = 16,
  ) {
    this.kernels = instantiateKernels(memory);
    this.#start = start;
    this.#next = start;
  }

  /** Forgets all buffers. */
  clear(): void {
    this.#buffers = [];
    this.#next = this.#start;
  }

  #place(bytes: Uint8Array, misalignment: number, isInput: boolean): number {
    const address = Math.ceil((this.#next + CANARY_BYTES) / 16) * 16 + 4 * misalignment;
    const end = address + bytes.length + CANARY_BYTES;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    const all = new Uint8Array(this.memory.buffer, this.#next, end - this.#next);
    for (let i = 0; i < all.length; i++) all[i] = canaryAt(this.#next + i);
    new Uint8Array(this.memory.buffer, address, bytes.length).set(bytes);
    this.#buffers.push({ address, bytes: bytes.slice(), isInput });
    this.#next = end;
    return address;
  }

  /** An input, which must be the same afterwards. */
  input(values: Float32Array | Uint32Array, misalignment: number): number {
    return this.#place(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      misalignment,
      true,
    );
  }

  /** An output of so many bytes, which hold `fill` until it is written. */
  output(byteLength: number, misalignment: number, fill = 0xff): number {
    return this.#place(new Uint8Array(byteLength).fill(fill), misalignment, false);
  }

  /** An input that a pass may write its output over, or that scratch follows. */
  inOut(values: Float32Array, extraBytes: number, misalignment: number): number {
    const bytes = new Uint8Array(values.byteLength + extraBytes).fill(0xff);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return this.#place(bytes, misalignment, false);
  }

  /** Copies float32 out. */
  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer.slice(address, address + 4 * length));
  }

  /** Copies float64 out. */
  doubles(address: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer.slice(address, address + 8 * length));
  }

  /** Fails if anything but an output was written to. */
  check(): void {
    const now = new Uint8Array(this.memory.buffer);
    let at = this.#start;
    for (const { address, bytes, isInput } of this.#buffers) {
      for (; at < address; at++) if (now[at] !== canaryAt(at)) expect.fail(`canary written at ${at}`);
      if (isInput && Buffer.compare(now.subarray(address, address + bytes.length), bytes) !== 0) {
        expect.fail(`the input at ${address} was written`);
      }
      at += bytes.length;
    }
    for (; at < this.#next; at++) if (now[at] !== canaryAt(at)) expect.fail(`canary written at ${at}`);
  }
}

/** Visits every element with its k, in the order of memory. */
export function visit(
  { outer, groups, middle, channels, inner }: Size,
  each: (element: number, k: number) => void,
): void {
  let element = 0;
  for (let o = 0; o < outer; o++) {
    for (let group = 0; group < groups; group++) {
      for (let m = 0; m < middle; m++) {
        for (let channel = 0; channel < channels; channel++) {
          for (let i = 0; i < inner; i++) each(element++, group * channels + channel);
        }
      }
    }
  }
}

/** Numbers in order, no two of them near each other: the fractional parts of multiples of the golden ratio. */
export function drawn(length: number, seed: number, scale = 2, offset = 0): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    values[i] = offset + scale * ((((i + 1) * 0.6180339887498949 + seed * 0.7548776662466927) % 1) - 0.5);
  }
  return values;
}

/** Independent numbers of a normal distribution of mean 0 and standard deviation 1, the same for the same seed. */
export function normal(length: number, seed: number): Float64Array {
  let state = seed >>> 0;
  const uniform = () => {
    // xorshift32, which is enough to measure rounding with
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  return Float64Array.from(
    { length },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
