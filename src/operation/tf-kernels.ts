/**
 * @file The passes as TF.js kernels, under names that `tf.profile` shows, joined by a gradient that computes nothing
 * before it is asked for, and nothing twice.
 */
import {
  type GradFunc,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
  engine,
  getBackend,
  getGradient,
  getKernel,
  registerGradient,
  registerKernel,
} from '@tensorflow/tfjs-core';
import type {
  BatchMoments,
  ElementWeights,
  FusedBackend,
  Normalization,
  ScaleAndOffset,
} from '../backends/backend.js';
import type { Layout } from '../core/layout.js';
import type { JointCall } from '../group/group.js';
import { keepOnTape } from '../backends/tape.js';
import { composedGradient } from './composed-gradient.js';
import { differentiable } from './differentiable.js';

/** The names under which `tf.profile` shows the passes. */
export const KERNEL_NAMES = {
  moments: 'EvenkeelMoments',
  normalize: 'EvenkeelNormalize',
  gradientSums: 'EvenkeelGradientSums',
  gradientNormalize: 'EvenkeelGradientNormalize',
} as const;

/** Runs a pass; returns the tensors that it made. */
type Pass = () => TensorInfo | TensorInfo[];

/** What the gradient is to know of a normalization that has run. */
interface NormalizeAttributes {
  readonly pass: Pass;
  readonly normalization: Normalization;
  readonly scaleAndOffset: ScaleAndOffset;
  /** The input itself, by which a tape knows it; its data may be gone by then. */
  readonly x: Tensor;
}

const registered = new Set<string>();

/** Makes the passes known to TF.js for the active backend. */
function register(): void {
  const backendName = getBackend();
  if (registered.has(backendName)) return;
  registered.add(backendName);
  // Another copy of this library may have been first.
  if ((getKernel(KERNEL_NAMES.moments, backendName) as unknown) != null) return;
  for (const kernelName of Object.values(KERNEL_NAMES)) {
    registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ attrs }) => (attrs as unknown as { readonly pass: Pass }).pass(),
    });
  }
  if ((getGradient(KERNEL_NAMES.normalize) as unknown) != null) return;
  registerGradient({
    kernelName: KERNEL_NAMES.normalize,
    gradFunc: gradient as GradFunc,
  });
}

function run(name: string, inputs: NamedTensorMap, attributes: { readonly pass: Pass }): Tensor {
  return engine().runKernel<Tensor>(name, inputs, attributes as never);
}

/** The moments of x, per group and channel, or those of all ranks' inputs in a call that they make together. */
export function momentsOf(
  backend: FusedBackend,
  x: Tensor,
  layout: Layout,
  weights: ElementWeights | null,
  call: JointCall | null,
): BatchMoments {
  register();
  let moments: BatchMoments;
  const pass = () => {
    moments = backend.moments(x, layout, weights, call);
    return moments.tensors;
  };
  run(KERNEL_NAMES.moments, { x }, { pass });
  return moments!;
}

/** x, normalized. The gradient reaches x, scale and offset, which the normalization was made with. */
export function normalizeBy(normalization: Normalization, x: Tensor, scaleAndOffset: ScaleAndOffset): Tensor {
  register();
  const { scale, offset } = scaleAndOffset;
  const inputs = { x, ...(scale && { scale }), ...(offset && { offset }) };
  const attributes: NormalizeAttributes = {
    pass: () => normalization.normalize(x),
    normalization,
    scaleAndOffset,
    x,
  };
  const y = run(KERNEL_NAMES.normalize, inputs, attributes);
  keepOnTape([x, ...normalization.tensors]);
  return y;
}

/** The gradients of a normalization, each computed when it is called. */
export interface Gradients {
  x(): Tensor;
  parameter(name: keyof ScaleAndOffset, shape: number[]): Tensor;
}

/**
 * What follows from dy. TF.js asks for gradients one by one; the first to need the sums has them made.
 *
 * It must be called outside of these functions: what is made within one of them does not outlive it.
 */
export function gradientsOf(normalization: Normalization, dy: Tensor, x: Tensor): Gradients {
  register();
  const backward = normalization.backward(dy, x);
  const inputs = { x, dy };
  let areSummed = false;
  const sum = () => {
    if (areSummed) return;
    const pass = () => {
      backward.sum();
      return [];
    };
    run(KERNEL_NAMES.gradientSums, inputs, { pass });
    areSummed = true;
  };
  return {
    x() {
      if (normalization.isConstant) {
        return run(KERNEL_NAMES.normalize, { x: dy }, { pass: () => normalization.scaleGradient(dy) });
      }
      sum();
      return run(KERNEL_NAMES.gradientNormalize, inputs, { pass: () => backward.dx() });
    },
    parameter(name, shape) {
      sum();
      return backward.gradientOf(name, shape);
    },
  };
}

/** Nothing is saved of scale and offset: the normalization holds what it needs of them. */
function gradient(dy: Tensor, [kept]: [Tensor], attributes: unknown): Record<string, () => Tensor> {
  const { normalization, scaleAndOffset, x } = attributes as NormalizeAttributes;
  const { scale, offset } = scaleAndOffset;
  const own = gradientsOf(normalization, dy, kept);
  const gradients = {
    x: () => own.x(),
    scale: () => own.parameter('scale', scale!.shape),
    offset: () => own.parameter('offset', offset!.shape),
  };
  if (!engine().isTapeOn()) return gradients;
  const ofX = normalization.isConstant ? [] : (['x'] as const);
  return differentiable(
    gradients,
    { x: ['dy', ...ofX, 'scale'], scale: ['dy', 'x'], offset: ['dy'] },
    // `kept` has x's data, but no tape knows it.
    { dy, x, scale },
    (keptDy) => ({ dy: keptDy, x: kept, scale: normalization.numbers().scale }),
    (name, given) => composedGradient(name, normalization, given),
  );
}
