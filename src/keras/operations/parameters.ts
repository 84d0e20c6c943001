/**
 * @file What an operation is called with, as this library keeps it: tensors by their number among the layer's inputs, and
 * constants. Each parameter says what it accepts, since all of it may come from a file.
 */
import { ValueError } from '../../text/value-error.js';
import { show } from '../../text/show.js';
import { type Json, type JsonObject, isObject } from '../json.js';

/** The values of an operation's parameters. */
export type Values = Readonly<Record<string, Json>>;

/** One parameter of an operation. */
export interface Parameter {
  /** What is accepted, for a message. */
  readonly expected: string;
  readonly accepts: (value: Json) => boolean;
  /** What holds where nothing is given; undefined where something must be. */
  readonly byDefault?: Json;
}

/** Stands for a tensor: one of the layer's inputs, by its number. */
export const tensorReference = (index: number): JsonObject => ({ tensor: index });

export const isReference = (value: Json): value is { tensor: number } =>
  isObject(value) && isIndex(value.tensor) && Object.keys(value).length === 1;

const isIndex = (value: Json | undefined): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** The infinities, which JSON lacks, as this library keeps them. */
const INFINITIES: Readonly<Record<string, number>> = { infinity: Infinity, '-infinity': -Infinity };

/** A number of a constant. */
export const numberOf = (value: Json): number =>
  typeof value === 'string' ? INFINITIES[value]! : Number(value);

const isNumber = (value: Json): boolean =>
  typeof value === 'number' || (typeof value === 'string' && Object.hasOwn(INFINITIES, value));

/** TF.js has tensors of so many dimensions. */
const HIGHEST_RANK = 6;

/** The shape of a constant: a number, or lists of lists of equal lengths; null for anything else. */
export function constantShape(value: Json, deepest = HIGHEST_RANK): number[] | null {
  if (isNumber(value) || typeof value === 'boolean') return [];
  if (!Array.isArray(value) || deepest === 0) return null;
  const shapes = value.map((element) => constantShape(element, deepest - 1));
  const [first] = shapes;
  if (!first || shapes.some((shape) => shape?.join() !== first.join())) return null;
  return [value.length, ...first];
}

const isOperand = (value: Json): boolean => isReference(value) || constantShape(value) !== null;
const isInteger = (value: Json): value is number => Number.isSafeInteger(value);
const isListOf =
  (accepts: (value: Json) => boolean) =>
  (value: Json): boolean =>
    Array.isArray(value) && value.every(accepts);

/** A tensor or a constant. */
export const OPERAND: Parameter = { expected: 'a tensor, a number or an array', accepts: isOperand };

/** The numbers of rows, which are whole. */
export const ROWS: Parameter = { ...OPERAND };

export const OPERANDS: Parameter = {
  expected: 'a list of tensors',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isOperand),
};

export const optional = (parameter: Parameter, byDefault: Json): Parameter => ({
  expected: parameter.expected,
  accepts: (value) => parameter.accepts(value) || value === byDefault,
  byDefault,
});

export const INTEGER: Parameter = { expected: 'an integer', accepts: isInteger };

export const COUNT: Parameter = { expected: 'a positive integer', accepts: (n) => isInteger(n) && n > 0 };

export const NUMBER: Parameter = { expected: 'a number', accepts: isNumber };

export const INTEGERS: Parameter = {
  expected: 'an integer, or a list of them',
  accepts: (value) => isInteger(value) || isListOf(isInteger)(value),
};

/** How large something is, or how many there are. */
export const SIZES: Parameter = {
  expected: 'a size, or a list of them',
  accepts: (value) => isIndex(value) || isListOf(isIndex)(value),
};

/** Dimensions, each once; null for all of them. */
export const AXES = optional(INTEGERS, null);

export const KEEPDIMS: Parameter = {
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
  byDefault: false,
};

export const word = (words: readonly string[], byDefault?: Json): Parameter => ({
  expected: words.map(show).join(' or '),
  accepts: (value) => typeof value === 'string' && words.includes(value),
  ...(byDefault !== undefined && { byDefault }),
});

/** What a tensor may consist of. */
export const TYPES = ['float32', 'int32', 'bool'] as const;
export type Type = (typeof TYPES)[number];

export const TYPE = word(TYPES);

/** Sizes; −1 for one that follows from the others. */
export const SHAPE: Parameter = {
  expected: 'a list of sizes',
  accepts: (value) =>
    isReference(value) || isListOf((size) => isReference(size) || (isInteger(size) && size >= -1))(value),
};

/** Pairs of sizes, one for each dimension. */
export const PAIRS: Parameter = {
  expected: 'a list of pairs of sizes',
  accepts: isListOf((pair) => isListOf(isIndex)(pair) && (pair as Json[]).length === 2),
};

/** From `start` up to `stop`, which is left out, as Python has it. */
export interface Range {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}

/** What stands at one place between the brackets of `x[…]`. */
export type Index = number | Range | 'ellipsis' | 'newaxis';

const isRange = (value: Json): boolean =>
  isObject(value) &&
  Object.keys(value).sort().join() === 'start,step,stop' &&
  Object.values(value).every((bound) => bound === null || isInteger(bound)) &&
  value.step !== 0;

export const INDICES: Parameter = {
  expected: 'integers and slices',
  accepts: (value) =>
    isListOf((index) => isInteger(index) || index === 'ellipsis' || index === 'newaxis' || isRange(index))(
      value,
    ) && (value as Json[]).filter((index) => index === 'ellipsis').length <= 1,
};

/**
 * All parameters of an operation, with their defaults.
 *
 * @throws ValueError for one that is missing, unknown, or of another kind
 */
export function checkValues(
  operation: string,
  parameters: Readonly<Record<string, Parameter>>,
  given: Values,
): Values {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(parameters, name)) {
      throw new ValueError(
        `${operation} has no ${show(name)}; it has ${Object.keys(parameters).join(', ')}.`,
      );
    }
  }
  const checked = Object.entries(parameters).map(([name, { expected, accepts, byDefault }]) => {
    const value = Object.hasOwn(given, name) ? given[name]! : byDefault;
    if (value === undefined) throw new ValueError(`${operation} lacks its ${show(name)}: ${expected}.`);
    if (accepts(value)) return [name, value] as const;
    throw new ValueError(`the ${show(name)} of ${operation}: expected ${expected}, received ${show(value)}.`);
  });
  return Object.fromEntries(checked);
}

/** How many inputs the values speak of: one more than the highest number. */
export function countInputs(value: Json): number {
  if (isReference(value)) return value.tensor + 1;
  if (Array.isArray(value)) return value.reduce<number>((most, one) => Math.max(most, countInputs(one)), 0);
  return 0;
}
