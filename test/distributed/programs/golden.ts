/**
 * @file Golden cases on ranks: each has a part of the batch, and must find there what Keras found in the whole.
 * Gradients of gamma and beta are sums over ranks.
 */
import * as tf from '@tensorflow/tfjs';
import type { BatchNormalizationArgs } from 'evenkeel';
import { type Communicator, synchronizeOver } from 'evenkeel/distributed';
import { type GoldenCase, LAYER_GROUPS, type Packed, readCases } from '../../golden/index.js';
import { replayCase } from '../../keras/cases.js';
import { type Backend, useBackend } from '../../use-backend.js';
import { recordWarnings } from '../../warnings.js';

interface Rows {
  readonly batch: number;
  readonly first: number;
  readonly end: number;
}

/** 1, 2, … rows, and the rest for the last rank: where there are few, some have none. */
function rowsOf({ rank, size }: Communicator, batch: number): Rows {
  const start = (rank: number) => (rank === size ? batch : Math.min(batch, (rank * (rank + 1)) / 2));
  return { batch, first: start(rank), end: start(rank + 1) };
}

function cut(packed: Packed, { first, end }: Rows): Packed {
  const [batch, ...rest] = packed.shape as [number, ...number[]];
  const row = packed.data.length / batch;
  return { ...packed, shape: [end - first, ...rest], data: packed.data.slice(first * row, end * row) };
}

/** A rank's part of a case. What is broadcast over the batch stays whole. */
function partOf(golden: GoldenCase, rows: Rows): GoldenCase {
  const cutIfWhole = (packed: Packed, rank: number) =>
    rows.batch > 1 && packed.shape.length === rank && packed.shape[0] === rows.batch
      ? cut(packed, rows)
      : packed;
  const { inputShape, adjustment, steps } = golden;
  const rank = inputShape.length;
  return {
    ...golden,
    ...(adjustment && {
      adjustment: {
        scale: cutIfWhole(adjustment.scale, rank),
        bias: cutIfWhole(adjustment.bias, rank),
      },
    }),
    steps: steps.map(({ x, dy, y, mask, gradients, ...step }) => ({
      ...step,
      ...{ x: cut(x, rows), dy: cut(dy, rows), y: cut(y, rows) },
      gradients: { ...gradients, ...(gradients.x && { x: cut(gradients.x, rows) }) },
      ...(mask && { mask: cutIfWhole(mask, rank - 1) }),
    })),
  };
}

const hasRowsToCut = ({ args, inputShape }: GoldenCase) =>
  args.virtual_batch_size == null &&
  ![args.axis ?? -1].flat().some((axis) => axis === 0 || axis === -inputShape.length);

export interface Replay {
  readonly backend: Backend;
  readonly args: BatchNormalizationArgs;
  /** Every other case, from this one on; all where it is left out. */
  readonly half?: 0 | 1;
}

/** Replays all cases that can be cut; returns how many there were, and in how many this rank had no rows. */
export async function replay(
  communicator: Communicator,
  { backend, args, half }: Replay,
): Promise<{ cases: number; withoutRows: number }> {
  await useBackend(backend);
  synchronizeOver(communicator);
  recordWarnings();
  const sumOverRanks = (values: Float32Array) => {
    const sums = values.slice();
    communicator.allReduce(sums);
    return sums;
  };
  const result = { cases: 0, withoutRows: 0 };
  const cases = LAYER_GROUPS.flatMap(readCases).filter(hasRowsToCut);
  for (const golden of cases.filter((_, i) => half === undefined || i % 2 === half)) {
    const rows = rowsOf(communicator, golden.inputShape[0]!);
    tf.engine().startScope();
    try {
      const more = { fused: null, synchronized: true, ...args };
      await replayCase(partOf(golden, rows), result.cases, more, sumOverRanks);
    } catch (error) {
      throw new Error(`${golden.name}: ${(error as Error).message}`, { cause: error });
    } finally {
      tf.engine().endScope();
    }
    result.cases++;
    if (rows.first === rows.end) result.withoutRows++;
  }
  return result;
}
