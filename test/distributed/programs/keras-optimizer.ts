/** @file Optimizers of Keras, as models from files have them. */
import { KerasOptimizer } from '../../../src/keras/optimizers/keras-optimizer.js';
import { RULES } from '../../../src/keras/optimizers/rules.js';

export const kerasOptimizer = (name: string, settings: Record<string, number>): KerasOptimizer =>
  new KerasOptimizer({
    name,
    rule: RULES[name]!,
    settings: { ...RULES[name]!.defaults, ...settings },
    schedule: null,
    isLegacy: false,
    iterations: 0,
    slots: new Map(),
    constrained: new Map(),
  });
