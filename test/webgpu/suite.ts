/** @file One suite on TF.js' webgpu backend in Node, on SwiftShader: no GPU is needed, and every machine is the same. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe } from 'vitest';
import { startWebgpu } from '../../bench/webgpu/device.js';
import { describeBackends } from '../backends.js';

/** What the tests use of tfjs-backend-webgpu's class, which the package does not export with all of it. */
export interface Backend {
  readonly device: GPUDevice;
  readonly bufferManager: {
    acquireBuffer(size: number, usage: number): GPUBuffer;
    getNumUsedBuffers(): number;
  };
  getBufferData(buffer: GPUBuffer): Promise<unknown>;
}

const missing = await startWebgpu(true);
if (missing === null) await import('@tensorflow/tfjs-backend-webgpu');

export const webgpu = () => tf.engine().backend as unknown as Backend;

/** Defines a suite that skips, and says why, where there is no WebGPU. What the device refuses fails the test. */
export function describeWebgpu(suite: () => void): void {
  describe.skipIf(missing !== null)(missing ?? 'in Node', { tags: ['webgpu'] }, () => {
    describeBackends(() => {
      beforeAll(() => {
        webgpu().device.onuncapturederror = ({ error }) => {
          console.error(error.message);
        };
      });
      suite();
    }, ['webgpu']);
  });
}
