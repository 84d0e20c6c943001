/** @file Sums of threads: those that can be made, and each way in which one cannot. */
import type { Communicator } from 'evenkeel/distributed';

const pause = (seconds: number) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000 * seconds);

/** Numbers whose sum depends on the order and, in float32, on where it is rounded. */
const numberOf = (rank: number, i: number): number => Math.sin(7 * i + 3 * rank + 1) * 10 ** ((i + rank) % 5);

export interface Sums {
  readonly lengths: readonly number[];
  readonly isFloat64: boolean;
}

const makeValues = (rank: number, length: number, isFloat64: boolean) =>
  isFloat64
    ? Float64Array.from({ length }, (_, i) => numberOf(rank, i))
    : Float32Array.from({ length }, (_, i) => numberOf(rank, i));

/** The sums, one after the other, and whether each is that of the ranks' numbers in their order. */
export function makeSums(communicator: Communicator, { lengths, isFloat64 }: Sums) {
  const { rank, size } = communicator;
  return lengths.map((length) => {
    const values = makeValues(rank, length, isFloat64);
    communicator.allReduce(values);
    const expected = new (isFloat64 ? Float64Array : Float32Array)(length);
    const all = Array.from({ length: size }, (_, one) => makeValues(one, length, isFloat64));
    for (let i = 0; i < length; i++) expected[i] = all.reduce((total, its) => total + its[i]!, 0);
    const bytes = Buffer.from(values.buffer);
    return { length, isExact: bytes.equals(Buffer.from(expected.buffer)), bits: bytes.toString('base64') };
  });
}

/** Sums of one number, a thousand times: where ranks meet at once, and where one is late. */
export function countTogether(communicator: Communicator): number {
  const { rank, size } = communicator;
  let right = 0;
  for (let i = 0; i < 1000; i++) {
    const values = Float64Array.of(rank + i);
    communicator.allReduce(values);
    if (values[0] === (size * (size - 1)) / 2 + size * i) right++;
  }
  return right;
}

/** What each rank brings to its second sum. */
export function bring(communicator: Communicator, each: readonly Sums[]): void {
  communicator.allReduce(new Float64Array(3));
  const { lengths, isFloat64 } = each[communicator.rank]!;
  for (const length of lengths) communicator.allReduce(makeValues(0, length, isFloat64));
}

/** Rank 0 has a batch more, and the others take their time before they look for one. */
export function bringLess(communicator: Communicator, seconds: number): void {
  communicator.allReduce(new Float64Array(3));
  if (communicator.rank > 0) pause(seconds);
  communicator.allReduce(new Float64Array(3));
}

/** The last rank ends in some way, while the others wait in a sum. */
export async function end(communicator: Communicator, how: 'throw' | 'exit' | 'reject' | 'abort' | 'array') {
  const isLast = communicator.rank === communicator.size - 1;
  communicator.allReduce(new Float64Array(3));
  if (isLast) {
    pause(0.2);
    if (how === 'throw') throw new RangeError('It fails.');
    if (how === 'exit') process.exit(9);
    if (how === 'abort') communicator.abort?.(new Error('It gives up.'));
    if (how === 'array') communicator.allReduce([1, 2, 3] as unknown as Float64Array);
    if (how === 'reject') {
      void Promise.reject(new Error('Nobody listens.'));
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }
  }
  communicator.allReduce(new Float64Array(3));
}
