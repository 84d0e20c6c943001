/**
 * @file The layer: its weights, and the wiring between TF.js' calls and the operation. Every decision is elsewhere, in
 * arguments.ts, plan.ts and masks.ts; every computation is in src/operation.
 */
import { Tensor, getBackend, type serialization, tidy } from '@tensorflow/tfjs-core';
import { InputSpec, type LayerVariable, SymbolicTensor, layers } from '@tensorflow/tfjs-layers';
import { checkUndisposed } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';
import type { Parameters } from '../operation/adjustment.js';
import { type TrainingStep, infer, inferLastAxis, train } from '../operation/composed/composed.js';
import { activeFusedBackend } from '../backends/active.js';
import type { FusedBackend, Statistics } from '../backends/backend.js';
import { type JointCall, activeGroup, areStandIns } from '../group/group.js';
import { passEmpty, trainEmpty } from '../operation/empty.js';
import { inferFused, trainFused } from '../operation/fused.js';
import { toFloat32 } from '../operation/to-float32.js';
import { refuseTogether } from '../core/options.js';
import { checkGhosts } from '../core/plan.js';
import { callAdjustment } from './adjustments.js';
import {
  type BatchNormalizationArgs,
  type Options,
  type ResolvedArguments,
  resolveArguments,
} from './arguments.js';
import { type CallArguments, checkCallArguments } from './call-arguments.js';
import { argumentsOf, configurationOf } from './configuration.js';
import { type Description, describeExecution } from './description.js';
import { checkBackend, hintFor } from './environment.js';
import { countPenaltiesOnce } from '../model/penalties.js';
import { isFrozen } from '../model/frozen.js';
import { trainAsKeras } from '../model/train-as-keras.js';
import { applyAsCall, executedCall } from '../model/executed-call.js';
import type { Initializer } from './keras-objects.js';
import { hasMask, maskFits } from '../model/masks.js';
import { type Plan, makePlan } from './plan.js';
import { isTensor, show } from '../text/show.js';
import { expectShape, penaltyOf, store } from './variables.js';
import { constrain } from '../model/constraints.js';
import {
  type WeightSpecification,
  type Weights,
  checkWeights,
  initialWeights,
  weightSpecifications,
} from './weights.js';
import { freeWeightNames } from '../model/tensorflow-internals.js';

type Shape = (number | null)[];
type Inputs = Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[];

/** TF.js hands over a tensor or a list of one. What else there may be is given back as it is. */
const onlyOne = <T>(inputs: T | T[]): T =>
  (Array.isArray(inputs) && inputs.length === 1 ? inputs[0] : inputs) as T;

const BUILD_FIRST = "Call build with the input's shape, or apply the layer, first.";

const isBatchNormalization = (layer: layers.Layer) => layer instanceof BatchNormalization;

/** The options, to be read; these three may be changed between calls, as schedules do. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- The constructor assigns all of them.
export interface BatchNormalization extends Readonly<Options> {
  momentum: number;
  renormMomentum: number;
  renormClipping: Options['renormClipping'];
}

/**
 * Keras' batch normalization, complete: `y = gamma · (x − mean) / √(variance + epsilon) + beta`.
 *
 * In training mean and variance are the batch's, over all axes but `axis`, and the moving ones follow them; in
 * inference they are the moving ones. A frozen layer (`trainable` false, or gamma and beta both frozen) infers
 * whatever the call says. Weights stand in Keras' order: gamma, beta, moving mean, moving variance, and with renorm
 * moving deviation, renorm mean, renorm deviation.
 *
 * Source: Ioffe and Szegedy 2015, arXiv:1502.03167; tf-keras 2.18 is the reference for every detail.
 *
 * @example
 * ```ts
 * const layer = new BatchNormalization({ axis: 1, renorm: true });
 * const y = layer.apply(tf.randomNormal([8, 3, 28, 28]), { training: true });
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- See the interface.
export class BatchNormalization extends layers.Layer implements Weights {
  /** Keras' class name, under which models are saved and loaded. */
  static readonly className = 'BatchNormalization';

  /** What the normalized input is multiplied by; null where `scale` is off, and before the layer is built. */
  gamma: LayerVariable | null = null;
  /** What is added to it; null where `center` is off, and before the layer is built. */
  beta: LayerVariable | null = null;
  /** With `renorm`: the deviation whose square becomes the moving variance; null before the layer is built. */
  movingStddev: LayerVariable | null = null;
  /** With `renorm`: the mean that training compares the batch's with; null before the layer is built. */
  renormMean: LayerVariable | null = null;
  /** With `renorm`: the deviation that training compares the batch's with; null before the layer is built. */
  renormStddev: LayerVariable | null = null;

  private moving: Pick<Weights, 'movingMean' | 'movingVariance'> | null = null;
  private plan!: Plan;
  private givenWeights: ResolvedArguments['weights'];
  private hasWarnedOfMask = false;

  /**
   * @param args Keras' arguments; each is described in {@link BatchNormalizationArgs}
   * @throws TypeError for an unknown argument or a value of the wrong type
   * @throws ValueError for a value that cannot be
   */
  constructor(args?: BatchNormalizationArgs | null) {
    const { options, placement, weights } = resolveArguments(args ?? {});
    super(placement);
    trainAsKeras(isBatchNormalization);
    countPenaltiesOnce(this);
    this.supportsMasking = true;
    // TF.js keeps the type only beside an input shape.
    if (placement.dtype) this.dtype = placement.dtype;
    this.givenWeights = weights;
    Object.assign(this, options);
  }

  /**
   * The mean that inference uses. Training moves it towards each batch's.
   *
   * @throws ValueError before the layer is built
   */
  get movingMean(): LayerVariable {
    return this.movingStatistic('movingMean');
  }

  /**
   * The variance that inference uses. Training moves it towards each batch's.
   *
   * @throws ValueError before the layer is built
   */
  get movingVariance(): LayerVariable {
    return this.movingStatistic('movingVariance');
  }

  private movingStatistic(name: 'movingMean' | 'movingVariance'): LayerVariable {
    if (this.moving) return this.moving[name];
    throw new ValueError(`Layer ${show(this.name)} has no ${name} yet. ${BUILD_FIRST}`);
  }

  /** Makes a layer from a configuration: this layer's, stock TF.js', or one written by Keras 2 or 3. */
  static override fromConfig<T extends serialization.Serializable>(
    cls: serialization.SerializableConstructor<T>,
    config: serialization.ConfigDict,
  ): T {
    return new cls(argumentsOf(config));
  }

  /** The configuration that models save. An `adjustment` is code and cannot be part of it; a warning says so. */
  override getConfig(): serialization.ConfigDict {
    if (this.adjustment) {
      console.warn(
        `Layer ${show(this.name)}: its adjustment is a function and was not saved. ` +
          'A layer loaded from this configuration has none; make one with the adjustment and give it the weights.',
      );
    }
    return { ...configurationOf(this), ...super.getConfig() };
  }

  /**
   * Makes the weights for inputs of a shape, the batch first, null where a dimension is free.
   *
   * @throws ValueError where the axes do not fit the shape or the given weights do not fit the layer
   */
  override build(inputShape: Shape | Shape[]): void {
    if (this.built) {
      throw new ValueError(`Layer ${show(this.name)} is built already. Make a new layer for other inputs.`);
    }
    checkBackend();
    const shape = Array.isArray(inputShape[0]) ? inputShape[0] : (inputShape as Shape);
    const plan = makePlan(this, shape);
    const { axes, dimensions, rank } = plan;
    const weights = weightSpecifications(this, plan.parameterShape);
    tidy(() => {
      const values = this.givenWeights && initialWeights(this.givenWeights, weights);
      this.makeWeights(weights);
      values?.forEach((value, i) => this.weights[i]!.write(value));
    });
    this.givenWeights = null;
    this.plan = plan;
    this.inputSpec = [
      new InputSpec({ ndim: rank, axes: Object.fromEntries(axes.map((axis, i) => [axis, dimensions[i]!])) }),
    ];
    this.built = true;
  }

  private makeWeights(specifications: readonly WeightSpecification[]): void {
    try {
      const made = specifications.map((specification) => [
        specification.property,
        this.makeWeight(specification),
      ]);
      const { movingMean, movingVariance, ...others } = Object.fromEntries(made) as Weights;
      this.moving = { movingMean, movingVariance };
      Object.assign(this, others);
    } catch (error) {
      // An initializer refused the shape. What was made before it would never be disposed, and be in the next one's way.
      this.disposeWeights();
      [this.trainableWeights, this.nonTrainableWeights] = [[], []];
      freeWeightNames(this);
      throw error;
    }
    for (const { property, regularizer } of specifications) {
      if (regularizer) this.addLoss(penaltyOf(regularizer, this[property]!));
    }
  }

  private makeWeight({ name, shape, initializer, isTrained, constraint }: WeightSpecification) {
    const variable = this.addWeight(
      name,
      shape,
      'float32',
      expectShape(initializer as Initializer, this.name, name),
      undefined,
      isTrained,
      constraint ?? undefined,
    );
    if (constraint) constrain(variable, constraint);
    return variable;
  }

  /**
   * Sets all weights, in Keras' order. Values stay exactly as given, constraints or not, as in Keras. A layer that is
   * not built has no weights, and takes an empty list.
   *
   * @throws ValueError where their number or shapes are not the layer's
   */
  override setWeights(weights: Tensor[]): void {
    if (!this.built) {
      if (weights.length === 0) return;
      throw new ValueError(`Layer ${show(this.name)} has no weights yet. ${BUILD_FIRST}`);
    }
    checkWeights(this.name, weights, weightSpecifications(this, this.plan.parameterShape));
    tidy(() => {
      super.setWeights(weights.map((weight) => toFloat32(weight)));
    });
  }

  /**
   * Normalizes a tensor at once, or places the layer in a graph where a symbolic tensor is given.
   *
   * @param inputs one tensor of rank 1 to 6, int32 and bool ones are cast to float32
   * @param kwargs see {@link CallArguments}
   * @throws TypeError for an unknown argument or a value of the wrong type
   * @throws ValueError where the input's shape, the batch's size or the mask do not fit
   */
  override apply(
    inputs: Inputs,
    kwargs?: CallArguments,
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    const input = onlyOne<Tensor | SymbolicTensor>(inputs);
    if (!(input instanceof Tensor || input instanceof SymbolicTensor)) {
      const hint = hintFor(inputs) || " A model's output is in its property outputs, a layer's in output.";
      throw new ValueError(
        `Layer ${show(this.name)}: expected one tensor or symbolic tensor, received ${show(inputs)}.${hint}`,
      );
    }
    if (input instanceof Tensor) checkUndisposed(() => `Layer ${show(this.name)}`, input);
    return applyAsCall(this, inputs, () => {
      if (!executedCall(this)) checkCallArguments(kwargs, input);
      return super.apply(inputs, kwargs);
    });
  }

  protected override assertInputCompatibility(inputs: Inputs): void {
    if (!this.built) return;
    const { shape } = onlyOne<Tensor | SymbolicTensor>(inputs);
    const { rank, axes, dimensions } = this.plan;
    if (shape.length !== rank) {
      throw new ValueError(
        `Layer ${show(this.name)} was built for inputs of rank ${rank}, received one of rank ${shape.length}, ` +
          `shape ${show(shape)}. Reshape the input, or make a new layer.`,
      );
    }
    axes.forEach((axis, i) => {
      const size = shape[axis];
      if (size !== null && size !== dimensions[i]) {
        throw new ValueError(
          `Layer ${show(this.name)} was built for ${dimensions[i]!} channels along axis ${axis}, received an input of ` +
            `shape ${show(shape)}. Check the input's layout against the argument axis (${show(this.axis)}).`,
        );
      }
    });
  }

  /** What this layer's calls run on at the moment, and why: the backend, and which fused kernels. */
  describe(): Description {
    return describeExecution(this, this.built ? this.plan : null);
  }

  /** Called by TF.js; use `apply`, which checks its input. */
  override call(inputs: Tensor | Tensor[], kwargs: CallArguments): Tensor {
    // A shared layer may have a mask, or `training: false`, in one call and not in another.
    const own: CallArguments = executedCall(this)?.kwargs ?? {};
    const training = own.training ?? kwargs.training ?? false;
    const update = own.updateMovingStatistics ?? kwargs.updateMovingStatistics ?? true;
    return tidy(() => {
      const input = onlyOne(inputs);
      checkUndisposed(() => `Layer ${show(this.name)}`, input);
      const x = toFloat32(input);
      if (!training || isFrozen(this)) {
        return x.size === 0 ? passEmpty(x, this.readParameters()) : this.infer(x);
      }
      const joint = this.jointCall();
      if (x.size > 0 && !areStandIns()) {
        const mask = this.maskInCall(x, kwargs);
        const adjustment = this.adjustment && callAdjustment(this.adjustment, x.shape);
        return this.train(x, { mask, adjustment, call: joint }, update);
      }
      if (!joint) return passEmpty(x, this.readParameters());
      // It is not called for no rows, but one that changes nothing makes the step what it is on other ranks.
      const adjustment = this.adjustment && ([1, 0] as const);
      return trainEmpty(x, (one, mask) => this.train(one, { mask, adjustment, call: joint }, update));
    });
  }

  /**
   * The mask that counts in the call that TF.js makes now. For tools that stand in for `call`.
   *
   * @internal
   */
  maskInCall(x: Tensor, { mask }: CallArguments): Tensor | null {
    const call = executedCall(this);
    if (!mask || (call && !hasMask(call)) || !maskFits(mask, x.shape)) return null;
    if (this.virtualBatchSize !== null) {
      refuseTogether(`Layer ${show(this.name)}: a mask`, 'virtualBatchSize');
    }
    checkUndisposed(() => `Layer ${show(this.name)}: mask`, mask);
    if (!this.plan.isFusedInKeras) return mask;
    if (!this.hasWarnedOfMask) {
      console.warn(
        `Layer ${show(this.name)}: the mask is ignored, as in Keras, whose fused kernel takes none. ` +
          `Use fused: false to have it honoured.`,
      );
    }
    this.hasWarnedOfMask = true;
    return null;
  }

  private infer(x: Tensor): Tensor {
    const { axes, infersByFusedOperation } = this.plan;
    const [parameters, statistics] = [this.readParameters(), this.readStatistics()];
    const backend = this.fusedBackend();
    if (backend) return inferFused(backend, x, parameters, statistics, axes, this.epsilon);
    return infersByFusedOperation
      ? inferLastAxis(x, parameters, statistics, axes, this.epsilon)
      : infer(x, parameters, statistics, axes, this.epsilon);
  }

  private train(
    x: Tensor,
    ofCall: Pick<TrainingStep, 'adjustment' | 'mask' | 'call'>,
    update: boolean,
  ): Tensor {
    const { virtualBatchSize, momentum, renormMomentum, renormClipping, epsilon } = this;
    if (virtualBatchSize !== null) {
      checkGhosts(`Layer ${show(this.name)}`, virtualBatchSize, x.shape[0]);
    }
    for (const name in renormClipping) {
      const limit = renormClipping[name as keyof typeof renormClipping];
      if (isTensor(limit)) checkUndisposed(() => `Layer ${show(this.name)}: renormClipping.${name}`, limit);
    }
    const step = {
      momentum,
      renormMomentum,
      renormClipping,
      epsilon,
      virtualBatchSize,
      axes: this.plan.axes,
      bessel: this.plan.isFusedInKeras,
      ...ofCall,
    };
    const [parameters, statistics] = [this.readParameters(), this.readStatistics()];
    const backend = this.fusedBackend();
    const { y, moved } = backend
      ? trainFused(backend, x, parameters, statistics, step)
      : train(x, parameters, statistics, step);
    if (update) this.writeStatistics(moved(), backend);
    return y;
  }

  /**
   * This call as one that all ranks make; null where the layer trains alone, or has no channel.
   *
   * @throws ValueError where the moments cannot be those of all ranks
   */
  private jointCall(): JointCall | null {
    const group = this.synchronized ? activeGroup() : null;
    const { axes, dimensions } = this.plan;
    if (!group || group.size === 1 || dimensions.includes(0)) return null;
    if (axes.includes(0)) {
      throw new ValueError(
        `Layer ${show(this.name)}: synchronized: true cannot be combined with axis ${show(this.axis)} on several ranks: it ` +
          'includes the batch, so that channels would be those of other samples on each rank. Leave one of them out.',
      );
    }
    if (activeFusedBackend()?.hasNumbers === false) {
      throw new ValueError(
        `Layer ${show(this.name)}: synchronized: true needs moments as numbers at once, which there are none of on the ` +
          `backend '${getBackend()}'. Train on wasm or cpu, or leave synchronized out.`,
      );
    }
    return group.begin(this);
  }

  /** The active backend's kernels, if it has any and the layer may use them. */
  private fusedBackend(): FusedBackend | null {
    return this.fused === false ? null : activeFusedBackend();
  }

  private readParameters(): Parameters {
    return { gamma: this.gamma && this.gamma.read(), beta: this.beta && this.beta.read() };
  }

  private readStatistics(): Statistics {
    const { movingMean, movingVariance, movingStddev, renormMean, renormStddev } = this;
    return {
      movingMean: movingMean.read(),
      movingVariance: movingVariance.read(),
      renorm:
        movingStddev && renormMean && renormStddev
          ? {
              movingStddev: movingStddev.read(),
              renormMean: renormMean.read(),
              renormStddev: renormStddev.read(),
            }
          : null,
    };
  }

  private writeStatistics(moved: Statistics<Tensor | Float32Array>, backend: FusedBackend | null): void {
    store(this.movingMean, moved.movingMean, backend);
    store(this.movingVariance, moved.movingVariance, backend);
    const { renorm } = moved;
    if (!renorm) return;
    store(this.movingStddev!, renorm.movingStddev, backend);
    store(this.renormMean!, renorm.renormMean, backend);
    store(this.renormStddev!, renorm.renormStddev, backend);
  }
}
