/** @file How far normalized values are from mean 0 and deviation 1: root of the mean square over a layer's channels. */
import type { InspectedLayer } from 'evenkeel/tools';

/** In deviations; null without data. */
export function offBy({ inputs }: InspectedLayer): number | null {
  const distances = inputs?.distance.filter((distance) => distance !== null) ?? [];
  if (distances.length === 0) return null;
  return Math.sqrt(distances.reduce((sum, distance) => sum + distance * distance, 0) / distances.length);
}
