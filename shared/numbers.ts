/** @file Numbers and counts, as the command, its reports and the doctor show them. */

/** A number with as many digits as a table has room for. */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return String(value ?? 'NaN');
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  return magnitude >= 1e5 || magnitude < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

/** The least and the largest of the numbers that are any: `'0.5 … 2'`. */
export function formatRange(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return 'not finite';
  const [least, most] = known.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Infinity, -Infinity],
  );
  return least === most ? formatNumber(least) : `${formatNumber(least)} … ${formatNumber(most)}`;
}

export const formatCount = (value: number): string => value.toLocaleString('en');

/** `1 layer`, `2 layers`. */
export const plural = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
