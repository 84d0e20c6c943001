/**
 * @file Moments that travel: what one part of the data, a shard, shows of a normalization's inputs, as plain data. Any
 * engine that runs a task for each shard can make them anywhere; then they are merged. What comes from elsewhere is
 * checked here, field by field.
 */
import { refuse } from '../text/refusal.js';
import { show } from '../text/show.js';
import { ValueError } from '../text/value-error.js';
import { isRecord } from './data.js';
import { plural } from './findings.js';
import { ORIGIN } from './moments-origin.js';
import { ORDERS, type PassOrder } from './new-statistics.js';
import type { PopulationMoments } from './population.js';

export const MOMENTS_FORMAT = 'evenkeel moments 1';

/** Moments of a layer's inputs. Plain data: `JSON.stringify` keeps all of it, every bit of its numbers. */
export interface LayerMoments extends PopulationMoments {
  readonly format: typeof MOMENTS_FORMAT;
  /** The layer's name, behind those of the models that it is in: `'encoder/bn1'`. */
  readonly layer: string;
  /**
   * What they were taken of: three SHA-256 in hexadecimal, joined by '-'. The first is of the model (classes, settings
   * and weights of its layers), the second of the round (`order`, `statistics` and what was `given`), the third of the
   * data's preparation.
   */
  readonly of: string;
  readonly order: PassOrder;
  /** Whether training gives the layer's moving variance Bessel's correction, n/(n − 1). */
  readonly bessel: boolean;
  /** The names of the shards that are in it, sorted. */
  readonly shards: readonly string[];
}

/** How many values moments are of, at least: those of one value are that value. */
export const FEWEST_VALUES = 2;

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isSetOfNames = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  Array.from<unknown>(value).every(isName) &&
  new Set(value).size === value.length;

type FieldRule = readonly [isAccepted: (value: unknown) => boolean, expected: string];

const FIELDS: Readonly<Record<Exclude<keyof LayerMoments, keyof typeof NUMBERS | 'perBatch'>, FieldRule>> = {
  format: [(value) => value === MOMENTS_FORMAT, `'${MOMENTS_FORMAT}', which this version reads`],
  layer: [isName, 'the name of a layer'],
  of: [
    (value) => isName(value) && ORIGIN.test(value as string),
    "three SHA-256 in hexadecimal, joined by '-'",
  ],
  order: [(value) => ORDERS.includes(value as PassOrder), ORDERS.map(show).join(' or ')],
  bessel: [(value) => typeof value === 'boolean', 'true or false'],
  shards: [isSetOfNames, 'an array with the names of shards, each once'],
  batches: [(value) => isWhole(value) && value !== 0, 'a whole number of at least 1'],
};

/** Of a number for a channel. */
type NumberRule = readonly [
  isAccepted: (value: number, moments: PopulationMoments, channel: number) => boolean,
  expected: string,
];

/** Float32's largest, which no value exceeds. Sums stay finite by it. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

const MEAN: NumberRule = [(value) => Math.abs(value) <= LARGEST, 'a number that float32 can hold'];
const FROM_ZERO: NumberRule = [(value) => value >= 0, 'a number of at least 0'];

const NUMBERS: Readonly<Record<'count' | 'mean' | 'm2', NumberRule>> = {
  count: [
    (value) => value === 0 || (value >= FEWEST_VALUES && value <= Number.MAX_SAFE_INTEGER),
    `0, or at least ${FEWEST_VALUES}, since moments of one value are that value`,
  ],
  mean: MEAN,
  m2: [
    (value, { count }, c) => value >= 0 && value <= count[c]! * (2 * LARGEST) ** 2,
    'at least 0, and no more than so many values of float32 can bring',
  ],
};

const NUMBERS_PER_BATCH: Readonly<Record<keyof NonNullable<PopulationMoments['perBatch']>, NumberRule>> = {
  batches: [
    (value, { batches, count }, c) => isWhole(value) && value <= batches && value > 0 === count[c]! > 0,
    'how many of the batches had values in the channel',
  ],
  m2Between: [(value, { m2 }, c) => value >= 0 && value <= m2[c]!, 'from 0 to m2, of which it is a part'],
  m2OfVariances: FROM_ZERO,
  updates: [
    (value, { perBatch }, c) => isWhole(value) && value >= perBatch!.batches[c]!,
    'a whole number, at least that of batches with values',
  ],
  meanOfMeans: MEAN,
  meanOfVariances: FROM_ZERO,
};

/**
 * What may come from anywhere, as a copy whose fields have one order.
 *
 * @throws ValueError for anything but moments
 */
export function checkMoments(value: unknown): LayerMoments {
  const given = fieldsOf('moments', value, [...Object.keys(FIELDS), ...Object.keys(NUMBERS), 'perBatch']);
  for (const [name, [isAccepted, expected]] of Object.entries(FIELDS)) {
    if (!isAccepted(given[name])) refuse(ValueError, `moments, ${name}`, expected, given[name]);
  }
  const { format, layer, of, order, bessel, shards, batches } = given as unknown as LayerMoments;
  const what = `moments of the layer ${show(layer)}`;
  const channels = Array.isArray(given.count) ? given.count.length : 0;
  const moments = {
    ...{ format, layer, of, order, bessel, shards: [...shards].sort(), batches },
    ...numbersOf(what, given, NUMBERS, channels),
    ...(given.perBatch !== undefined && {
      perBatch: numbersOf(
        what,
        fieldsOf(`${what}, perBatch`, given.perBatch, Object.keys(NUMBERS_PER_BATCH)),
        NUMBERS_PER_BATCH,
        channels,
      ),
    }),
  };
  checkNumbers(what, moments, NUMBERS, moments);
  if (moments.perBatch) checkNumbers(what, moments.perBatch, NUMBERS_PER_BATCH, moments);
  return moments;
}

/** An object's fields, of which none is unknown. */
function fieldsOf(what: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (!isRecord(value)) refuse(ValueError, what, `an object with ${known.join(', ')}`, value);
  const other = Object.keys(value).find((name) => !known.includes(name));
  if (other !== undefined) refuse(ValueError, `${what}, fields`, known.join(', '), other);
  return value;
}

type Numbers<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/** Arrays of finite numbers, one for each channel. */
function numbersOf<Name extends string>(
  what: string,
  given: Record<string, unknown>,
  rules: Readonly<Record<Name, NumberRule>>,
  channels: number,
): Numbers<Name> {
  const numbers = {} as Record<Name, readonly number[]>;
  for (const name of Object.keys(rules) as Name[]) {
    const values = Array.isArray(given[name]) ? Array.from<number>(given[name]) : [];
    if (values.length === 0 || values.length !== channels || !values.every(Number.isFinite)) {
      const size = channels === 0 ? 'numbers, one for each channel' : plural(channels, 'finite number');
      refuse(ValueError, `${what}, ${name}`, `an array of ${size}`, given[name]);
    }
    numbers[name] = values;
  }
  return numbers;
}

function checkNumbers<Name extends string>(
  what: string,
  numbers: Numbers<Name>,
  rules: Readonly<Record<Name, NumberRule>>,
  moments: PopulationMoments,
): void {
  for (const name of Object.keys(rules) as Name[]) {
    const [isAccepted, expected] = rules[name];
    const channel = numbers[name].findIndex((value, c) => !isAccepted(value, moments, c));
    if (channel >= 0) refuse(ValueError, `${what}, ${name}[${channel}]`, expected, numbers[name][channel]);
  }
}
