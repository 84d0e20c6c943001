/**
 * @file A memory to try kernels in. Every buffer stands between canaries, at any 4-byte alignment, and the oracle beside
 * it is a naive loop in float64 that shares no code with the kernels.
 */
import { expect } from 'vitest';
import { instantiateKernels, type Kernels, scratchByteLength } from '../../src/backends/kernels.js';

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

interface Buffer {
  readonly address: number;
  readonly bytes: Uint8Array;
  isInput: boolean;
}

/** Places buffers in a memory, one after another, and watches what lies between them. */
export class Workbench {
  readonly kernels: Kernels;
  #buffers: Buffer[] = [];
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
  input(values: Float32Array, misalignment: number): number {
    return this.#place(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
      misalignment,
      true,
    );
  }

  /** An output of so many bytes. */
  output(byteLength: number, misalignment: number, fill = 0xff): number {
    return this.#place(new Uint8Array(byteLength).fill(fill), misalignment, false);
  }

  /** Says that the buffer there is an output too. */
  release(address: number): void {
    this.#buffers.find((buffer) => buffer.address === address)!.isInput = false;
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
      if (isInput) {
        for (let i = 0; i < bytes.length; i++) {
          if (now[address + i] !== bytes[i]) expect.fail(`input at ${address} written, byte ${i}`);
        }
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
  const run = channels * inner;
  for (let element = 0; element < outer * groups * middle * run; element++) {
    const group = Math.floor(element / (run * middle)) % groups;
    each(element, group * channels + (Math.floor(element / inner) % channels));
  }
}
