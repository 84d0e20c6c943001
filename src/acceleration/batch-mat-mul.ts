/**
 * @file Matrix products with a transposed factor on wasm, of which the gradient of a dense layer has two: transposed
 * first, and then multiplied by TF.js' own kernel.
 *
 * TF.js 4.22 hands only plain products of single matrices to XNNPACK, and computes those with a transposed factor one
 * number at a time (tensorflow/tfjs:tfjs-backend-wasm/src/cc/batch_mat_mul_impl.cc). On one core of an AMD EPYC, for N
 * samples, I inputs and O outputs of a dense layer:
 *
 *   N × I × O          xᵀ·dy (weights)        dy·wᵀ (inputs)
 *   60 × 784 × 100     9.9 ms → 0.7 ms        10.9 ms → 1.5 ms
 *   60 × 100 × 100     1.1 ms → 0.04 ms       1.2 ms → 0.06 ms
 *   60 × 100 × 10      0.04 ms → 0.01 ms      0.05 ms → 0.01 ms
 *
 * Products of several matrices, as of attention, are computed one by one: 64 of 128×32×128 take 7 ms instead of 36.
 *
 * A whole training step of such layers takes 3 ms instead of 16 ms. It can go when TF.js hands all products to XNNPACK.
 */
import {
  type KernelConfig,
  type KernelFunc,
  type Tensor,
  type TensorInfo,
  Transpose,
  matMul,
  reshape,
  stack,
  tidy,
  unstack,
  util,
} from '@tensorflow/tfjs-core';
import { registeredKernel } from './replacement.js';

interface Inputs {
  readonly a: Tensor;
  readonly b: Tensor;
}

interface Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Multiplications from which on transposing is worth its call, and per number that is transposed. */
const ENOUGH_WORK = 16_384;
const ENOUGH_WORK_PER_NUMBER = 8;

/** `BatchMatMul` in the place of `before`, which multiplies. */
export function acceleratedBatchMatMul(before: KernelConfig): KernelConfig {
  const kernelFunc: KernelFunc = (call) => {
    const { a, b } = call.inputs as unknown as Inputs;
    const { transposeA, transposeB } = call.attrs as unknown as Attributes;
    const transpose = registeredKernel(Transpose, before.backendName)?.kernelFunc;
    const numbers =
      (transposeA ? util.sizeFromShape(a.shape) : 0) + (transposeB ? util.sizeFromShape(b.shape) : 0);
    const work = util.sizeFromShape(a.shape) * b.shape.at(transposeB ? -2 : -1)!;
    const isWorthIt = numbers > 0 && work >= Math.max(ENOUGH_WORK, ENOUGH_WORK_PER_NUMBER * numbers);
    if (!isMatrix(a) || !isMatrix(b)) {
      const isMany = work >= ENOUGH_WORK * Math.max(1, util.sizeFromShape(a.shape.slice(0, -2)));
      return isMany && haveSameBatch(a, b)
        ? productOfEach(a, b, transposeA, transposeB)
        : before.kernelFunc(call);
    }
    if (!transpose || !isWorthIt) return before.kernelFunc(call);

    const made: TensorInfo[] = [];
    const straight = (x: TensorInfo, isTransposed: boolean): TensorInfo => {
      if (!isTransposed) return x;
      const perm = [...x.shape.keys()];
      perm.push(...perm.splice(-2).reverse());
      const y = transpose({ inputs: { x }, attrs: { perm }, backend: call.backend }) as TensorInfo;
      made.push(y);
      return y;
    };
    try {
      return before.kernelFunc({
        ...call,
        inputs: { a: straight(a, transposeA), b: straight(b, transposeB) },
        attrs: { transposeA: false, transposeB: false },
      });
    } finally {
      for (const { dataId } of made)
        (call.backend as { disposeData(dataId: object): void }).disposeData(dataId);
    }
  };
  return { ...before, kernelFunc };
}

const haveSameBatch = (a: TensorInfo, b: TensorInfo) =>
  util.arraysEqual(a.shape.slice(0, -2), b.shape.slice(0, -2));

/** Products of several matrices, one by one. */
function productOfEach(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const matricesOf = (x: Tensor) => unstack(reshape(x, [-1, ...x.shape.slice(-2)]));
  return tidy(() => {
    const others = matricesOf(b);
    const products = matricesOf(a).map((one, i) => matMul(one, others[i]!, transposeA, transposeB));
    return reshape(stack(products), [...a.shape.slice(0, -2), ...products[0]!.shape]);
  });
}

/** Whether it is one matrix, whatever its rank. */
const isMatrix = ({ shape }: TensorInfo) => util.sizeFromShape(shape.slice(0, -2)) === 1;
