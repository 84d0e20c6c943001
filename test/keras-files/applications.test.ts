/** @file Small members of keras.applications: they load, predict and fold on cpu and wasm, and are saved for Keras. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { fold } from 'evenkeel/tools';
import { describe, expect, test, vi } from 'vitest';
import { MODELS, foldedTolerance, inputsOf, predictionError, readModel } from './golden.js';

/** Names that Keras 3 does not take are changed, which is said. */
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

const APPLICATIONS = MODELS.filter(({ group }) => group === 'applications');

/**
 * How many normalizations stay: those of an input that is padded, behind a sum or a tensor that others take too, and before
 * an activation.
 */
const KEPT: Readonly<Record<string, number>> = {
  convnext: 1,
  densenet: 11,
  efficientnet: 2,
  'efficientnet-imagenet-stem': 2,
  'efficientnetv2-b0': 2,
  'efficientnetv2-s': 1,
  'mobilenet-v3-small': 1,
  'mobilenet-v3-minimalistic': 1,
  'resnet-v2': 5,
  'resnet-rs': 2,
};
const nameOf = (file: string) => file.replace(/^(tf-keras|keras3)-|\.\w+$/g, '');

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  test.each(APPLICATIONS)('$file', async (golden) => {
    await tf.setBackend(backend);
    const model = await loadKerasModel(readModel(golden));
    expect(predictionError(model, golden)).toBeLessThanOrEqual(foldedTolerance(golden));
    const { model: folded, kept } = await fold(model, inputsOf(golden));
    expect(predictionError(folded, golden)).toBeLessThanOrEqual(foldedTolerance(golden));
    expect(kept).toHaveLength(KEPT[nameOf(golden.file)] ?? 0);
    for (const target of golden.savedFor) await saveKerasModel(model, null, { for: target });
  });
});
