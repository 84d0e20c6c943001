/** @file What Keras' layers on images have in common: one image or a batch, channels last or first, always float32. */
import { type Tensor, type Tensor4D, cast, reshape, tidy, transpose } from '@tensorflow/tfjs-core';
import type { SymbolicTensor } from '@tensorflow/tfjs-layers';
import { applyAsCall, executedCall } from '../../model/executed-call.js';
import { type HiddenWork, type RunShape, type Work, countNumbers } from '../../model/run-cost.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { workOfResize } from './resize.js';
import { type DataFormat, checkDataFormat } from './spatial.js';

/** The arguments that all layers on images have. */
export interface ImageArguments extends LayerArguments {
  /** Where the channels are; `channelsLast` by default. */
  dataFormat?: DataFormat;
}

/** What drawing a number of an image anew holds at once. */
const NUMBERS_OF_PIXEL = 16;

/** Takes images as `[height, width, channels]` or with a batch before it, or with the channels before the height. */
export abstract class ImageLayer extends KerasLayer implements HiddenWork {
  readonly dataFormat: DataFormat;

  constructor(args: ImageArguments) {
    super(args);
    // Keras' have none.
    this.supportsMasking = false;
    this.dataFormat = checkDataFormat(args.dataFormat);
  }

  /** A call in a graph may say `training: true`, which holds in inference, too. */
  override apply(
    inputs: Parameters<KerasLayer['apply']>[0],
    kwargs?: Parameters<KerasLayer['apply']>[1],
  ): Tensor | Tensor[] | SymbolicTensor | SymbolicTensor[] {
    return applyAsCall(this, inputs, () => super.apply(inputs, kwargs));
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: unknown } = {}): Tensor {
    const isTraining = Boolean(executedCall(this)?.kwargs.training ?? kwargs.training);
    const images = only(inputs);
    return tidy(() => {
      checkRank(this, images.shape);
      const isOne = images.rank === 3;
      const isFirst = this.dataFormat === 'channelsFirst';
      const batch = isOne ? reshape(images, [1, ...images.shape]) : images;
      const last = isFirst ? transpose(batch, [0, 2, 3, 1]) : batch;
      const changed = this.change(cast(last, 'float32') as Tensor4D, isTraining);
      const placed = isFirst ? transpose(changed, [0, 3, 1, 2]) : changed;
      return isOne ? reshape(placed, placed.shape.slice(1)) : placed;
    });
  }

  /** @param images `[batch, height, width, channels]` */
  protected abstract change(images: Tensor4D, isTraining: boolean): Tensor;

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = onlyShape(inputShape);
    checkRank(this, shape);
    return shape;
  }

  /** As where the images get another size, or are drawn anew from four pixels each. */
  workOf([input]: readonly RunShape[], [output]: readonly RunShape[]): Work {
    const { numbers } = workOfResize(input!, output!, 'bilinear');
    const most = Math.max(numbers, NUMBERS_OF_PIXEL * countNumbers(output!));
    return { numbers: most, multiplications: most };
  }

  /** The same shape with another height and width. */
  protected withSize(inputShape: Shape | Shape[], height: number | null, width: number | null): Shape {
    const shape = [...onlyShape(inputShape)];
    checkRank(this, shape);
    const end = this.dataFormat === 'channelsFirst' ? shape.length : shape.length - 1;
    shape[end - 2] = height;
    shape[end - 1] = width;
    return shape;
  }
}

function checkRank({ name }: KerasLayer, shape: Shape): void {
  if (shape.length === 3 || shape.length === 4) return;
  throw new ValueError(
    `Layer ${show(name)} takes an image (rank 3) or a batch of images (rank 4), received the shape ${show(shape)}.`,
  );
}
