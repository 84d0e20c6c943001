/** @file Names that nobody knows: refused, with the nearest where one is near. */
import { describe, expect, test } from 'vitest';
import { FOREIGN_ARGUMENTS, FOREIGN_CALL_ARGUMENTS } from '../../src/layer/foreign-names.js';
import { ARGUMENT_NAMES } from '../../src/layer/arguments.js';
import { checkNames, nearest } from '../../src/text/names.js';

test.each([
  ['momentun', 'momentum'],
  ['Momentum', 'momentum'],
  ['renorm_momentum', 'renormMomentum'],
  ['virtual_batchsize', 'virtualBatchSize'],
  ['epsilom', 'epsilon'],
  ['naem', 'name'],
  ['axes', 'axis'],
  ['beta_initialiser', 'betaInitializer'],
])('%s is near %s', (name, meant) => {
  expect(nearest(name, ARGUMENT_NAMES)).toBe(meant);
});

test.each(['eps', 'affine', 'decay', 'x', '', 'mode', 'bias', 'use_bias', 'somethingElseAltogether'])(
  '%j is near nothing',
  (name) => {
    expect(nearest(name, ARGUMENT_NAMES)).toBeNull();
  },
);

test('looks at long names only as far as it must', () => {
  expect(nearest('a'.repeat(50), ['b'.repeat(1_000_000)])).toBeNull();
});

const check = (given: unknown) => () => {
  checkNames('option', 'fold', given, ['data', 'signal', 'onProgress']);
};

test('takes known names, and nothing at all', () => {
  for (const given of [undefined, null, {}, { data: undefined }, { signal: 1, onProgress: 2 }])
    check(given)();
});

test.each([
  [{ dat: 1 }, "Unknown option 'dat' of fold. Did you mean 'data'? Known are data, signal, onProgress."],
  [{ batches: 3 }, "Unknown option 'batches' of fold. Known are data, signal, onProgress."],
  [{ toString: 1 }, "Unknown option 'toString' of fold. Known are data, signal, onProgress."],
  [true, 'The options of fold: expected an object with any of data, signal, onProgress, received true.'],
  [[1], 'The options of fold: expected an object with any of data, signal, onProgress, received [1].'],
])('refuses %j', (given, message) => {
  expect(check(given)).toThrow(new TypeError(message));
});

describe('what other frameworks call it', () => {
  /** What the answer to a name says that it is here. */
  const answer = (name: string, table = FOREIGN_ARGUMENTS, known = ARGUMENT_NAMES) => {
    try {
      checkNames('argument', null, { [name]: 1 }, known, table);
    } catch (error) {
      return (error as Error).message.replace(/ Known are .*/, '').replace(/^[^.]*\. /, '');
    }
    return null;
  };

  test.each([
    ['eps', "Here it is 'epsilon'."],
    ['affine', "Here it is 'center' and 'scale'."],
    ['decay', "Here it is 'momentum'."],
    ['num_features', "Leave it out: the input's shape says how many channels there are."],
    ['track_running_stats', 'Here each call says it: layer.apply(x, { training: true }).'],
    ['is_training', 'Here each call says it: layer.apply(x, { training: true }).'],
    ['data_format', "Here it is 'axis'. 1 for channels first, -1 for channels last."],
    ['gamma_init', "Here it is 'gammaInitializer'."],
    ['scope', "Here it is 'name'."],
    ['beta_initializer', "Did you mean 'betaInitializer'?"],
  ])('%s', (name, expected) => {
    expect(answer(name)).toBe(expected);
  });

  test.each(['train', 'is_training', 'isTraining'])('a call: %s', (name) => {
    expect(answer(name, FOREIGN_CALL_ARGUMENTS, ['training', 'mask'])).toBe("Here it is 'training'.");
  });

  test('names arguments that there are', () => {
    const named = Object.values(FOREIGN_ARGUMENTS).flatMap((text) => text.match(/'\w+'/g) ?? []);
    expect(named.filter((name) => !ARGUMENT_NAMES.includes(name.slice(1, -1)))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });
});
