/** @file Numbers and counts, as the command, its reports and the playground show them. */

/** A number with as many digits as a table has room for. */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return String(value ?? 'NaN');
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  return magnitude >= 1e5 || magnitude < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

/** The least and the largest of the numbers that are any; null where none is. */
export function rangeOf(values: readonly (number | null)[]): readonly [least: number, most: number] | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  return known.reduce(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  );
}

/** The same in words: `'0.5 … 2'`. */
export function formatRange(values: readonly (number | null)[]): string {
  const range = rangeOf(values);
  if (!range) return 'not finite';
  const [least, most] = range;
  return least === most ? formatNumber(least) : `${formatNumber(least)} … ${formatNumber(most)}`;
}

export const formatCount = (value: number): string => value.toLocaleString('en');

/** `1 layer`, `2 layers`. */
export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
