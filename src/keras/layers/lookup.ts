/** @file Keras' IntegerLookup and StringLookup. Source: tf-keras 2.18 and Keras 3.15 `index_lookup.py`. */
import { type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import type { HiddenWork, RunShape, Work } from '../../model/run-cost.js';
import { checkNumber, refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { OUTPUT_MODES, type OutputMode, encodeNumbers, encodedShape, workOfEncoding } from './categories.js';
import { checkFlag, checkWord } from './checks.js';
import { bucketOf } from './hashes.js';
import { saltFrom } from './hashing.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { type Token, tokensOf } from './tokens.js';

/** The arguments of {@link IntegerLookup} and {@link StringLookup}. */
export interface LookupArguments<T extends Token> extends LayerArguments {
  /** The tokens in order; those for masks and for what is not among them may stand in front. */
  vocabulary: readonly T[];
  /** What becomes 0 with `outputMode: 'int'`, and counts for nothing with others. Default: none. */
  maskToken?: T | null;
  /** What numbers outside become with `invert`. Default: −1, or `'[UNK]'` for strings. */
  oovToken?: T;
  /** How many numbers what is not in the vocabulary is spread over. Default: 1; with 0 it is refused. */
  numOovIndices?: number;
  /**
   * How those numbers are chosen for whole numbers: by the remainder (the default), or by a hash, which Keras
   * 3 alone has.
   */
  oovMethod?: 'floormod' | 'farmhash';
  /** What the hash depends on, which Keras 3 alone has. Default: nothing. */
  salt?: number | readonly [number, number] | null;
  /** Numbers, or vectors with a value for each number. Default: `'int'`. */
  outputMode?: OutputMode;
  /** The size of vectors, with `padToMaxTokens`. */
  maxTokens?: number | null;
  /** Whether vectors have the size `maxTokens`, though there are fewer tokens. Default: false. */
  padToMaxTokens?: boolean;
  /** Whether it gives tokens for numbers. Default: false. */
  invert?: boolean;
}

const METHODS = ['floormod', 'farmhash'] as const;

abstract class Lookup<T extends Token> extends KerasLayer implements HiddenWork {
  static override readonly settings = [
    'vocabulary',
    'maskToken',
    'oovToken',
    'numOovIndices',
    'oovMethod',
    'salt',
    'outputMode',
    'maxTokens',
    'padToMaxTokens',
    'invert',
  ];
  readonly vocabulary: readonly T[];
  readonly maskToken: T | null;
  readonly oovToken: T;
  readonly numOovIndices: number;
  readonly oovMethod: (typeof METHODS)[number];
  readonly salt: number | readonly [number, number] | null;
  readonly outputMode: OutputMode;
  readonly maxTokens: number | null;
  readonly padToMaxTokens: boolean;
  readonly invert: boolean;
  readonly #key: [bigint, bigint] | null;
  readonly #numbers: ReadonlyMap<Token, number>;

  constructor(args: LookupArguments<T>, type: 'string' | 'number', oovToken: T) {
    super(args);
    this.supportsMasking = false;
    this.maskToken = args.maskToken ?? null;
    this.oovToken = args.oovToken ?? oovToken;
    this.numOovIndices = args.numOovIndices ?? 1;
    checkNumber(
      'numOovIndices',
      this.numOovIndices,
      (n) => Number.isInteger(n) && n >= 0,
      'a whole number from 0 on',
    );
    this.oovMethod = checkWord('oovMethod', args.oovMethod ?? 'floormod', METHODS);
    this.salt = args.salt ?? null;
    this.#key = saltFrom(this.salt);
    this.outputMode = checkWord('outputMode', args.outputMode ?? 'int', OUTPUT_MODES);
    this.invert = checkFlag('invert', args.invert, false);
    if (this.invert && this.outputMode !== 'int')
      refuse(ValueError, 'outputMode', "'int' with invert", this.outputMode);
    this.maxTokens = args.maxTokens ?? null;
    this.padToMaxTokens = checkFlag('padToMaxTokens', args.padToMaxTokens, false);
    const given: unknown = args.vocabulary;
    if (!Array.isArray(given) || !given.every((token) => typeof token === type)) {
      refuse(TypeError, 'vocabulary', `a list of ${type}s`, given);
    }
    this.vocabulary = this.#withoutSpecial(args.vocabulary);
    const first = this.#firstNumber;
    this.#numbers = new Map(this.vocabulary.map((token, i) => [token, first + i]));
    if (this.#numbers.size < this.vocabulary.length) {
      throw new ValueError('vocabulary: expected each token once, received some of them twice.');
    }
  }

  get #masks(): number {
    return this.maskToken !== null && this.outputMode === 'int' ? 1 : 0;
  }

  get #firstNumber(): number {
    return this.#masks + this.numOovIndices;
  }

  #withoutSpecial(vocabulary: readonly T[]): readonly T[] {
    const count = this.#masks + this.numOovIndices;
    const special = vocabulary.slice(0, count);
    const isSpecial = (token: T, i: number) => token === (i < this.#masks ? this.maskToken : this.oovToken);
    return special.length === count && special.every(isSpecial) ? vocabulary.slice(count) : vocabulary;
  }

  get #depth(): number {
    const size = this.#firstNumber + this.vocabulary.length;
    return this.padToMaxTokens ? (this.maxTokens ?? size) : size;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const input = only(inputs);
    const tokens = tokensOf(input, this.name);
    if (this.invert) {
      const found = tokens.map((number) => this.#tokenOf(number as number));
      return tensor(found as string[], input.shape, typeof this.oovToken === 'string' ? 'string' : 'int32');
    }
    const numbers = tokens.map((token) => this.#numberOf(token));
    return tidy(() => encodeNumbers(numbers, input.shape, this.outputMode, this.#depth));
  }

  #tokenOf(number: number): T {
    if (number === 0 && this.maskToken !== null) return this.maskToken;
    return this.vocabulary[number - this.#firstNumber] ?? this.oovToken;
  }

  #numberOf(token: Token): number {
    // What is none of the categories counts for nothing.
    if (token === this.maskToken) return this.#masks ? 0 : -1;
    const known = this.#numbers.get(token);
    if (known !== undefined) return known;
    if (this.numOovIndices === 0) {
      throw new ValueError(
        `Layer ${show(this.name)}: ${show(token)} is not in its vocabulary, and its numOovIndices is 0.`,
      );
    }
    return this.#masks + this.#numberOutside(token);
  }

  #numberOutside(token: Token): number {
    const count = this.numOovIndices;
    if (count === 1) return 0;
    if (typeof token === 'number' && this.oovMethod === 'floormod') return ((token % count) + count) % count;
    return bucketOf(String(token), count, this.#key);
  }

  workOf(inputs: readonly RunShape[]): Work {
    return workOfEncoding(inputs, this.outputMode, this.#depth);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return encodedShape(onlyShape(inputShape), this.outputMode, this.#depth);
  }
}

/**
 * Whole numbers as their numbers in a vocabulary: first that of the mask, if there is one, then those of what
 * is not in it, then the tokens'. The shape stays with `'int'` (int32); vectors are float32.
 */
export class IntegerLookup extends Lookup<number> {
  static readonly className = 'IntegerLookup';

  constructor(args: LookupArguments<number>) {
    super(args, 'number', -1);
  }
}

/**
 * Strings as their numbers in a vocabulary: first that of the mask, if there is one, then those of what is
 * not in it, then the tokens'. The shape stays with `'int'` (int32); vectors are float32.
 */
export class StringLookup extends Lookup<string> {
  static readonly className = 'StringLookup';

  constructor(args: LookupArguments<string>) {
    super(args, 'string', '[UNK]');
  }
}

/**
 * Makes an {@link IntegerLookup}.
 *
 * @throws TypeError or ValueError for a `vocabulary` that is no list of numbers or has one twice, `invert`
 * with vectors, or an unknown `outputMode`
 */
export const integerLookup = (args: LookupArguments<number>) => new IntegerLookup(args);
/**
 * Makes a {@link StringLookup}.
 *
 * @throws TypeError or ValueError for a `vocabulary` that is no list of strings or has one twice, `invert`
 * with vectors, or an unknown `outputMode`
 */
export const stringLookup = (args: LookupArguments<string>) => new StringLookup(args);
