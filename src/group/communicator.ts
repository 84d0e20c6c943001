/**
 * @file What training on several cores or machines asks of an engine: one sum over all of them, which blocks. Nothing here
 * sends anything anywhere: memory shared by threads (`evenkeel/threads`) or MPI (`evenkeel/mpi`) does.
 */

/** How to have every rank make the same sums, for errors. */
export const SAME_SUMS =
  'All ranks must have the same model, call it in the same order, and get as many batches.';

/** A group of processes or threads that train together, as one of them, a rank, sees it. The words are MPI's. */
export interface Communicator {
  /** Which of the ranks this is: 0 … size − 1. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /**
   * Replaces each number by the sum of those that all ranks have at its place. Returns when that is done, and throws
   * where it cannot be done. Every rank gets the same bits.
   */
  allReduce(values: Float64Array | Float32Array): void;
  /** Ends the whole group, where this rank cannot go on. */
  abort?(reason: unknown): void;
}

/**
 * Sums in pieces of at most so many bytes, one after the other. No numbers are a piece, too: other ranks may bring some,
 * and must hear of it.
 */
export function sumInPieces(
  values: Float64Array | Float32Array,
  byteLength: number,
  sum: (piece: Float64Array | Float32Array) => void,
): void {
  const most = byteLength / values.BYTES_PER_ELEMENT;
  for (let first = 0; first === 0 || first < values.length; first += most) {
    sum(values.subarray(first, first + most));
  }
}
