/** @file The measurements so far, bounded in number however long the training. */
import type { Measurement, Reading } from '../shared/protocol.js';

/** A chart has hardly more pixels. */
const MOST = 400;

/** Only the last picture of decisions is ever drawn. */
const withoutDecisions = (reading: Reading): Reading => ({ ...reading, decisions: null });

/**
 * The measurements with one more. Where they become too many, every second of them goes, but neither the first nor the
 * last.
 */
export function withMeasurement(
  measurements: readonly Measurement[],
  next: Measurement,
): readonly Measurement[] {
  const before = measurements.map((one, i) =>
    i === measurements.length - 1 ? { ...one, readings: one.readings.map(withoutDecisions) } : one,
  );
  const kept = before.length < MOST ? before : before.filter((_, i) => i % 2 === 0);
  return [...kept, next];
}
