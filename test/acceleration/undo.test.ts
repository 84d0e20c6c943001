/** @file What `accelerateTensorFlow` puts into TF.js' registries, and that undoing brings back what was there. */
import * as tf from '@tensorflow/tfjs';
import { accelerateTensorFlow } from 'evenkeel';
import { afterEach, expect, test } from 'vitest';
import { BACKENDS, describeBackends } from '../backends.js';
import { on, registered } from './accelerated.js';

const MISSING_ON_WASM = [
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'UnsortedSegmentSum',
];

const REPLACED = {
  cpu: [
    'AvgPool3DGrad',
    'AvgPoolGrad',
    'BatchMatMul',
    'Conv2D',
    'Conv2DBackpropFilter',
    'Conv2DBackpropInput',
    'FusedBatchNorm',
    'FusedConv2D',
    'MaxPool3DGrad',
    'ResizeBilinearGrad',
    'ResizeNearestNeighborGrad',
    '_FusedMatMul',
  ],
  wasm: [
    'AvgPool3DGrad',
    'AvgPoolGrad',
    'BatchMatMul',
    'Cast',
    'Concat',
    'Conv2D',
    'Conv2DBackpropInput',
    'Conv3D',
    'Conv3DBackpropFilterV2',
    'Conv3DBackpropInputV2',
    'DepthwiseConv2dNative',
    'Equal',
    'FusedBatchNorm',
    'FusedConv2D',
    'FusedDepthwiseConv2D',
    'Greater',
    'GreaterEqual',
    'Identity',
    'Less',
    'LessEqual',
    'LogicalAnd',
    'MaxPool3D',
    'MaxPool3DGrad',
    'MaxPoolGrad',
    'Mean',
    'NotEqual',
    'Reverse',
    'Select',
    'Slice',
    'SplitV',
    'Sum',
    'Tile',
    'Transpose',
    'Unpack',
  ],
};

/** Everything that is registered, by name. */
const registry = () => ({
  gradient: tf.getGradient('FusedBatchNorm'),
  others: ['Tile', 'Conv3DBackpropInputV2'].map((name) => tf.getGradient(name)),
  kernels: ['cpu', 'wasm'].map((backend) => new Set(tf.getKernelsForBackend(backend))),
});

describeBackends(() => {
  const stock = registry();
  const undos: (() => void)[] = [];
  const accelerate = () => {
    const undo = accelerateTensorFlow();
    undos.push(undo);
    return undo;
  };

  afterEach(() => {
    for (const undo of undos.splice(0)) undo();
    expect(registry()).toEqual(stock);
  });

  test('replaces what is slow or wrong, adds what wasm lacks, and nothing else', () => {
    expect(MISSING_ON_WASM.map((name) => registered(name, 'wasm'))).toEqual(
      MISSING_ON_WASM.map(() => undefined),
    );
    accelerate();
    const added = ['cpu', 'wasm'].map((backend, i) =>
      tf.getKernelsForBackend(backend).filter((config) => !stock.kernels[i]!.has(config)),
    );
    expect(added.map((configs) => configs.map(({ kernelName }) => kernelName).sort())).toEqual([
      ['EvenkeelOnActivation', ...REPLACED.cpu].sort(),
      [...MISSING_ON_WASM, 'EvenkeelOnActivation', ...REPLACED.wasm].sort(),
    ]);
    expect(tf.getGradient('FusedBatchNorm')).not.toBe(stock.gradient);
    expect(registry().others).not.toContain(stock.others[0]);
    expect(registry().others).not.toContain(undefined);
  });

  test('undo brings back the very same kernels and gradient', () => {
    const names = ['cpu', 'wasm'].map((backend) => registered('FusedBatchNorm', backend));
    const undo = accelerate();
    expect(registered('FusedBatchNorm', 'wasm')).not.toBe(names[1]);
    undo();
    expect(['cpu', 'wasm'].map((backend) => registered('FusedBatchNorm', backend))).toEqual(names);
    expect(registered('FusedBatchNorm', 'wasm')).toBe(names[1]);
    expect(tf.getGradient('FusedBatchNorm')).toBe(stock.gradient);
    expect(registry()).toEqual(stock);
  });

  test.each([
    [0, 1],
    [1, 0],
  ])('two calls are one until both are undone (order: %s, %s)', (...order) => {
    const calls = [accelerate(), accelerate()];
    const during = registry();
    calls[order[0]]!();
    calls[order[0]]!();
    expect(registry()).toEqual(during);
    calls[order[1]]!();
    expect(registry()).toEqual(stock);
    calls[order[1]]!();
    calls[order[0]]!();
    const again = accelerate();
    calls[0]!();
    expect(registered('FusedBatchNorm', 'cpu')).not.toBe(undefined);
    const ofWasm = [...registry().kernels[1]!].filter((config) => !stock.kernels[1]!.has(config));
    expect(ofWasm).toHaveLength(MISSING_ON_WASM.length + REPLACED.wasm.length + 1);
    again();
  });

  test('replaces nothing twice, however often it is called and a backend becomes the active one', async () => {
    accelerate();
    const during = registry();
    accelerate();
    for (const other of BACKENDS) await on(other, () => {});
    const after = registry();
    expect(after.gradient).toBe(during.gradient);
    for (const [i, kernels] of after.kernels.entries()) {
      expect([...kernels].filter((kernel) => !during.kernels[i]!.has(kernel))).toEqual([]);
    }
  });

  test('leaves alone what somebody has put in the place of ours', () => {
    const backendName = tf.getBackend();
    const before = registered('FusedBatchNorm', backendName)!;
    const replace = (config: tf.KernelConfig) => {
      tf.unregisterKernel(config.kernelName, backendName);
      tf.registerKernel(config);
    };
    const undo = accelerate();
    const theirs = { ...before };
    replace(theirs);
    undo();
    expect(registered('FusedBatchNorm', backendName)).toBe(theirs);
    replace(before);
  });

  test('steps aside where TF.js has the kernel', () => {
    const theirs = { kernelName: 'UnsortedSegmentSum', backendName: 'wasm', kernelFunc: () => [] };
    tf.registerKernel(theirs);
    const undo = accelerate();
    expect(registered('UnsortedSegmentSum', 'wasm')).toBe(theirs);
    undo();
    expect(registered('UnsortedSegmentSum', 'wasm')).toBe(theirs);
    tf.unregisterKernel('UnsortedSegmentSum', 'wasm');
  });

  test('undo leaves alone a gradient that somebody registered meanwhile', () => {
    const undo = accelerate();
    const theirs: tf.GradConfig = { kernelName: 'FusedBatchNorm', gradFunc: () => ({}) };
    tf.unregisterGradient('FusedBatchNorm');
    tf.registerGradient(theirs);
    undo();
    expect(tf.getGradient('FusedBatchNorm')).toBe(theirs);
    tf.unregisterGradient('FusedBatchNorm');
    tf.registerGradient(stock.gradient);
  });
});
