/** @file Second derivatives on webgpu. */
import { test } from 'vitest';
import { CALLS, checkSecondDerivatives } from '../gradients/second.js';
import { describeWebgpu } from './suite.js';

describeWebgpu(() => {
  test.each(CALLS)('%s', (_, call) => checkSecondDerivatives(call));
});
