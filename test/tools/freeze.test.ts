/** @file Frozen layers do not move in training, wherever they lie; unfrozen ones do. */
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { freeze, replaceBatchNormalization, unfreeze } from 'evenkeel/tools';
import { expect, test } from 'vitest';
import { describeBackends, takeWarnings } from '../backends.js';
import { compile, fit } from '../models/models.js';
import { apply, functional, snapshot } from './networks.js';

const { layers } = tf;

/** A head on a base that has a block in it, two models deep; the block's last normalization has no gamma and beta. */
function network(normalization: (args: { name: string }) => tf.layers.Layer = layerBatchNormalization) {
  const block = functional([4], (x) => {
    const hidden = apply(
      normalization({ name: 'bn1' }),
      apply(layers.dense({ units: 4, name: 'dense1' }), x),
    );
    return apply(layerBatchNormalization({ name: 'bn2', center: false, scale: false }), hidden);
  });
  block.name = 'block';
  const base = functional([4], (x) => apply(layers.dense({ units: 4, name: 'dense2' }), apply(block, x)));
  base.name = 'base';
  const model = functional([4], (x) =>
    apply(
      layers.dense({ units: 1, name: 'head' }),
      apply(layerBatchNormalization({ name: 'bn3' }), apply(base, x)),
    ),
  );
  return { model, base, block };
}

const ALL = ['base/block/dense1', 'base/block/bn1', 'base/block/bn2', 'base/dense2', 'bn3', 'head'];

/** Trains some steps and says which layers moved. */
async function movedBy(model: tf.LayersModel): Promise<string[]> {
  const before = new Map(snapshot(model));
  compile(model);
  await fit(model, 2);
  takeWarnings();
  const moved = snapshot(model).filter(([name, values]) => before.get(name)!.join() !== values.join());
  return ALL.filter((layer) => moved.some(([name]) => name.startsWith(`${layer}/`)));
}

describeBackends(() => {
  test('everything moves before, and nothing that is frozen after, statistics two models deep included', async () => {
    const { model } = network();
    expect(await movedBy(model)).toEqual(ALL);
    expect(freeze(model, 'base/*')).toEqual({ changed: ALL.slice(0, 4), stillMoving: [] });
    expect(await movedBy(model)).toEqual(['bn3', 'head']);
    expect(unfreeze(model).changed).toEqual(ALL.slice(0, 4));
    expect(await movedBy(model)).toEqual(ALL);
  });

  test.each<[string | RegExp, string[]]>([
    ['bn*', ['base/block/bn1', 'base/block/bn2', 'bn3']],
    ['dense1', ['base/block/dense1']],
    ['*/block/*', ['base/block/dense1', 'base/block/bn1', 'base/block/bn2']],
    ['block', ['base/block/dense1', 'base/block/bn1', 'base/block/bn2']],
    [/^base\/dense|^head$/, ['base/dense2', 'head']],
    [/DENSE[12]/gi, ['base/block/dense1', 'base/dense2']],
  ])('%s means the layers whose name or path it matches', async (pattern, meant) => {
    const { model } = network();
    expect(freeze(model, pattern).changed).toEqual(meant);
    expect(await movedBy(model)).toEqual(ALL.filter((name) => !meant.includes(name)));
    expect(freeze(model, pattern).changed).toEqual([]);
    expect(unfreeze(model, pattern).changed).toEqual(meant);
  });

  test('unfreezing a part of a frozen container leaves the rest of it frozen', async () => {
    const { model, base } = network();
    base.trainable = false;
    expect(unfreeze(model, 'bn1').changed).toEqual(['base/block/bn1']);
    expect(await movedBy(model)).toEqual(['base/block/bn1', 'bn3', 'head']);
    expect(unfreeze(model).changed).toEqual(ALL.filter((name) => /base/.test(name) && !/bn1/.test(name)));
    expect(await movedBy(model)).toEqual(ALL);
  });

  test('holds in a chain that begins with what is frozen, through saving, and in recurrent and wrapped layers', async () => {
    const { base } = network();
    const model = tf.sequential({ layers: [base, layers.dense({ units: 1, name: 'head' })] });
    freeze(model, 'base');
    expect(await movedBy(model)).toEqual(['head']);
    const sequences = tf.sequential({
      layers: [
        layers.bidirectional({
          layer: layers.gru({ units: 2, returnSequences: true }),
          inputShape: [3, 2],
          name: 'both',
          mergeMode: 'concat',
        }),
        layers.timeDistributed({
          layer: functional([4], (x) => apply(layerBatchNormalization(), x)),
          name: 'steps',
        }),
        layers.lstm({ units: 2, name: 'last' }),
        layers.dense({ units: 1, name: 'end' }),
      ],
    });
    expect(freeze(sequences, /both|steps|last/).changed).toEqual(['both', 'steps', 'last']);
    const before = snapshot(sequences).filter(([name]) => !name.startsWith('end'));
    compile(sequences);
    await fit(sequences, 2);
    takeWarnings();
    expect(snapshot(sequences).filter(([name]) => !name.startsWith('end'))).toEqual(before);
  });

  test("says that the statistics of TF.js' own layer move even so; replacing it is the cure", async () => {
    const { model } = network((args) => layers.batchNormalization(args));
    expect(freeze(model, 'b*').stillMoving).toEqual(['base/block/bn1']);
    expect(await movedBy(model)).toEqual(['base/block/bn1', 'head']);
    const { model: cured } = replaceBatchNormalization(model);
    expect(freeze(cured, 'b*').stillMoving).toEqual([]);
    expect(await movedBy(cured)).toEqual(['head']);
  });

  test('a pattern that matches nothing is refused with the nearest layer', () => {
    const { model } = network();
    expect(() => freeze(model, 'haed')).toThrow(/^No layer matches 'haed'. Did you mean 'head'\?/);
    expect(() => unfreeze(model, /^conv/)).toThrow(expect.objectContaining({ name: 'ValueError' }) as Error);
    expect(() => freeze(model, 3 as unknown as string)).toThrow(TypeError);
    expect(() => freeze(null as unknown as tf.LayersModel)).toThrow(
      /expected a tf.LayersModel.*received null/,
    );
  });
});

describeBackends(() => {
  test("what freeze froze, the model's own trainable thaws, cells of recurrent layers too", async () => {
    const model = tf.sequential();
    model.add(tf.layers.lstm({ units: 2, inputShape: [3, 2] }));
    layerBatchNormalization(model, {});
    freeze(model);
    expect(model.trainableWeights).toHaveLength(0);
    model.trainable = true;
    // Three of the LSTM, gamma and beta.
    expect(model.trainableWeights).toHaveLength(5);
    const kernel = () => model.layers[0]!.getWeights()[0]!.dataSync().join();
    const before = kernel();
    compile(model);
    await fit(model);
    expect(kernel()).not.toBe(before);
  });
});

test('unfreeze reaches layers of a model in a TimeDistributed', () => {
  const base = tf.sequential({ name: 'base' });
  base.add(tf.layers.dense({ name: 'dense', units: 2, inputShape: [2] }));
  layerBatchNormalization(base, { name: 'bn' });
  const model = tf.sequential();
  model.add(
    tf.layers.timeDistributed({
      name: 'steps',
      layer: base,
      inputShape: [3, 2],
    }),
  );
  model.add(tf.layers.flatten());
  model.add(tf.layers.dense({ name: 'head', units: 1 }));
  freeze(model);
  expect(unfreeze(model, '*/dense').changed).toEqual(['steps']);
  expect(model.trainableWeights.map(({ originalName }) => originalName)).toEqual([
    'dense/kernel',
    'dense/bias',
  ]);
});

test('a pattern has its pieces in their order, each once', () => {
  const of = (pattern: string) => {
    const model = tf.sequential({
      layers: ['abab', 'ab', 'a.b', 'axxb'].map((name) => layers.dense({ name, units: 1, inputShape: [1] })),
    });
    try {
      return freeze(model, pattern).changed;
    } finally {
      model.dispose();
    }
  };
  expect(of('ab*ab')).toEqual(['abab']);
  expect(of('a*b')).toEqual(['abab', 'ab', 'a.b', 'axxb']);
  expect(of('a*x*b')).toEqual(['axxb']);
  expect(of('*.*')).toEqual(['a.b']);
  expect(of('*b*b*')).toEqual(['abab']);
});

test('a pattern of many stars is compared with long names in time', { timeout: 5000 }, () => {
  const model = tf.sequential({
    layers: [layers.dense({ name: 'a'.repeat(16_000), units: 1, inputShape: [1] })],
  });
  expect(() => freeze(model, '*a*a*a*a*b')).toThrow(/No layer matches/);
  model.dispose();
});

test('a row of layers is frozen with both of its ends, and what lies in them', () => {
  const { model } = network();
  expect(freeze(model, { to: 'base' }).changed).toEqual(ALL.slice(0, 4));
  expect(unfreeze(model, { from: 'base', to: 'base' }).changed).toEqual(ALL.slice(0, 4));
  expect(freeze(model, { from: 'bn3' }).changed).toEqual(['bn3', 'head']);
  expect(unfreeze(model, {}).changed).toEqual(['bn3', 'head']);
});

test.each([
  [{ from: 'bas' }, "from: the model itself has no layer 'bas'. Did you mean 'base'?"],
  [{ to: 'bn1' }, /^to: the model itself has no layer 'bn1'/],
  [{ from: 'head', to: 'bn3' }, "The layer 'bn3' stands before 'head': exchange from and to."],
  [{ form: 'head' }, "pattern: 'form' is unknown. Accepted are from and to, names of layers."],
  [null, "pattern: expected a string such as 'conv*', a RegExp or { from, to }, received null."],
])('the row %j is refused, and nothing changes', (range, message) => {
  const { model } = network();
  expect(() => freeze(model, range as { from: string })).toThrow(message);
  expect(model.trainableWeights).toHaveLength(10);
});
