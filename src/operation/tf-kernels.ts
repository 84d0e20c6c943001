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
} from '@tensorflow/tfjs-core';
import type { Adjusters, FusedBackend, Normalization } from '../backends/backend.js';
import type { Layout } from '../core/layout.js';
import { ValueError } from '../text/value-error.js';

/** The names under which `tf.profile` shows the passes. */
export const KERNEL_NAMES = {
  moments: 'EvenkeelMoments',
  normalize: 'EvenkeelNormalize',
  gradientSums: 'EvenkeelGradientSums',
  gradientNormalize: 'EvenkeelGradientNormalize',
} as const;

/** Where a tensor is seen, and by which weights. */
export interface View<Batch = unknown> {
  readonly on: FusedBackend<unknown, Batch>;
  readonly layout: Layout;
  readonly weights: unknown;
}

/** One normalization: what forward knows and backward needs, beside x. */
export interface Step extends View {
  readonly found: Normalization;
  /** What the normalization was made with, if anything: gamma, or what else the gradient is to reach. */
  readonly scale: Tensor | null;
  /** The shape of scale and offset; groups share them. */
  readonly parameterShape: number[];
}

interface MomentsAttributes<Batch = unknown> {
  readonly view: View<Batch>;
  batch?: Batch;
}

interface ForwardAttributes {
  readonly step: Step;
  /** x is a dy, to be multiplied by dy/dx where that is a constant per channel. */
  readonly isGradient?: true;
}

interface BackwardAttributes extends ForwardAttributes {
  readonly sums: unknown;
}

type Kernel = (inputs: Record<'x' | 'dy', TensorInfo>, attributes: never) => TensorInfo | TensorInfo[];

const KERNELS: Record<string, Kernel> = {
  [KERNEL_NAMES.moments]({ x }, attributes: MomentsAttributes) {
    const { on, layout, weights } = attributes.view;
    attributes.batch = on.moments(x, layout, weights);
    return [];
  },
  [KERNEL_NAMES.normalize]({ x }, { step: { on, layout, found }, isGradient }: ForwardAttributes) {
    return isGradient ? on.scaleGradient(x, layout, found) : on.normalize(x, layout, found);
  },
  [KERNEL_NAMES.gradientSums]({ x, dy }, { step: { on, layout, found }, sums }: BackwardAttributes) {
    on.sumGradients(dy, x, layout, found, sums);
    return [];
  },
  [KERNEL_NAMES.gradientNormalize]({ x, dy }, { step, sums }: BackwardAttributes) {
    return step.on.gradientNormalize(dy, x, step.layout, step.found, sums, step.weights);
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
    gradFunc: gradient as GradFunc,
  });
}

function run(
  name: string,
  inputs: NamedTensorMap,
  attributes: MomentsAttributes | ForwardAttributes | BackwardAttributes,
): Tensor {
  return engine().runKernel<Tensor>(name, inputs, attributes as never);
}

/** The moments of x, per group and channel. */
export function momentsOf<Batch>(x: Tensor, view: View<Batch>): Batch {
  register();
  const attributes: MomentsAttributes<Batch> = { view };
  run(KERNEL_NAMES.moments, { x }, attributes);
  return attributes.batch!;
}

/** x normalized as the step says. The gradient reaches x, the step's scale, and offset. */
export function normalizeBy(step: Step, x: Tensor, offset: Tensor | null): Tensor {
  register();
  const { scale, found } = step;
  const inputs = { x, ...found.tensors, ...(scale && { scale }), ...(offset && { offset }) };
  const y = run(KERNEL_NAMES.normalize, inputs, { step });
  keepOnTape([x, ...Object.values(found.tensors)]);
  return y;
}

/**
 * Keeps tensors alive until the gradient of what ran last has been computed. TF.js' way, `inputsToSave`, clones them,
 * and a clone on wasm is a copy: here their data is shared.
 */
function keepOnTape(tensors: readonly Tensor[]): void {
  if (!engine().isTapeOn()) return;
  const { saved } = engine().state.activeTape.at(-1)!;
  for (const { dataId, shape, dtype } of tensors) {
    engine().backend.incRef(dataId);
    saved!.push(engine().keep(engine().makeTensorFromTensorInfo({ dataId, shape, dtype })));
  }
}

/** Nothing is saved of scale and offset: the step holds what it needs of them. */
function gradient(dy: Tensor, [x]: [Tensor], attributes: unknown): Record<string, () => Tensor> {
  const { step } = attributes as ForwardAttributes;
  const { on, layout, found, parameterShape } = step;
  const inputs = { x, dy };
  // One room for all three gradients, which TF.js asks for one by one; the first to need the sums has them made. It is
  // taken here, since what is made within one of the gradients does not outlive that.
  const backward: BackwardAttributes = { step, sums: on.roomForSums(layout) };
  let areSummed = false;
  const sums = () => {
    if (!areSummed) run(KERNEL_NAMES.gradientSums, inputs, backward);
    areSummed = true;
    return backward.sums;
  };
  const adjusterGradient = (name: keyof Adjusters) => () =>
    on.adjusterGradient(name, layout, found, sums(), parameterShape);
  const gradients: Record<string, () => Tensor> = {
    x() {
      if (found.isConstant) return run(KERNEL_NAMES.normalize, { x: dy }, { step, isGradient: true });
      sums();
      return run(KERNEL_NAMES.gradientNormalize, inputs, backward);
    },
    scale: adjusterGradient('scale'),
    offset: adjusterGradient('offset'),
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

function refuseSecondDerivative(): never {
  throw new ValueError(
    'The gradient of the fused batch normalization cannot be differentiated again. ' +
      'Use fused: false for second derivatives.',
  );
}
