/** @file The backends of the tests, and how one is started: in a test, or in a thread where there is no Vitest. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

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
