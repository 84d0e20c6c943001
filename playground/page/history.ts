/** @file The measurements so far, bounded in number and in memory however long the training. */
import type { Measurement, Reading } from '../shared/protocol.js';

/** A chart has hardly more pixels. */
const MOST = 400;
/** As many as a chart needs. */
const FEWEST = 50;

/** Numbers that all measurements together may have, of four bytes each: wide networks have many in one. */
const MOST_NUMBERS = 8_000_000;

/** Only the last decisions and guesses are ever shown. */
const withoutPictures = (reading: Reading): Reading => ({ ...reading, decisions: null, guesses: null });

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const numbersIn = ({ layers }: Reading): number =>
  sum(
    layers.map(({ percentiles, statistics }) => {
      const { renorm, ...others } = statistics ?? { renorm: null };
      return sum(
        [...percentiles, ...Object.values(others), ...Object.values(renorm ?? {})].map(
          ({ length }) => length,
        ),
      );
    }),
  );

/**
 * The measurements with one more. Where they become too many, every second of them goes, but neither the first nor the
 * last.
 */
export function withMeasurement(
  measurements: readonly Measurement[],
  next: Measurement,
): readonly Measurement[] {
  const before = measurements.map((one, i) =>
    i === measurements.length - 1 ? { ...one, readings: one.readings.map(withoutPictures) } : one,
  );
  const affordable = Math.floor(MOST_NUMBERS / Math.max(1, sum(next.readings.map(numbersIn))));
  const most = Math.min(MOST, Math.max(FEWEST, affordable));
  const kept = before.length < most ? before : before.filter((_, i) => i % 2 === 0);
  return [...kept, next];
}
