/** @file Keras' Discretization. Source: tf-keras 2.18 and Keras 3.15 `discretization.py`. */
import { type Tensor, cast, expandDims, less, logicalNot, sum, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { stopGradient } from '../../operation/stop-gradient.js';
import type { HiddenWork, RunShape, Work } from '../../model/run-cost.js';
import { refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';
import { OUTPUT_MODES, type OutputMode, encode, encodedShape, workOfEncoding } from './categories.js';
import { checkWord } from './checks.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';

/** The arguments of {@link Discretization}. */
export interface DiscretizationArguments extends LayerArguments {
  /** Where one bin ends and the next begins, in ascending order. */
  binBoundaries: readonly number[];
  /** How many bins Keras was to find; kept for it. */
  numBins?: number | null;
  /** How exactly it was to find them; kept for it. */
  epsilon?: number;
  /** Numbers of bins, or vectors with a value for each bin. Default: `'int'`. */
  outputMode?: OutputMode;
}

/**
 * The number of the bin that each number lies in: 0 below the first boundary, 1 from it on, and so forth. The
 * shape stays with `'int'` (int32); else the vectors have as many values as there are boundaries, and one
 * more.
 */
export class Discretization extends KerasLayer implements HiddenWork {
  static readonly className = 'Discretization';
  static override readonly settings = ['binBoundaries', 'numBins', 'epsilon', 'outputMode'];
  readonly binBoundaries: readonly number[];
  readonly numBins: number | null;
  readonly epsilon: number;
  readonly outputMode: OutputMode;

  constructor(args: DiscretizationArguments) {
    super(args);
    this.supportsMasking = false;
    const given: unknown = args.binBoundaries;
    const isNumbers = Array.isArray(given) && given.every((one) => typeof one === 'number');
    if (!isNumbers) refuse(TypeError, 'binBoundaries', 'a list of numbers', given);
    this.binBoundaries = args.binBoundaries;
    if (this.binBoundaries.some((end, i) => i > 0 && end < this.binBoundaries[i - 1]!)) {
      refuse(ValueError, 'binBoundaries', 'numbers in ascending order', given);
    }
    this.numBins = args.numBins ?? null;
    this.epsilon = args.epsilon ?? 0.01;
    this.outputMode = checkWord('outputMode', args.outputMode ?? 'int', OUTPUT_MODES);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    return tidy(() => {
      const x = expandDims(cast(stopGradient(only(inputs)), 'float32'), -1);
      // What is not below a boundary lies beyond it, NaN too.
      const isBeyond = logicalNot(less(x, tensor1d([...this.binBoundaries], 'float32')));
      const bins = sum(cast(isBeyond, 'int32'), -1);
      return encode(bins, this.outputMode, this.binBoundaries.length + 1);
    });
  }

  /** Each number meets each boundary. */
  workOf(inputs: readonly RunShape[]): Work {
    return workOfEncoding(inputs, 'oneHot', this.binBoundaries.length + 1);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return encodedShape(onlyShape(inputShape), this.outputMode, this.binBoundaries.length + 1);
  }
}

/**
 * Makes a {@link Discretization}.
 *
 * @throws TypeError or ValueError for `binBoundaries` that are not numbers in ascending order, or an unknown
 * `outputMode`
 */
export const discretization = (args: DiscretizationArguments) => new Discretization(args);
