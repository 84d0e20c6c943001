/** @file Keras' TextVectorization. Source: tf-keras 2.18 and Keras 3.15 `text_vectorization.py`. */
import { type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { checkNumber, refuse } from '../../text/refusal.js';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';
import { OUTPUT_MODES, type OutputMode } from './categories.js';
import { checkFlag, checkWord } from './checks.js';
import { KerasLayer, type LayerArguments, type Shape, only, onlyShape } from './keras-layer.js';
import { StringLookup } from './lookup.js';
import { tokensOf } from './tokens.js';

const STANDARDS = ['lowerAndStripPunctuation', 'lower', 'stripPunctuation'] as const;
const SPLITS = ['whitespace', 'character'] as const;

/** The arguments of {@link TextVectorization}. */
export interface TextVectorizationArguments extends LayerArguments {
  /** The words in order, each once; `''` and `'[UNK]'`, whose numbers are 0 and 1, may stand in front. */
  vocabulary: readonly string[];
  /**
   * What is done to a text first; null: nothing. Default: 'lowerAndStripPunctuation'. Small letters are those
   * of ASCII alone.
   */
  standardize?: (typeof STANDARDS)[number] | null;
  /** Default: 'whitespace'; null: each text is a token. */
  split?: (typeof SPLITS)[number] | null;
  /** Numbers of words, or vectors of what occurs in a text. Default: `'int'`. */
  outputMode?: OutputMode;
  /** Longer texts are cut off, shorter ones filled with 0. Default: as long as the longest of the batch. */
  outputSequenceLength?: number | null;
  /** The size of vectors, with `padToMaxTokens`. */
  maxTokens?: number | null;
  /** Whether vectors have the size `maxTokens`, though there are fewer words. Default: false. */
  padToMaxTokens?: boolean;
}

const PUNCTUATION = /[!"#$%&()*+,\-./:;<=>?@[\\\]^_`{|}~']/g;
/** Of ASCII, as TensorFlow has it. */
const WHITESPACE = /[ \t\n\v\f\r]+/;

/**
 * Texts as the numbers of their words in a vocabulary, or as vectors of what occurs in them. `[batch]` or
 * `[batch, 1]` of strings becomes `[batch, words]` (int32), or with vectors
 * `[batch, words of the vocabulary + 1]` (float32).
 */
export class TextVectorization extends KerasLayer {
  static readonly className = 'TextVectorization';
  static override readonly settings = [
    'vocabulary',
    'standardize',
    'split',
    'outputMode',
    'outputSequenceLength',
    'maxTokens',
    'padToMaxTokens',
  ];
  readonly vocabulary: readonly string[];
  readonly standardize: (typeof STANDARDS)[number] | null;
  readonly split: (typeof SPLITS)[number] | null;
  readonly outputMode: OutputMode;
  readonly outputSequenceLength: number | null;
  readonly maxTokens: number | null;
  readonly padToMaxTokens: boolean;
  readonly #table: StringLookup;

  constructor(args: TextVectorizationArguments) {
    super(args);
    this.supportsMasking = false;
    const { standardize = 'lowerAndStripPunctuation', split = 'whitespace' } = args;
    this.standardize = standardize === null ? null : checkWord('standardize', standardize, STANDARDS);
    this.split = split === null ? null : checkWord('split', split, SPLITS);
    this.outputMode = checkWord('outputMode', args.outputMode ?? 'int', OUTPUT_MODES);
    this.outputSequenceLength = args.outputSequenceLength ?? null;
    if (this.outputSequenceLength !== null) {
      const length = this.outputSequenceLength;
      checkNumber(
        'outputSequenceLength',
        length,
        (n) => Number.isInteger(n) && n > 0,
        'a whole number above 0, or null',
      );
      if (this.outputMode !== 'int') {
        refuse(ValueError, 'outputSequenceLength', `null with outputMode ${show(this.outputMode)}`, length);
      }
    }
    this.maxTokens = args.maxTokens ?? null;
    this.padToMaxTokens = checkFlag('padToMaxTokens', args.padToMaxTokens, false);
    const { outputMode, maxTokens, padToMaxTokens } = this;
    const { vocabulary } = args;
    this.#table = new StringLookup({ vocabulary, outputMode, maxTokens, padToMaxTokens, maskToken: '' });
    this.vocabulary = this.#table.vocabulary;
  }

  override call(inputs: Tensor | Tensor[]): Tensor {
    const input = only(inputs);
    this.#check(input.shape);
    const rows = tokensOf(input, this.name).map((text) => this.#wordsOf(String(text)));
    const width = this.outputSequenceLength ?? Math.max(0, ...rows.map((words) => words.length));
    // An empty word stands for none.
    const filled = rows.flatMap((words) => Array.from({ length: width }, (_, i) => words[i] ?? ''));
    return tidy(() => this.#table.call(tensor2d(filled, [rows.length, width], 'string')));
  }

  #wordsOf(text: string): string[] {
    const lower =
      this.standardize === 'stripPunctuation' || this.standardize === null ? text : lowerAscii(text);
    const plain = /punctuation$/i.test(this.standardize ?? '') ? lower.replace(PUNCTUATION, '') : lower;
    if (this.split === 'whitespace') return plain.split(WHITESPACE).filter((word) => word !== '');
    return this.split === 'character' ? Array.from(plain) : [plain];
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = onlyShape(inputShape);
    this.#check(shape);
    return this.#table.computeOutputShape([shape[0]!, this.outputSequenceLength]);
  }

  #check(shape: Shape): void {
    if (shape.length === 1 || (shape.length === 2 && shape[1] === 1)) return;
    throw new ValueError(
      `Layer ${show(this.name)}: TextVectorization takes texts of shape [batch] or [batch, 1], received ${show(shape)}.`,
    );
  }
}

const lowerAscii = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

/**
 * Makes a {@link TextVectorization}.
 *
 * @throws TypeError or ValueError for a `vocabulary` that is no list of strings or has one twice, an unknown
 * `standardize`, `split` or `outputMode`, or an `outputSequenceLength` with vectors
 */
export const textVectorization = (args: TextVectorizationArguments) => new TextVectorization(args);
