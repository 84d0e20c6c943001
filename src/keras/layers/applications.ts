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

export interface CustomScaleLayerArguments extends LayerArguments {
  /** What the second input is multiplied by. */
  scale: number;
}

/** `y = a + scale · b` for the inputs `[a, b]`. */
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

export interface LayerScaleArguments extends LayerArguments {
  /** What every factor begins with. */
  initValues: number;
  /** The number of factors: the size of the last axis, or 1. */
  projectionDim: number;
}

/** `y = gamma · x` along the last axis. */
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

export interface StochasticDepthArguments extends LayerArguments {
  /** The share of the samples that are dropped. */
  dropPathRate: number;
}

/** Drops whole samples in training. */
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

export const customScaleLayer = (args: CustomScaleLayerArguments) => new CustomScaleLayer(args);
export const layerScale = (args: LayerScaleArguments) => new LayerScale(args);
export const stochasticDepth = (args: StochasticDepthArguments) => new StochasticDepth(args);
