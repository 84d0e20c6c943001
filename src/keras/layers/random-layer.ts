/** @file What Keras' random layers on images have in common: they do nothing in inference, and draw in training. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import { checkNumber, refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { type AffineMatrix, FILL_MODES, SAMPLINGS, type Sampling, transformImages } from './affine.js';
import { Draws } from './draws.js';
import { checkWord } from './checks.js';
import { type ImageArguments, ImageLayer } from './image-layer.js';

/** The arguments that all random layers on images have. */
export interface RandomArguments extends ImageArguments {
  /** With one, each layer made so draws the same numbers; they are not those of Keras. Default: none. */
  seed?: number | null;
}

/** A range, or a number `f` for `[-f, f]`. */
export type Factor = number | readonly [number, number];

/** Changes images in training, and gives them as they are in inference. */
export abstract class RandomLayer extends ImageLayer {
  readonly seed: number | null;
  protected readonly draws: Draws;

  constructor(args: RandomArguments) {
    super(args);
    this.seed = args.seed ?? null;
    if (this.seed !== null) checkNumber('seed', this.seed, Number.isFinite, 'a number or null');
    this.draws = new Draws(this.seed);
  }

  protected override change(images: Tensor4D, isTraining: boolean): Tensor {
    return isTraining ? this.augment(images) : images;
  }

  /** What training makes of images. */
  protected abstract augment(images: Tensor4D): Tensor;

  /** As many numbers as there are images. */
  protected drawEach({ shape: [batch] }: Tensor4D, [from, to]: readonly [number, number]): number[] {
    return Array.from({ length: batch }, () => this.draws.between(from, to));
  }
}

export const RANDOM = ['seed', 'dataFormat'] as const;

/** The arguments of layers that move pixels. */
export interface MovingArguments extends RandomArguments {
  /** What lies outside the image: its mirror image (`reflect`, the default), repetition, one value, or its border. */
  fillMode?: Sampling['fillMode'];
  /** How a pixel is read that lies between others. Default: `'bilinear'`. */
  interpolation?: Sampling['interpolation'];
  /** What lies outside, with `fillMode: 'constant'`. Default: 0. */
  fillValue?: number;
}

export const MOVING = ['fillMode', 'interpolation', 'fillValue', ...RANDOM] as const;

/** Moves pixels, each image by a matrix of its own. */
export abstract class MovingLayer extends RandomLayer {
  readonly fillMode: Sampling['fillMode'];
  readonly interpolation: Sampling['interpolation'];
  readonly fillValue: number;

  constructor(args: MovingArguments) {
    super(args);
    this.fillMode = checkWord('fillMode', args.fillMode ?? 'reflect', FILL_MODES);
    this.interpolation = checkWord('interpolation', args.interpolation ?? 'bilinear', SAMPLINGS);
    this.fillValue = args.fillValue ?? 0;
    checkNumber('fillValue', this.fillValue, Number.isFinite, 'a number');
  }

  protected override augment(images: Tensor4D): Tensor {
    return transformImages(images, this.drawMatrices(images), this);
  }

  protected abstract drawMatrices(images: Tensor4D): AffineMatrix[];
}

/**
 * @param accepts which numbers the range may have
 * @param expected in words
 */
export function checkFactor(
  name: string,
  value: unknown,
  accepts: (value: number) => boolean,
  expected: string,
): [number, number] {
  const text = `a number ${expected}, or a range of two`;
  if (Array.isArray(value)) {
    if (value.length !== 2) refuse(ValueError, name, text, value);
    for (const end of value) checkNumber(name, end, accepts, text);
    const [from, to] = value as [number, number];
    return from <= to ? [from, to] : [to, from];
  }
  checkNumber(name, value, accepts, text);
  return [-Math.abs(value), Math.abs(value)];
}

export const within = (least: number, most: number) => (value: number) => value >= least && value <= most;
