/** @file Tools leave no tensors behind: for models of every kind, and where they refuse. */
import * as tf from '@tensorflow/tfjs';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { fold, inspect, recalibrate, replaceBatchNormalization } from 'evenkeel/tools';
import { expect, test } from 'vitest';
import { takeWarnings } from '../backends.js';
import { MODELS, inputsOf, readModel } from '../keras-files/golden.js';

/** One file of each model, without the networks of many megabytes. */
const CHEAP = MODELS.filter(({ group, file }) => group !== 'applications' && file.endsWith('.keras'));
const count = () => tf.memory().numTensors;

test('there are models to look at', () => {
  expect(CHEAP.length).toBeGreaterThan(300);
});

test.each(Object.entries(Object.groupBy(CHEAP, ({ group }) => group)))(
  '%s',
  { timeout: 300_000 },
  async (_, models) => {
    const left: string[] = [];
    for (const golden of models!) {
      takeWarnings();
      const before = count();
      const model = await loadKerasModel(readModel(golden), { compile: false });
      const inputs = inputsOf(golden);
      const held = count();
      const check = (what: string) => {
        if (count() !== held) left.push(`${golden.file}: ${what} leaves ${count() - held}`);
      };
      const swallow = () => undefined;
      for (const limits of [undefined, { memory: 1 }, { steps: 0 }]) {
        const folded = await fold(model, { limits }).catch(swallow);
        folded?.model.dispose();
        check('fold');
        const onData = await fold(model, inputs, { limits }).catch(swallow);
        onData?.model.dispose();
        check('fold on data');
        await inspect(model, [inputs], { limits }).catch(swallow);
        check('inspect');
        await recalibrate(model, [inputs], { limits, order: 'one pass' }).catch(swallow);
        check('recalibrate');
      }
      replaceBatchNormalization(model).model.dispose();
      check('replaceBatchNormalization');
      await saveKerasModel(model, null, { format: 'keras' }).catch(swallow);
      check('saveKerasModel');
      tf.dispose(inputs);
      model.dispose();
      if (count() !== before) left.push(`${golden.file}: the model leaves ${count() - before}`);
    }
    expect(left).toEqual([]);
  },
);
