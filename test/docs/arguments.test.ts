/** @file The pages of the arguments name those that the layer has, with its defaults, and what it refuses. */
import * as tf from '@tensorflow/tfjs';
import { BatchNormalization } from 'evenkeel';
import { runInThisContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { ARGUMENT_NAMES, type BatchNormalizationArgs, resolveArguments } from '../../src/layer/arguments.js';
import type { Initializer } from '../../src/layer/keras-objects.js';
import { camelCase } from '../../src/text/naming.js';
import { show } from '../../src/text/show.js';
import { documentedArguments, documentedRefusals } from './arguments.js';
import { readText } from './blocks.js';

/** Of a call, as `CallArguments` has them; the compiler would miss one here. */
const CALL_ARGUMENTS = ['training', 'mask', 'updateMovingStatistics'];

const documented = documentedArguments();

test('every argument of the layer and of a call stands there once, and none that there is not', () => {
  const names = documented.map(({ name }) => name);
  expect(names.toSorted()).toEqual(['object', ...ARGUMENT_NAMES, ...CALL_ARGUMENTS].toSorted());
});

test('the same arguments stand in COMPATIBILITY.md', () => {
  const rows = [...readText('COMPATIBILITY.md').matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name!);
  expect(rows).toEqual(expect.arrayContaining(documented.map(({ name }) => name)));
});

/** The defaults of the layer's arguments; null is what is not given. */
function layerDefaults(): Record<string, unknown> {
  const { options, weights } = resolveArguments({});
  // TF.js keeps the type of the input only beside its shape.
  const { trainable, dtype } = new BatchNormalization({ inputShape: [1] });
  const limits = Object.keys(options.renormClipping);
  return { ...options, renormClipping: limits.length > 0 ? limits : null, weights, trainable, dtype };
}

/** A default as the pages write it: an initializer by its name. */
function written(value: unknown): string {
  const isObject = typeof value === 'object' && value !== null && 'getClassName' in value;
  const name = isObject ? (value as Initializer).getClassName().toLowerCase() : value;
  return `\`${show(name ?? null)}\``;
}

test('each argument of the layer has the default that the layer has', () => {
  const defaults = layerDefaults();
  for (const { name, page, default: byDefault } of documented) {
    if (page === 'call') continue;
    expect(byDefault, name).toBe(
      name === 'name' ? 'made of the class and a number' : written(defaults[name]),
    );
  }
});

test('each argument has in R and Python the name that it has here', () => {
  for (const { name, keras } of documented) {
    const inKeras = /^`(\w+)`/.exec(keras)?.[1] ?? '';
    expect(camelCase(inKeras), name).toBe(name === 'updateMovingStatistics' ? '' : name);
  }
});

test('a call infers and would move the statistics unless it says otherwise', () => {
  const defaults = documented.filter(({ page }) => page === 'call').map((argument) => argument.default);
  expect(defaults).toEqual(['`false`', '`null`', '`true`']);
  const layer = new BatchNormalization();
  const x = tf.tensor2d([[1], [3]]);
  layer.apply(x);
  expect(layer.movingMean.read().dataSync()[0]).toBe(0);
  layer.apply(x, { training: true });
  expect(layer.movingMean.read().dataSync()[0]).not.toBe(0);
});

describe('refuses, in these words,', () => {
  beforeAll(() => {
    Object.assign(globalThis, { tf });
  });

  test.each(documentedRefusals())('$code', ({ code, error }) => {
    const refused = () => {
      const layer = new BatchNormalization(runInThisContext(`(${code})`) as BatchNormalizationArgs);
      layer.apply(tf.ones([8, 4, 4, 6]), { training: true });
    };
    const [name, ...message] = error.split(': ');
    expect(refused).toThrow(expect.objectContaining({ name, message: message.join(': ') }) as Error);
  });
});
