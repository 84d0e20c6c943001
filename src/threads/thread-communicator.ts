/**
 * @file A communicator of threads in one process, over memory that they share: Node's worker_threads, or workers of a
 * cross-origin isolated page. Each rank adds up a part of what all have laid down, in the order of ranks, so that all get
 * the same bits. A barrier stands before that and after.
 */
import type { Communicator } from '../group/communicator.js';
import { ValueError } from '../text/value-error.js';

/** Where the numbers that hold a group together lie, as 32-bit integers. */
const ARRIVED = 0;
const GENERATION = 1;
const BROKEN = 2;
const CAPACITY = 3;
const LENGTHS = 16;
/** Parts begin at multiples of a cache line, so that ranks do not write to the same one. */
const LINE = 64;

/** What threads share: made once, and handed to each of them. */
export interface ThreadGroup {
  readonly size: number;
  readonly buffer: SharedArrayBuffer;
}

const roundUp = (bytes: number) => Math.ceil(bytes / LINE) * LINE;
const headerBytes = (size: number) => roundUp(4 * (LENGTHS + size));

/**
 * Memory for a group of threads.
 *
 * @param size how many threads there are
 * @param byteLength the most that a rank lays down at once; longer messages go in pieces. Default 1 MiB
 */
export function makeThreadGroup(size: number, byteLength = 1 << 20): ThreadGroup {
  if (!(Number.isInteger(size) && size >= 1)) {
    throw new ValueError(`size: ${size}. Expected is how many threads there are, 1 or more.`);
  }
  if (!(Number.isInteger(byteLength) && byteLength >= LINE)) {
    throw new ValueError(`byteLength: ${byteLength}. Expected is a number of bytes, ${LINE} or more.`);
  }
  const capacity = roundUp(byteLength);
  // The last part is for the result.
  const buffer = new SharedArrayBuffer(headerBytes(size) + capacity * (size + 1));
  new Int32Array(buffer)[CAPACITY] = capacity;
  return { size, buffer };
}

/** Ends a group: a thread that waits in a sum throws at once, and so does one that comes to a sum later. */
export function breakThreadGroup({ buffer }: ThreadGroup): void {
  const state = new Int32Array(buffer);
  Atomics.store(state, BROKEN, 1);
  Atomics.add(state, GENERATION, 1);
  Atomics.notify(state, GENERATION);
}

/**
 * A group of threads as one of them sees it.
 *
 * @param options.timeout how long a sum waits for the other threads, in seconds; then it throws. Default 600
 */
export function threadCommunicator(
  group: ThreadGroup,
  rank: number,
  { timeout = 600 }: { timeout?: number } = {},
): Communicator {
  const { size, buffer } = group;
  const state = new Int32Array(buffer);
  const capacity = state[CAPACITY]!;
  const lengths = state.subarray(LENGTHS, LENGTHS + size);
  const start = headerBytes(size);

  const fail = (why: string): never => {
    breakThreadGroup(group);
    throw new Error(`Rank ${rank} of ${size}: ${why}`);
  };
  const checkWhole = () => {
    if (Atomics.load(state, BROKEN)) fail('another thread of the group has ended.');
  };
  const waitForAll = () => {
    checkWhole();
    const generation = Atomics.load(state, GENERATION);
    if (Atomics.add(state, ARRIVED, 1) === size - 1) {
      Atomics.store(state, ARRIVED, 0);
      Atomics.add(state, GENERATION, 1);
      Atomics.notify(state, GENERATION);
      return;
    }
    if (Atomics.wait(state, GENERATION, generation, timeout * 1000) === 'timed-out') {
      fail(`waited ${timeout} s for the others. Did every thread get as many batches?`);
    }
    checkWhole();
  };
  const sum = (values: Float64Array | Float32Array) => {
    const { length, byteLength } = values;
    const viewOf = (part: number) => {
      const address = start + part * capacity;
      return values instanceof Float64Array
        ? new Float64Array(buffer, address, length)
        : new Float32Array(buffer, address, length);
    };
    viewOf(rank).set(values);
    lengths[rank] = byteLength;
    waitForAll();
    const other = lengths.findIndex((bytes) => bytes !== byteLength);
    if (other >= 0) {
      fail(
        `brought ${byteLength} bytes to a sum, and rank ${other} ${lengths[other]!}. All ranks must have the same model.`,
      );
    }
    const parts = Array.from({ length: size }, (_, part) => viewOf(part));
    const result = viewOf(size);
    const end = Math.floor((length * (rank + 1)) / size);
    for (let i = Math.floor((length * rank) / size); i < end; i++) {
      let total = parts[0]![i]!;
      for (let part = 1; part < size; part++) total += parts[part]![i]!;
      result[i] = total;
    }
    waitForAll();
    // Nobody writes to the result before all have come to the next sum's first barrier.
    values.set(result);
  };
  return {
    rank,
    size,
    allReduce(values) {
      const most = capacity / values.BYTES_PER_ELEMENT;
      for (let first = 0; first === 0 || first < values.length; first += most) {
        sum(values.subarray(first, first + most));
      }
    },
    abort() {
      breakThreadGroup(group);
    },
  };
}
