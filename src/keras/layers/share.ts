/** @file Shares that are dropped in training, as arguments. */
import { checkNumber } from '../../text/refusal.js';

/** Keras brings them between 0 and 1. */
export function checkShare(name: string, value: number | undefined): number {
  if (value == null) return 0;
  checkNumber(name, value, (share) => !Number.isNaN(share), 'a number from 0 to 1');
  return Math.min(1, Math.max(0, value));
}
