/** @file What normalizations of single samples share: moments along axes, then gamma and beta, where there are such. */
import { type Tensor, add, mean, mul, reshape, rsqrt, square, sub } from '@tensorflow/tfjs-core';
import type { LayerVariable } from '@tensorflow/tfjs-layers';
import { checkNumber } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { checkAxes } from './axes.js';
import { checkFlag } from './checks.js';
import { KerasLayer, type LayerArguments, type Shape } from './keras-layer.js';
import { type ParameterArguments, readParameters, settingsOfParameter } from './parameters.js';

/** The arguments of normalizations of single samples. */
export interface SampleNormalizationArguments extends LayerArguments, ParameterArguments<'gamma' | 'beta'> {
  /** Along which the moments are taken. Default: -1. */
  axis?: number | number[];
  /** Added to variances; default: 0.001. */
  epsilon?: number;
  /** Whether beta is added; default: true. */
  center?: boolean;
  /** Whether the result is multiplied by gamma; default: true. */
  scale?: boolean;
}

export const checkEpsilon = (value: unknown): number => {
  checkNumber('epsilon', value, (epsilon) => epsilon >= 0, 'a number from 0 on');
  return value;
};

/** @throws ValueError where the size along an axis is open */
export function checkKnown(name: string, shape: Shape, axes: readonly number[]): number[] {
  return axes.map((axis) => {
    const size = shape[axis] ?? null;
    if (size !== null) return size;
    throw new ValueError(
      `Layer ${show(name)}: axis ${axis} of its input ${show(shape)} is open. Fix its size.`,
    );
  });
}

/**
 * `y = gamma · (x − mean) / √(variance + epsilon) + beta`, where beta and gamma are there with `center` and
 * `scale`.
 */
export abstract class SampleNormalization extends KerasLayer {
  static override readonly settings: readonly string[] = [
    ...['axis', 'epsilon', 'center', 'scale'],
    ...settingsOfParameter('beta'),
    ...settingsOfParameter('gamma'),
  ];
  readonly axis: number | number[];
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  gamma: LayerVariable | null = null;
  beta: LayerVariable | null = null;

  constructor(args: SampleNormalizationArguments) {
    super(args);
    this.axis = checkAxes(args.axis ?? -1);
    this.epsilon = checkEpsilon(args.epsilon ?? 1e-3);
    this.center = checkFlag('center', args.center, true);
    this.scale = checkFlag('scale', args.scale, true);
    Object.assign(this, readParameters(args, { gamma: 'ones', beta: 'zeros' }));
  }

  /**
   * @param axes along which the moments are taken
   * @param shape in which gamma and beta fit `x`
   */
  protected normalize(x: Tensor, axes: number[], shape: number[], isCentred = true): Tensor {
    const centred = sub(x, mean(x, axes, true));
    const inverse = rsqrt(add(mean(square(centred), axes, true), this.epsilon));
    const factor = this.gamma ? mul(inverse, reshape(this.gamma.read(), shape)) : inverse;
    const scaled = mul(isCentred ? centred : x, factor);
    return this.beta ? add(scaled, reshape(this.beta.read(), shape)) : scaled;
  }
}
