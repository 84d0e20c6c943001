/**
 * @file One suite on every backend of TF.js. A backend that is missing fails the run; so does a warning that nobody
 * took. Tensors that a test makes are disposed after it.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { recordWarnings, takeWarnings } from './warnings.js';

export { takeWarnings };

export const BACKENDS = ['cpu', 'wasm'] as const;
/** Besides: TF.js' cpu backend under a name for which there are no kernels of ours, so that TF.js' operations run. */
export const WITHOUT_KERNELS = 'cpu without our kernels';
export type Backend = (typeof BACKENDS)[number] | typeof WITHOUT_KERNELS | 'webgpu';

/**
 * Makes `backend` the one that runs.
 *
 * @throws where it is missing or does not start
 */
export async function useBackend(backend: Backend): Promise<void> {
  if (backend === WITHOUT_KERNELS && !tf.engine().registryFactory[backend]) {
    tf.copyRegisteredKernels('cpu', backend);
    tf.registerBackend(backend, tf.findBackendFactory('cpu'));
  }
  // The first value that a cpu backend holds makes it print a banner, except in a test.
  tf.env().set('IS_TEST', true);
  for (const name of ['cpu', backend]) {
    await tf.setBackend(name);
    tf.scalar(0).dispose();
  }
  tf.env().set('IS_TEST', false);
  await tf.ready();
  if (tf.getBackend() !== backend) throw new Error(`The backend is ${tf.getBackend()}, not ${backend}.`);
}

/** Defines the suite once per backend. */
export function describeBackends(
  suite: (backend: Backend) => void,
  backends: readonly Backend[] = BACKENDS,
): void {
  describe.each(backends)('on %s', (backend) => {
    let stopRecording: () => void;
    beforeAll(() => useBackend(backend));
    beforeEach(() => {
      expect(tf.getBackend()).toBe(backend);
      stopRecording = recordWarnings();
      tf.engine().startScope();
    });
    afterEach(() => {
      tf.engine().endScope();
      stopRecording();
      expect(takeWarnings(), 'warnings that the test did not take').toEqual([]);
    });
    suite(backend);
  });
}
