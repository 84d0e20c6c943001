/**
 * @file A communicator of threads in one process, over memory that they share: Node's worker_threads, or workers of a
 * cross-origin isolated page. Each rank adds up a part of what all have laid down, in the order of ranks, so that all
 * get the same bits. A barrier stands before that and after.
 */
import { type Communicator, SAME_SUMS, sumInPieces } from '../group/communicator.js';
import { checkNames } from '../text/names.js';
import { checkNumber } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { Member, type ThreadGroup } from './thread-group.js';

/** How many numbers of which type a rank brings to a sum: as one number, and in words. */
const encode = (values: Float64Array | Float32Array) =>
  2 * values.length + (values instanceof Float64Array ? 1 : 0);
const describe = (brought: number) =>
  `${Math.floor(brought / 2)} numbers of float${brought % 2 === 1 ? 64 : 32}`;

export const checkTimeout = (timeout: unknown) => {
  checkNumber('timeout', timeout, (value) => value > 0, 'seconds, more than 0');
};

/**
 * A group of threads as one of them sees it. Where a sum cannot be made it throws, on this rank and on all others: then
 * the group has ended.
 *
 * @param options.timeout how long a sum waits for the other threads, in seconds; then it throws. Default 600
 * @throws Error on a page's own thread, which must not wait: train in workers
 */
export function threadCommunicator(
  group: ThreadGroup,
  rank: number,
  options: { timeout?: number } = {},
): Communicator {
  checkNames('option', 'threadCommunicator', options, ['timeout']);
  const { timeout = 600 } = options;
  checkTimeout(timeout);
  const member = new Member(group, rank, timeout);
  const { size, capacity } = member;
  const brought = Array.from({ length: size }, (_, one) => member.brought(one));

  const checkAlike = () => {
    const own = brought[rank]![0]!;
    const other = brought.findIndex((its) => its[0] !== own);
    if (other < 0) return;
    member.fail(
      new ValueError(
        `Rank ${rank} of ${size} brought ${describe(own)} to a sum, and rank ${other} brought ` +
          `${describe(brought[other]![0]!)}. ${SAME_SUMS}`,
      ),
    );
  };
  const sumPiece = (values: Float64Array | Float32Array) => {
    const parts = values instanceof Float64Array ? member.float64 : member.float32;
    const { length } = values;
    // How many numbers there are from part to part, and up to the result.
    const stride = capacity / values.BYTES_PER_ELEMENT;
    const result = size * stride;
    parts.set(values, rank * stride);
    member.waitForAll();
    checkAlike();
    const end = Math.floor((length * (rank + 1)) / size);
    for (let i = Math.floor((length * rank) / size); i < end; i++) {
      let total = parts[i]!;
      for (let other = i + stride; other < result; other += stride) total += parts[other]!;
      parts[result + i] = total;
    }
    member.waitForAll();
    // Nobody writes to the result before all have come to the next sum's first barrier.
    values.set(parts.subarray(result, result + length));
  };

  return {
    rank,
    size,
    allReduce(values) {
      if (!(values instanceof Float64Array || values instanceof Float32Array)) {
        member.fail(
          new TypeError(
            `Rank ${rank} of ${size}: values: expected a Float64Array or a Float32Array, received ${show(values)}.`,
          ),
        );
      }
      brought[rank]![0] = encode(values);
      sumInPieces(values, capacity, sumPiece);
    },
    abort(reason) {
      member.end(reason);
    },
  };
}
