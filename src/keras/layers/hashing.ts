/** @file Keras' Hashing and HashedCrossing. Source: tf-keras 2.18 and Keras 3.15 `hashing.py`, `hashed_crossing.py`. */
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { HiddenWork, RunShape, Work } from '../../model/run-cost.js';
import { refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { OUTPUT_MODES, type OutputMode, encodeNumbers, encodedShape, workOfEncoding } from './categories.js';
import { checkSize, checkWord } from './checks.js';
import { bucketOf, fingerprint, joinFingerprints } from './hashes.js';
import {
  type AcceptedInputs,
  KerasLayer,
  type LayerArguments,
  type Shape,
  only,
  onlyShape,
} from './keras-layer.js';
import { type Token, tokensOf } from './tokens.js';

/** The arguments of {@link HashedCrossing}. */
export interface HashedCrossingArguments extends LayerArguments {
  /** How many numbers there are to choose from; with a `maskValue`, its 0 is one of them. */
  numBins: number;
  /** Numbers of bins, or vectors with a value for each bin. Default: `'int'`. */
  outputMode?: OutputMode;
}

/** The arguments of {@link Hashing}. */
export interface HashingArguments extends HashedCrossingArguments {
  /** What becomes 0; the others are then numbered from 1. Default: none. */
  maskValue?: Token | null;
  /** One or two numbers that the hash depends on. Default: none, and another hash. */
  salt?: number | readonly [number, number] | null;
}

/** What a salt is to SipHash. */
export function saltFrom(value: unknown): [bigint, bigint] | null {
  if (value == null) return null;
  const salt: unknown[] = Array.isArray(value) ? value : [value, value];
  if (salt.length !== 2 || !salt.every(Number.isSafeInteger)) {
    refuse(ValueError, 'salt', 'a whole number, two of them, or null', value);
  }
  return salt.map((one) => BigInt.asUintN(64, BigInt(one as number))) as [bigint, bigint];
}

/**
 * Strings, or whole numbers as they are written, as numbers below `numBins`: FarmHash's fingerprint, or with
 * a salt SipHash, modulo `numBins`. The shape stays with `'int'` (int32).
 */
export class Hashing extends KerasLayer implements HiddenWork {
  static readonly className = 'Hashing';
  static override readonly settings = ['numBins', 'maskValue', 'salt', 'outputMode'];
  readonly numBins: number;
  readonly maskValue: Token | null;
  readonly salt: NonNullable<HashingArguments['salt']> | null;
  readonly outputMode: OutputMode;
  readonly #key: [bigint, bigint] | null;

  constructor(args: HashingArguments) {
    super(args);
    this.supportsMasking = false;
    this.numBins = checkSize('numBins', args.numBins);
    this.maskValue = args.maskValue ?? null;
    this.salt = args.salt ?? null;
    this.#key = saltFrom(this.salt);
    this.outputMode = checkWord('outputMode', args.outputMode ?? 'int', OUTPUT_MODES);
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const input = only(inputs);
    // One bin is not divided.
    const isMasked = this.maskValue !== null && this.numBins > 1;
    const bins = isMasked ? this.numBins - 1 : this.numBins;
    const numbers = tokensOf(input, this.name).map((token) => {
      if (token === this.maskValue) return 0;
      return bucketOf(String(token), bins, this.#key) + (isMasked ? 1 : 0);
    });
    return tidy(() => encodeNumbers(numbers, input.shape, this.outputMode, this.numBins));
  }

  workOf(inputs: readonly RunShape[]): Work {
    return workOfEncoding(inputs, this.outputMode, this.numBins);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return encodedShape(onlyShape(inputShape), this.outputMode, this.numBins);
  }
}

/** What TensorFlow begins with. */
const HASH_KEY = 0xdecafcaffen;

/**
 * Several inputs, each a column of strings or whole numbers, crossed to numbers below `numBins`: a hash of
 * the values of a row together. Inputs of shape `[batch]` or `[batch, 1]`, all alike, as is the output with
 * `'int'` (int32).
 */
export class HashedCrossing extends KerasLayer implements HiddenWork {
  static readonly className = 'HashedCrossing';
  static override readonly settings = ['numBins', 'outputMode'];
  readonly numBins: number;
  readonly outputMode: OutputMode;

  constructor(args: HashedCrossingArguments) {
    super(args);
    this.supportsMasking = false;
    this.numBins = checkSize('numBins', args.numBins);
    this.outputMode = checkWord('outputMode', args.outputMode ?? 'int', OUTPUT_MODES);
  }

  protected override get acceptedInputs(): AcceptedInputs {
    return { least: 2, most: Infinity, expected: 'two or more inputs' };
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const columns = [inputs].flat();
    const { shape } = columns[0]!;
    this.#check(columns.map((column) => column.shape));
    const tokens = columns.map((column) => tokensOf(column, this.name));
    const numbers = tokens[0]!.map((_, row) => {
      const crossed = tokens.reduce(
        (joined, column) => joinFingerprints(joined, featureOf(column[row]!)),
        HASH_KEY,
      );
      return Number(crossed % BigInt(this.numBins));
    });
    return tidy(() => encodeNumbers(numbers, shape, this.outputMode, this.numBins));
  }

  workOf(inputs: readonly RunShape[]): Work {
    return workOfEncoding(inputs, this.outputMode, this.numBins);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    this.#check(inputShape as Shape[]);
    return encodedShape(onlyShape(inputShape), this.outputMode, this.numBins);
  }

  #check(shapes: readonly Shape[]): void {
    const isColumn = (shape: Shape) => shape.length === 1 || (shape.length === 2 && shape[1] === 1);
    const [first] = shapes;
    if (shapes.length > 1 && shapes.every((shape) => isColumn(shape) && shape.join() === first!.join()))
      return;
    throw new ValueError(
      `Layer ${show(this.name)}: HashedCrossing takes two or more inputs of the same shape, [batch] or [batch, 1], ` +
        `received ${show(shapes)}.`,
    );
  }
}

const encoder = new TextEncoder();

const featureOf = (token: Token): bigint =>
  typeof token === 'string' ? fingerprint(encoder.encode(token)) : BigInt.asUintN(64, BigInt(token));

/**
 * Makes a {@link Hashing}.
 *
 * @throws TypeError or ValueError for `numBins` that are no positive integer, a salt that is not whole, an
 * unknown `outputMode`
 */
export const hashing = (args: HashingArguments) => new Hashing(args);
/**
 * Makes a {@link HashedCrossing}.
 *
 * @throws TypeError or ValueError for `numBins` that are no positive integer, or an unknown `outputMode`
 */
export const hashedCrossing = (args: HashedCrossingArguments) => new HashedCrossing(args);
