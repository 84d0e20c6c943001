/**
 * @file The passes as TF.js kernels, under names that `tf.profile` shows, joined by a gradient that computes nothing
 * before it is asked for, and nothing twice.
 *
 * Kernels take and give tensors; what a pass needs or finds per channel travels beside them in a `Step`.
 */
import {
  type GradFunc,
  type NamedTensorMap,
  type Tensor,
  type TensorInfo,
  customGrad,
  engine,
  getBackend,
  getGradient,
  getKernel,
  registerGradient,
  registerKernel,
  tensor,
  util,
} from '@tensorflow/tfjs-core';
import type { PassMemory } from '../backends/pass-memory.js';
import * as passes from '../backends/passes.js';
import { gradientCoefficients, parameterGradients } from '../core/coefficients.js';
import type { Layout } from '../core/layout.js';
import type { Affine, GradientSums, Moments } from '../core/passes.js';
import { ValueError } from '../core/value-error.js';

/** The names under which `tf.profile` shows the passes. */
export const KERNEL_NAMES = {
  moments: 'EvenkeelMoments',
  normalize: 'EvenkeelNormalize',
  gradientSums: 'EvenkeelGradientSums',
  gradientNormalize: 'EvenkeelGradientNormalize',
} as const;

/** Where a tensor is seen, and by which weights. */
export interface View {
  readonly on: PassMemory;
  readonly layout: Layout;
  readonly weights: passes.Weights | null;
}

/** One normalization: what forward knows and backward needs, beside x. */
export interface Step extends View {
  readonly epsilon: number;
  /** The moments that x is normalized by; a count of 0 where they are constants. */
  readonly used: Moments;
  /** x̂·r + d as a function of x. */
  readonly normalization: Affine;
  /** y as a function of x. */
  readonly affine: Affine;
  /** What the affine was made with, if anything: gamma, or what else the gradient is to reach. */
  readonly scale: Tensor | null;
  /** The shape of scale and offset; groups share them. */
  readonly parameterShape: number[];
}

interface MomentsAttributes {
  readonly view: View;
  found?: Moments;
}

interface StepAttributes {
  readonly step: Step;
  sums?: GradientSums;
}

type Kernel = (inputs: Record<'x' | 'dy', TensorInfo>, attributes: never) => TensorInfo | TensorInfo[];

const KERNELS: Record<string, Kernel> = {
  [KERNEL_NAMES.moments]({ x }, attributes: MomentsAttributes) {
    const { on, layout, weights } = attributes.view;
    attributes.found = passes.moments(on, x, layout, weights);
    return [];
  },
  [KERNEL_NAMES.normalize]({ x }, { step: { on, layout, affine } }: StepAttributes) {
    return passes.normalize(on, x, layout, affine);
  },
  [KERNEL_NAMES.gradientSums]({ x, dy }, attributes: StepAttributes) {
    const { on, layout, affine } = attributes.step;
    attributes.sums = passes.gradientSums(on, dy, x, layout, affine.centre);
    return [];
  },
  [KERNEL_NAMES.gradientNormalize]({ x, dy }, { step, sums }: StepAttributes) {
    const coefficients = gradientCoefficients(sums!, step.used, step.affine, step.epsilon);
    return passes.gradientNormalize(step.on, dy, x, step.layout, coefficients, step.weights);
  },
};

/** Makes the passes known to TF.js for the active backend. */
function register(): void {
  const backendName = getBackend();
  if ((getKernel(KERNEL_NAMES.moments, backendName) as unknown) != null) return;
  for (const [kernelName, kernel] of Object.entries(KERNELS)) {
    registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => kernel(inputs as Record<'x' | 'dy', TensorInfo>, attrs as never),
    });
  }
  if ((getGradient(KERNEL_NAMES.normalize) as unknown) != null) return;
  registerGradient({
    kernelName: KERNEL_NAMES.normalize,
    inputsToSave: ['x'],
    gradFunc: gradient as GradFunc,
  });
}

function run(name: string, inputs: NamedTensorMap, attributes: MomentsAttributes | StepAttributes): Tensor {
  return engine().runKernel<Tensor>(name, inputs, attributes as never);
}

/** The moments of x, per group and channel. */
export function momentsOf(x: Tensor, view: View): Moments {
  register();
  const attributes: MomentsAttributes = { view };
  run(KERNEL_NAMES.moments, { x }, attributes);
  return attributes.found!;
}

/** x normalized as the step says. The gradient reaches x, the step's scale, and offset. */
export function normalizeBy(step: Step, x: Tensor, offset: Tensor | null): Tensor {
  register();
  const { scale } = step;
  return run(KERNEL_NAMES.normalize, { x, ...(scale && { scale }), ...(offset && { offset }) }, { step });
}

/** Nothing is saved of scale and offset: the step holds their values, and their shape is that of a parameter. */
function gradient(dy: Tensor, [x]: [Tensor], attributes: unknown): Record<string, () => Tensor> {
  const { step } = attributes as StepAttributes;
  const inputs = { x, dy };
  // One object for all three gradients, which TF.js asks for one by one; the first to need the sums has them made.
  const backward: StepAttributes = { step };
  const sums = () => {
    if (!backward.sums) run(KERNEL_NAMES.gradientSums, inputs, backward);
    return backward.sums!;
  };
  const { normalization, parameterShape } = step;
  let found: ReturnType<typeof parameterGradients> | undefined;
  const parameterGradient = (name: 'dgamma' | 'dbeta') => {
    found ??= parameterGradients(sums(), normalization, util.sizeFromShape(parameterShape));
    return tensor(new Float32Array(found[name]), parameterShape);
  };
  const gradients: Record<string, () => Tensor> = {
    x() {
      if (step.used.count.every((count) => count === 0)) return scaled(dy, step);
      sums();
      return run(KERNEL_NAMES.gradientNormalize, inputs, backward);
    },
    scale: () => parameterGradient('dgamma'),
    offset: () => parameterGradient('dbeta'),
  };
  if (!engine().isTapeOn()) return gradients;
  // Within another gradient: what is computed here is a constant to it, and must say so rather than be one.
  const sources = step.scale ? [dy, x, step.scale] : [dy, x];
  return Object.fromEntries(
    Object.entries(gradients).map(([name, compute]) => {
      const once = customGrad(() => ({ value: compute(), gradFunc: refuseSecondDerivative }));
      return [name, () => once(...sources)];
    }),
  );
}

/** Where the moments are constants, dx = slope·dy, and x need not be read. */
function scaled(dy: Tensor, step: Step): Tensor {
  const { slope } = step.affine;
  const zeros = new Float64Array(slope.length);
  const affine = { centre: zeros, slope, intercept: zeros };
  return run(KERNEL_NAMES.normalize, { x: dy }, { step: { ...step, affine } });
}

function refuseSecondDerivative(): never {
  throw new ValueError(
    'The gradient of the fused batch normalization cannot be differentiated again. ' +
      'Use fused: false for second derivatives.',
  );
}
