/** @file Agreement with real tf-keras on WebGPU: every golden case, on the kernels. */
import { test } from 'vitest';
import { FUSED, checkKernels } from '../fused/kernels-in-use.js';
import { LAYER_GROUPS, readAttempts, readCases } from '../golden/index.js';
import { replayAcceptance, replayCase, replayRefusal } from '../keras/cases.js';
import { describeWebgpu } from './suite.js';

describeWebgpu(() => {
  for (const group of LAYER_GROUPS) {
    test.each(readCases(group).map((golden, index) => ({ golden, index })))(
      `agrees with Keras in ${group}, on the kernels: $golden.name`,
      async ({ golden, index }) => {
        await replayCase(golden, index);
        await checkKernels(golden, FUSED);
      },
    );
  }

  test.each(readAttempts('errors'))('refuses what Keras refuses: $name', (golden) => {
    replayRefusal(golden);
  });

  test.each(readAttempts('accepted'))('accepts what Keras accepts: $name', (golden) => {
    replayAcceptance(golden);
  });
});
