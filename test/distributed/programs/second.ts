/** @file Second derivatives on ranks. */
import * as tf from '@tensorflow/tfjs';
import { type Communicator, synchronizeOver } from 'evenkeel/distributed';
import { type Call, setUp } from '../../gradients/second.js';
import { type Backend, useBackend } from '../../use-backend.js';

export interface Calls {
  readonly backend: Backend;
  readonly calls: readonly Call[];
  /** Where each rank's rows begin, and where the last one's end, for each call. */
  readonly starts: readonly (readonly number[])[];
}

/** By calls, kernels and operations, names: what this rank's part of each loss comes to. */
export async function derivatives(
  communicator: Communicator,
  { backend, calls, starts }: Calls,
): Promise<Record<'kernels' | 'operations', Record<string, number[]>>[]> {
  await useBackend(backend);
  synchronizeOver(communicator);
  const results = [];
  for (const [i, call] of calls.entries()) {
    const { rank } = communicator;
    const rows = { first: starts[i]![rank]!, end: starts[i]![rank + 1]! };
    const inLayer = async (fused: boolean | null) => {
      tf.engine().startScope();
      const values = await setUp(call).inLayer(fused, { rows, synchronized: true });
      tf.engine().endScope();
      return Object.fromEntries(Object.entries(values).map(([name, numbers]) => [name, Array.from(numbers)]));
    };
    results.push({ kernels: await inLayer(null), operations: await inLayer(false) });
  }
  return results;
}
