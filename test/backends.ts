/**
 * @file One suite on every backend of TF.js. A backend that is missing fails the run; so does a warning that nobody
 * took. Tensors that a test makes are disposed after it.
 */
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { BACKENDS, type Backend, WITHOUT_KERNELS, useBackend } from './use-backend.js';
import { recordWarnings, takeWarnings } from './warnings.js';

export { BACKENDS, type Backend, WITHOUT_KERNELS, takeWarnings, useBackend };

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
