/** @file The bench names the kernels in which a step spends its time, each without those that it calls. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { exclusiveTimes } from '../../bench/exclusive-times.js';

tf.enableProdMode(); // no greeting

const call = (kernelName: string) => tf.engine().runKernel(kernelName, {});
let now = 0;
/** Kernels that take so many milliseconds before and after what they call. */
const KERNELS: Record<string, () => void> = {
  Inner: () => {
    now += 3;
  },
  Middle: () => {
    now += 10;
    call('Inner');
    call('Inner');
  },
  Outer: () => {
    now += 100;
    call('Middle');
    now += 200;
    call('Inner');
  },
  Fails: () => {
    call('Inner');
    throw new Error('on purpose');
  },
};

beforeEach(async () => {
  await tf.setBackend('cpu');
  now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  for (const [kernelName, run] of Object.entries(KERNELS)) {
    const kernelFunc = () => {
      run();
      return [];
    };
    tf.registerKernel({ kernelName, backendName: 'cpu', kernelFunc });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const kernelName of Object.keys(KERNELS)) tf.unregisterKernel(kernelName, 'cpu');
});

test('a kernel counts without those that it calls, however deep', () => {
  const times = exclusiveTimes(() => {
    call('Outer');
    call('Inner');
    now += 78; // TF.js' own work
  });
  expect(times).toEqual([
    { kernel: 'Outer', ms: 300, share: 0.75 },
    { kernel: 'Inner', ms: 12, share: 0.03 },
    { kernel: 'Middle', ms: 10, share: 0.025 },
  ]);
});

test('afterwards the kernels are what they were, also where one of them fails', () => {
  const before = tf.getKernelsForBackend('cpu');
  exclusiveTimes(() => call('Outer'));
  expect(() => exclusiveTimes(() => call('Fails'))).toThrow('on purpose');
  expect(new Set(tf.getKernelsForBackend('cpu'))).toEqual(new Set(before));
  for (const config of before) expect(tf.getKernel(config.kernelName, 'cpu')).toBe(config);
});

test('a kernel that fails leaves the count of the others right', () => {
  const times = exclusiveTimes(() => {
    expect(() => call('Fails')).toThrow('on purpose');
    call('Inner');
    now += 4;
  });
  expect(times.find(({ kernel }) => kernel === 'Inner')).toEqual({ kernel: 'Inner', ms: 6, share: 0.6 });
});
