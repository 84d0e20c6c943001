/** @file Tools leave no tensors behind: for models of every kind, and where they refuse. */
import * as tf from '@tensorflow/tfjs';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { collectMoments, fold, inspect, recalibrate, replaceBatchNormalization } from 'evenkeel/tools';
import { beforeAll, expect, test } from 'vitest';
import { takeWarnings, useBackend } from '../backends.js';
import { withInner } from '../../src/model/graph.js';
import { statefulLayersOf } from '../../src/model/states.js';
import { ownWeightsOf } from '../../src/model/tensorflow-internals.js';
import { MODELS, inputsOf, readModel } from '../keras-files/golden.js';

/** TF.js' `dispose` leaves the weights of a layer that is called twice, or lies in a model within. */
function discard(model: tf.LayersModel): void {
  model.dispose();
  for (const weight of new Set(withInner(model).flatMap(ownWeightsOf))) {
    const { val } = weight as unknown as { readonly val: tf.Variable };
    if (!val.isDisposed) val.dispose();
  }
}

/** One file of each model of tf-keras, without the networks of many megabytes. */
const CHEAP = MODELS.filter(
  ({ group, file }) => group !== 'applications' && /^tf-keras.*\.keras$/.test(file),
);
const count = () => tf.memory().numTensors;

beforeAll(() => useBackend('cpu'));

test('there are models to look at', () => {
  expect(CHEAP.length).toBeGreaterThan(150);
});

const GROUPS = [...new Set(CHEAP.map(({ group }) => group))];

test.each(GROUPS)('%s', { timeout: 300_000 }, async (group) => {
  const left: string[] = [];
  for (const golden of CHEAP.filter((one) => one.group === group)) {
    takeWarnings();
    const before = count();
    const model = await loadKerasModel(readModel(golden), { compile: false });
    const inputs = inputsOf(golden);
    // They are the model's, and made when they are first asked for.
    statefulLayersOf(model);
    const held = count();
    const check = (what: string) => {
      if (count() !== held) left.push(`${golden.file}: ${what} leaves ${count() - held}`);
    };
    const swallow = () => undefined;
    for (const limits of [undefined, { memory: 1 }, { steps: 0 }]) {
      const folded = await fold(model, { limits }).catch(swallow);
      if (folded) discard(folded.model);
      check('fold');
      const onData = await fold(model, inputs, { limits }).catch(swallow);
      if (onData) discard(onData.model);
      check('fold on data');
      await inspect(model, [inputs], { limits }).catch(swallow);
      check('inspect');
      await recalibrate(model, [inputs], { limits, order: 'one pass' }).catch(swallow);
      check('recalibrate');
      await collectMoments(model, [inputs], { shard: 'a', limits, order: 'one pass' }).catch(swallow);
      check('collectMoments');
    }
    discard(replaceBatchNormalization(model).model);
    check('replaceBatchNormalization');
    await saveKerasModel(model, null, { for: 'keras3' }).catch(swallow);
    check('saveKerasModel');
    tf.dispose(inputs);
    discard(model);
    if (count() !== before) left.push(`${golden.file}: the model leaves ${count() - before}`);
  }
  expect(left).toEqual([]);
});
