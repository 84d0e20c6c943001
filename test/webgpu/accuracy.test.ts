/**
 * @file Accuracy far from zero on WebGPU: the bounds of the other kernels hold for two-float sums too, y and inference
 * to 1e-6 and dx to 2e-6 of its largest magnitude.
 */
import { expect, test } from 'vitest';
import { MASKED, MEANS, OPTIONS, errors } from '../fused/accuracy.js';
import { describeWebgpu } from './suite.js';

const CASES = [
  ...Object.entries(OPTIONS).map(([name, args]) => ({ name, args, isMasked: false })),
  ...Object.entries(MASKED).map(([name, args]) => ({ name: `${name}, masked`, args, isMasked: true })),
];

describeWebgpu(() => {
  for (const { name, args, isMasked } of CASES) {
    test.each(MEANS)(`${name}: exact to float32 at a mean of %d`, async (mean) => {
      const { y, inference, dx } = await errors(args, mean, isMasked);
      expect(y, 'y').toBeLessThanOrEqual(1e-6);
      expect(inference, 'inference').toBeLessThanOrEqual(1e-6);
      expect(dx, 'dx').toBeLessThanOrEqual(2e-6);
    });
  }
});
