/**
 * @file The memory that a group of threads shares: its layout, who takes part, whether the group has ended, and why.
 */
import { checkNumber, messageOf, refuse } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';

/** What threads share: made once, and handed to each of them. */
export interface ThreadGroup {
  readonly size: number;
  readonly buffer: SharedArrayBuffer;
}

type Words = Int32Array<SharedArrayBuffer>;
const WORD = Int32Array.BYTES_PER_ELEMENT;

/** Bytes of a cache line. What different ranks write to is in lines of its own. */
const LINE = 64;
const WORDS = LINE / WORD;
/** Bytes of UTF-8 that are kept of why a group ended. */
const LONGEST_REASON = 8 * LINE;

// What the memory begins with, as 32-bit integers.
const MARK = 0;
const SIZE = 1;
const CAPACITY = 2;
/** Who ended the group: 0 nobody, 1 somebody who is no rank, 2 rank 0, 3 rank 1 … */
const ENDED_BY = 3;
const REASON_LENGTH = 4;
/** How many ranks have come to the barrier. */
const ARRIVED = WORDS;
/** `BROKEN`, and `PASSED` for each barrier that all have passed: one word, so that who waits for it misses neither. */
const STATE = 2 * WORDS;
const REASON = 3 * WORDS;
/** From here a line for each rank. */
const RANKS = REASON + LONGEST_REASON / WORD;
/** In a rank's line: which thread it is, how many barriers it came to, and, as float64, what it brings to a sum. */
const THREAD = 0;
const BARRIERS = 1;
const BROUGHT = 1;

const BROKEN = 1;
const PASSED = 2;

const THE_MARK = 0x65766b6c;
/** As many as `Group` can tell apart. */
const MOST_THREADS = 8192;
const LARGEST_PART = 2 ** 30;

/** Tells this thread from the others. */
const thisThread = 1 + Math.floor(Math.random() * 0x7ffffffe);

const roundUp = (bytes: number) => Math.ceil(bytes / LINE) * LINE;
const lineOf = (rank: number) => RANKS + WORDS * rank;

/**
 * Memory for a group of threads.
 *
 * @param size how many threads there are
 * @param byteLength the most that a rank lays down at once; longer messages go in pieces. Default 1 MiB
 * @throws Error where there is no shared memory: in a page that is not cross-origin isolated
 */
export function makeThreadGroup(size: number, byteLength = 1 << 20): ThreadGroup {
  const isCount = (value: number) => Number.isInteger(value) && value >= 1 && value <= MOST_THREADS;
  checkNumber('size', size, isCount, `how many threads there are, from 1 to ${MOST_THREADS}`);
  const isRoom = (value: number) => Number.isInteger(value) && value >= LINE && value <= LARGEST_PART;
  checkNumber('byteLength', byteLength, isRoom, `a number of bytes, from ${LINE} to ${LARGEST_PART}`);
  checkSharedMemory();
  const capacity = roundUp(byteLength);
  // The last part is for the result.
  const buffer = new SharedArrayBuffer(WORD * lineOf(size) + capacity * (size + 1));
  const words = new Int32Array(buffer);
  words[MARK] = THE_MARK;
  words[SIZE] = size;
  words[CAPACITY] = capacity;
  return { size, buffer };
}

function checkSharedMemory(): void {
  if (typeof SharedArrayBuffer !== 'undefined') return;
  throw new Error(
    'There is no memory that threads can share (SharedArrayBuffer): this page is not cross-origin isolated. Serve it with ' +
      'the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
  );
}

/** @throws TypeError for what is no group of threads */
function wordsOf(group: Partial<ThreadGroup> | null): Words {
  checkSharedMemory();
  const { size, buffer } = group ?? {};
  if (buffer instanceof SharedArrayBuffer) {
    const words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / WORD));
    if (words[MARK] === THE_MARK && words[SIZE] === size) return words;
  }
  refuse(TypeError, 'group', 'what makeThreadGroup gave, handed to this thread as it is', group);
}

/**
 * Ends a group: a thread that waits in a sum throws at once, and so does one that comes to a sum later. To be called
 * when a thread of it ends, however that is: no sum that another begins could be finished.
 *
 * @param reason why, for the errors that the threads throw
 */
export function breakThreadGroup(group: ThreadGroup, reason?: unknown): void {
  endGroup(wordsOf(group), 1, reason);
}

/** The first reason is kept. */
function endGroup(words: Words, by: number, reason: unknown): void {
  if (Atomics.compareExchange(words, ENDED_BY, 0, by) === 0 && reason != null) {
    // Encoders do not write into shared memory.
    const text = new Uint8Array(LONGEST_REASON);
    const { written } = new TextEncoder().encodeInto(messageOf(reason), text);
    new Uint8Array(words.buffer, WORD * REASON, LONGEST_REASON).set(text);
    Atomics.store(words, REASON_LENGTH, written);
  }
  Atomics.or(words, STATE, BROKEN);
  Atomics.notify(words, STATE);
}

function readReason(words: Words): string {
  const length = Atomics.load(words, REASON_LENGTH);
  if (length === 0) return 'Another thread of it has ended.';
  return new TextDecoder().decode(new Uint8Array(words.buffer, WORD * REASON, length).slice());
}

/** The rank that ended the group; null where none did. */
export function rankThatEnded(group: ThreadGroup): number | null {
  const by = Atomics.load(wordsOf(group), ENDED_BY);
  return by < 2 ? null : by - 2;
}

/** One rank's way to the memory. */
export class Member {
  readonly size: number;
  /** Bytes that a rank can lay down at once. */
  readonly capacity: number;
  /** What the ranks lay down, `capacity` bytes each, then the result: the same memory as numbers of both types. */
  readonly float64: Float64Array;
  readonly float32: Float32Array;
  private readonly words: Words;

  /**
   * @param timeout seconds that a barrier waits
   * @throws TypeError, ValueError for what is no group, or no rank of it
   */
  constructor(
    group: ThreadGroup,
    readonly rank: number,
    private readonly timeout: number,
  ) {
    const words = wordsOf(group);
    const { size } = group;
    const isRank = (value: number) => Number.isInteger(value) && value >= 0 && value < size;
    checkNumber('rank', rank, isRank, `a whole number from 0 to ${size - 1}, as the group has ${size}`);
    if (size > 1) checkMayWait(words);
    const takenBy = Atomics.compareExchange(words, lineOf(rank) + THREAD, 0, thisThread);
    if (takenBy !== 0 && takenBy !== thisThread) {
      throw new ValueError(
        `rank: ${rank} is that of another thread. Each thread of a group has a rank of its own, and threads that are ` +
          'started again need a new group.',
      );
    }
    this.words = words;
    this.size = size;
    this.capacity = words[CAPACITY]!;
    const parts = [words.buffer, WORD * lineOf(size)] as const;
    this.float64 = new Float64Array(...parts);
    this.float32 = new Float32Array(...parts);
  }

  /** A number that says what a rank brings to a sum. */
  brought(rank: number): Float64Array {
    return new Float64Array(this.words.buffer, WORD * lineOf(rank) + 8 * BROUGHT, 1);
  }

  /** Returns when all ranks have come here, and throws where that cannot be. */
  waitForAll(): void {
    const { words, rank } = this;
    const state = Atomics.load(words, STATE);
    if (state & BROKEN) throw this.endedError();
    const barriers = Atomics.add(words, lineOf(rank) + BARRIERS, 1) + 1;
    if (Atomics.add(words, ARRIVED, 1) === this.size - 1) {
      Atomics.store(words, ARRIVED, 0);
      Atomics.add(words, STATE, PASSED);
      Atomics.notify(words, STATE);
      return;
    }
    // It sleeps at once. Looking a thousand times first would take 1.5 µs, not 20, where both ranks of an idle machine
    // come together. Where they come up to 0.2 ms apart it gains nothing, and with more ranks than cores it takes up to
    // twice the time.
    const deadline = performance.now() + 1000 * this.timeout;
    while (Atomics.load(words, STATE) === state) {
      // What wakes it may be meant for those who slept at the barrier before.
      const left = deadline - performance.now();
      if (left <= 0 || Atomics.wait(words, STATE, state, left) === 'timed-out') break;
    }
    const after = Atomics.load(words, STATE);
    // All have passed, though the group may have ended since then.
    if (after >> 1 !== state >> 1) return;
    if (after & BROKEN) throw this.endedError();
    this.fail(new Error(this.lateMessage(barriers)));
  }

  /** Ends the group and throws. */
  fail(error: Error): never {
    this.end(error);
    throw error;
  }

  end(reason: unknown): void {
    endGroup(this.words, this.rank + 2, reason);
  }

  private endedError(): Error {
    return new Error(
      `Rank ${this.rank} of ${this.size}: the group of threads has ended. ${readReason(this.words)}`,
    );
  }

  private lateMessage(barriers: number): string {
    const { words, rank, size, timeout } = this;
    const late = Array.from({ length: size }, (_, one) => one).filter(
      (one) => Atomics.load(words, lineOf(one) + BARRIERS) !== barriers,
    );
    return (
      `Rank ${rank} of ${size} waited ${timeout} s in a sum for rank ${late.join(', ')}. ` +
      'Did every thread get as many batches?'
    );
  }
}

function checkMayWait(words: Words): void {
  try {
    Atomics.wait(words, STATE, 0, 0);
  } catch (error) {
    throw new Error(
      'This thread must not wait (Atomics.wait), as a page’s own thread must not: sum over ranks in workers.',
      { cause: error },
    );
  }
}
