/** @file Keras' Resizing. Source: tf-keras 2.18 `image_preprocessing.py`, Keras 3.15 `resizing.py`, `image.resize`. */
import { type Tensor, type Tensor4D, pad } from '@tensorflow/tfjs-core';
import { type RunShape, type Work, countNumbers } from '../../model/run-cost.js';
import { checkNumber } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { type Size, proportional, resizeByCrop } from './crop.js';
import { checkFlag, checkSize, checkWord } from './checks.js';
import { type ImageArguments, ImageLayer } from './image-layer.js';
import type { Shape } from './keras-layer.js';
import { INTERPOLATIONS, type Interpolation, resizeImages, workOfResize } from './resize.js';

/** The arguments of {@link Resizing}. */
export interface ResizingArguments extends ImageArguments {
  /** Of the output, in pixels. */
  height: number;
  /** Of the output, in pixels. */
  width: number;
  /** `bilinear` by default. */
  interpolation?: Interpolation;
  /** Whether what does not have the proportions is cut off. Default: false, which changes them. */
  cropToAspectRatio?: boolean;
  /** Whether the image is padded to the proportions. Default: false. */
  padToAspectRatio?: boolean;
  /** How it is padded: with one value. */
  fillMode?: 'constant';
  /** What it is padded with. Default: 0. */
  fillValue?: number;
  /** Whether the filter grows where the image gets smaller. Default: false. */
  antialias?: boolean;
}

/**
 * Images in another size: `[batch, …, …, channels]`, or one image, becomes
 * `[batch, height, width, channels]`, always float32. The centres of pixels lie at halves.
 */
export class Resizing extends ImageLayer {
  static readonly className = 'Resizing';
  static override readonly settings = [
    'height',
    'width',
    'interpolation',
    'cropToAspectRatio',
    'padToAspectRatio',
    'fillMode',
    'fillValue',
    'antialias',
    'dataFormat',
  ];
  readonly height: number;
  readonly width: number;
  readonly interpolation: Interpolation;
  readonly cropToAspectRatio: boolean;
  readonly padToAspectRatio: boolean;
  readonly fillMode: 'constant';
  readonly fillValue: number;
  readonly antialias: boolean;

  constructor(args: ResizingArguments) {
    super(args);
    this.height = checkSize('height', args.height);
    this.width = checkSize('width', args.width);
    this.interpolation = checkWord('interpolation', args.interpolation ?? 'bilinear', INTERPOLATIONS);
    this.cropToAspectRatio = checkFlag('cropToAspectRatio', args.cropToAspectRatio, false);
    this.padToAspectRatio = checkFlag('padToAspectRatio', args.padToAspectRatio, false);
    if (this.cropToAspectRatio && this.padToAspectRatio) {
      throw new ValueError('cropToAspectRatio and padToAspectRatio: only one of them can be true.');
    }
    this.fillMode = checkWord('fillMode', args.fillMode ?? 'constant', ['constant']);
    this.fillValue = args.fillValue ?? 0;
    checkNumber('fillValue', this.fillValue, Number.isFinite, 'a number');
    this.antialias = checkFlag('antialias', args.antialias, false);
  }

  protected override change(images: Tensor4D): Tensor {
    const size = [this.height, this.width] as const;
    const { interpolation, antialias } = this;
    if (this.cropToAspectRatio) return resizeByCrop(images, size, interpolation, antialias);
    const whole = this.padToAspectRatio ? this.#padded(images, size) : images;
    return resizeImages(whole, size, interpolation, antialias);
  }

  /** As much on one side as on the other, so that an odd pixel is left out. */
  #padded(images: Tensor4D, [height, width]: Size): Tensor4D {
    const [, oldHeight, oldWidth] = images.shape;
    const sides = (size: number, wanted: number): [number, number] => {
      const side = Math.trunc(Math.max(0, wanted - size) / 2);
      return [side, side];
    };
    const down = sides(oldHeight, proportional(oldWidth, height, width));
    const across = sides(oldWidth, proportional(oldHeight, width, height));
    return pad(images, [[0, 0], down, across, [0, 0]], this.fillValue);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return this.withSize(inputShape, this.height, this.width);
  }

  override workOf([input]: readonly RunShape[], [output]: readonly RunShape[]): Work {
    if (!this.padToAspectRatio) return workOfResize(input!, output!, this.interpolation);
    const [height, width] = input!
      .slice(this.dataFormat === 'channelsFirst' ? -2 : -3)
      .map((size) => size ?? 1) as [number, number];
    const padded = this.withSize(
      [...input!],
      Math.max(height, proportional(width, this.height, this.width)),
      Math.max(width, proportional(height, this.width, this.height)),
    );
    const work = workOfResize(padded, output!, this.interpolation);
    return { ...work, numbers: work.numbers + countNumbers(padded) };
  }
}

/**
 * Makes a {@link Resizing}.
 *
 * @throws TypeError or ValueError for a `height` or `width` that is no positive integer, an unknown
 * `interpolation`, or cropping and padding at once
 */
export const resizing = (args: ResizingArguments) => new Resizing(args);
