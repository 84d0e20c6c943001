/** @file Checks of arguments that several of Keras' layers have. */
import { checkBoolean, checkNumber, refuse } from '../../text/refusal.js';
import { ValueError } from '../../text/value-error.js';

/** @throws ValueError for a word that is not among those known, TypeError for what is no word */
export function checkWord<Word extends string>(name: string, value: unknown, known: readonly Word[]): Word {
  const word = known.find((one) => one === value);
  if (word !== undefined) return word;
  return refuse(
    typeof value === 'string' ? ValueError : TypeError,
    name,
    `one of ${known.join(', ')}`,
    value,
  );
}

/** True or false; null stands for the default. */
export function checkFlag(name: string, value: unknown, byDefault: boolean): boolean {
  const flag = value ?? byDefault;
  checkBoolean(name, flag);
  return flag;
}

/** Of a target size. */
export function checkSize(name: string, value: unknown): number {
  checkNumber(name, value, (size) => Number.isInteger(size) && size > 0, 'a whole number above 0');
  return value;
}

/** Of the values of pixels. */
export function checkRange(name: string, value: unknown): [number, number] {
  const expected = 'a range of two numbers';
  if (!Array.isArray(value)) return refuse(TypeError, name, expected, value);
  if (value.length !== 2) refuse(ValueError, name, expected, value);
  for (const end of value) checkNumber(name, end, Number.isFinite, expected);
  const [from, to] = value as [number, number];
  return from <= to ? [from, to] : [to, from];
}
