/**
 * @file Accuracy far from zero: the kernels subtract the mean before anything is rounded, so that y is right to 1e-6
 * and dx to 2e-6 of its largest magnitude at any mean. Plain float32 arithmetic has errors of 0.03 at a mean of 10⁶.
 */
import { expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import { MASKED, MEANS, OPTIONS, errors } from './accuracy.js';

describeBackends(() => {
  for (const [options, isMasked] of [
    [OPTIONS, false],
    [MASKED, true],
  ] as const) {
    for (const [name, args] of Object.entries(options)) {
      test.each(MEANS)(
        `${name}${isMasked ? ', masked' : ''}: exact to float32 at a mean of %d`,
        async (mean) => {
          const { y, inference, dx } = await errors(args, mean, isMasked);
          expect(y, 'y').toBeLessThanOrEqual(1e-6);
          expect(inference, 'inference').toBeLessThanOrEqual(1e-6);
          expect(dx, 'dx').toBeLessThanOrEqual(2e-6);
        },
      );
    }
  }
});
