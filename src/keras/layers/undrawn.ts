/** @file Keras 3's augmentations that do nothing in inference, and are not drawn here in training. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { show } from '../../text/show.js';
import { type ImageArguments, ImageLayer } from './image-layer.js';
import type { KerasLayerClass } from './keras-layer.js';

/** Images pass, which is said once for each layer where Keras would change them. */
abstract class Undrawn extends ImageLayer {
  #isTold = false;

  constructor(args: ImageArguments & Record<string, unknown>) {
    super(args);
    const { settings } = new.target as unknown as KerasLayerClass;
    for (const name of settings) if (name !== 'dataFormat') Reflect.set(this, name, args[name] ?? null);
  }

  protected override change(images: Tensor4D, isTraining: boolean): Tensor {
    if (isTraining && !this.#isTold) {
      this.#isTold = true;
      console.warn(
        `Layer ${show(this.name)}: ${this.getClassName()} is not drawn here. Images pass it unchanged in training; ` +
          `predictions are Keras'.`,
      );
    }
    return images;
  }
}

const undrawn = (className: string, settings: string): KerasLayerClass =>
  class extends Undrawn {
    static readonly className = className;
    static override readonly settings = [...settings.split(' '), 'dataFormat'];
  };

export const UNDRAWN: readonly KerasLayerClass[] = [
  undrawn('RandomShear', 'xFactor yFactor fillMode interpolation fillValue seed'),
  undrawn('RandomHue', 'factor valueRange seed'),
  undrawn('RandomSaturation', 'factor valueRange seed'),
  undrawn('RandomColorJitter', 'valueRange brightnessFactor contrastFactor saturationFactor hueFactor seed'),
  undrawn('RandomColorDegeneration', 'factor valueRange seed'),
  undrawn('RandomGrayscale', 'factor'),
  undrawn('RandomPosterization', 'factor valueRange seed'),
  undrawn('RandomInvert', 'factor valueRange seed'),
  undrawn('RandomSharpness', 'factor valueRange seed'),
  undrawn('RandomErasing', 'factor scale fillValue valueRange seed'),
  undrawn('RandomPerspective', 'factor scale interpolation fillValue seed'),
  undrawn('RandomElasticTransform', 'factor scale interpolation fillMode fillValue valueRange seed'),
  undrawn('RandomGaussianBlur', 'factor kernelSize sigma valueRange seed'),
  undrawn('Solarization', 'additionFactor thresholdFactor valueRange seed'),
  undrawn('AugMix', 'valueRange numChains chainDepth factor alpha allOps interpolation seed'),
  undrawn('CutMix', 'factor seed'),
  undrawn('MixUp', 'alpha seed'),
  undrawn('RandAugment', 'valueRange numOps factor interpolation seed'),
];
