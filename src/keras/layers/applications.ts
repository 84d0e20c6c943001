/**
 * @file Layers that keras.applications bring for themselves: CustomScaleLayer of InceptionResNetV2, LayerScale and
 * StochasticDepth of ConvNeXt. Source: tf-keras 2.18 and Keras 3.15, `applications`.
 */
import { type Tensor, add, mul, tidy } from '@tensorflow/tfjs-core';
import { type LayerVariable, initializers } from '@tensorflow/tfjs-layers';
import { checkNumber } from '../../text/refusal.js';
import { checkRate, drop } from './dropping.js';
import { type AcceptedInputs, KerasLayer, type LayerArguments, type Shape, only } from './keras-layer.js';
import { checkSizes } from './spatial.js';

/** The arguments of {@link CustomScaleLayer}. */
export interface CustomScaleLayerArguments extends LayerArguments {
  /** What the second input is multiplied by. */
  scale: number;
}

/** `y = a + scale · b` for the inputs `[a, b]`, of one shape, which is that of the output. */
export class CustomScaleLayer extends KerasLayer {
  static readonly className = 'CustomScaleLayer';
  static override readonly settings = ['scale'];
  readonly scale: number;

  constructor(args: CustomScaleLayerArguments) {
    super(args);
    checkNumber('scale', args.scale, Number.isFinite, 'a number');
    this.scale = args.scale;
    this.supportsMasking = false;
  }

  protected override get acceptedInputs(): AcceptedInputs {
    return { least: 2, most: 2, expected: 'two inputs' };
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const [a, b] = inputs as [Tensor, Tensor];
    return tidy(() => add(a, mul(b, this.scale)));
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return (inputShape as Shape[])[0]!;
  }
}

/** The arguments of {@link LayerScale}. */
export interface LayerScaleArguments extends LayerArguments {
  /** What every factor begins with. */
  initValues: number;
  /** The number of factors: the size of the last axis, or 1. */
  projectionDim: number;
}

/**
 * `y = gamma · x` along the last axis. The weight gamma has the shape `[projectionDim]`. Takes any shape that
 * it fits.
 */
export class LayerScale extends KerasLayer {
  static readonly className = 'LayerScale';
  static override readonly settings = ['initValues', 'projectionDim'];
  readonly initValues: number;
  readonly projectionDim: number;
  gamma!: LayerVariable;

  constructor(args: LayerScaleArguments) {
    super(args);
    checkNumber('initValues', args.initValues, Number.isFinite, 'a number');
    this.initValues = args.initValues;
    this.projectionDim = checkSizes('projectionDim', args.projectionDim, 1)[0]!;
    this.supportsMasking = false;
  }

  override build(inputShape: Shape | Shape[]): void {
    const initializer = initializers.constant({ value: this.initValues });
    this.gamma = this.addWeight('gamma', [this.projectionDim], 'float32', initializer);
    super.build(inputShape);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return mul(only(inputs), this.gamma.read());
  }
}

/** The arguments of {@link StochasticDepth}. */
export interface StochasticDepthArguments extends LayerArguments {
  /** The probability that a sample is dropped, from 0 to 1. */
  dropPathRate: number;
}

/** In training, sets whole samples to 0 and divides the others by `1 − dropPathRate`. Takes any shape. */
export class StochasticDepth extends KerasLayer {
  static readonly className = 'StochasticDepth';
  static override readonly settings = ['dropPathRate'];
  readonly dropPathRate: number;

  constructor(args: StochasticDepthArguments) {
    super(args);
    this.dropPathRate = checkRate('dropPathRate', args.dropPathRate);
    this.supportsMasking = false;
  }

  override call(inputs: Tensor | Tensor[], { training }: { training?: boolean }): Tensor {
    const x = only(inputs);
    return drop(
      x,
      this.dropPathRate,
      x.shape.map((size, i) => (i === 0 ? size : 1)),
      training,
    );
  }
}

/**
 * Makes a {@link CustomScaleLayer}.
 *
 * @throws TypeError or ValueError for a `scale` that is not a finite number
 */
export const customScaleLayer = (args: CustomScaleLayerArguments) => new CustomScaleLayer(args);
/**
 * Makes a {@link LayerScale}.
 *
 * @throws TypeError or ValueError for an `initValues` that is not finite, or a `projectionDim` that is no
 * positive integer
 */
export const layerScale = (args: LayerScaleArguments) => new LayerScale(args);
/**
 * Makes a {@link StochasticDepth}.
 *
 * @throws TypeError or ValueError for a `dropPathRate` that is not from 0 to 1
 */
export const stochasticDepth = (args: StochasticDepthArguments) => new StochasticDepth(args);
