/**
 * @file What the page gets to see of a report: as much as it can show at once, however many layers, channels and letters a
 * model has.
 */
import { shorten } from '../../src/text/show.js';
import type { Examination, Folding } from '../shared/doctor-protocol.js';
import { LONGEST_TEXT, MOST_CHANNELS, MOST_ITEMS, MOST_NUMBERS } from '../shared/limits.js';

/** A copy with at most so many numbers in each list of numbers. */
function cut<T>(value: T, numbers: number): T;
function cut(value: unknown, numbers: number): unknown {
  if (typeof value === 'string') return shorten(value, LONGEST_TEXT);
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    const isOfNumbers = list[0] === null || typeof list[0] === 'number';
    return isOfNumbers ? list.slice(0, numbers) : list.slice(0, MOST_ITEMS).map((item) => cut(item, numbers));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, cut(part as unknown, numbers)]),
  );
}

export function cutExamination(examination: Omit<Examination, 'counts'>): Examination {
  const { layers, findings } = examination.report;
  const shown = Math.min(layers.length, MOST_ITEMS);
  const numbers = Math.min(MOST_NUMBERS, Math.floor(MOST_CHANNELS / Math.max(1, shown)));
  return { ...cut(examination, numbers), counts: { layers: layers.length, findings: findings.length } };
}

export function cutFolding(folding: Omit<Folding, 'counts'>): Folding {
  const { folded, kept } = folding;
  return { ...cut(folding, MOST_NUMBERS), counts: { folded: folded.length, kept: kept.length } };
}
