/**
 * @file What stands beside a normalization when it is folded: another one, a layer that computes slope·x + intercept as
 * well, a concatenation, and what is passed through.
 */
import * as tf from '@tensorflow/tfjs';
import { type BatchNormalizationArgs, layerBatchNormalization } from 'evenkeel';
import { kerasLayers } from 'evenkeel/keras';
import { fold } from 'evenkeel/tools';
import { describe, expect, test } from 'vitest';
import { describeBackends } from '../backends.js';
import {
  type Layer,
  type Symbolic,
  apply,
  classesOf,
  distance,
  functional,
  predict,
  spoil,
} from './networks.js';

const { layers } = tf;
const bn = (args: BatchNormalizationArgs = {}) => layerBatchNormalization({ name: 'bn', ...args });
const relu = (name = 'relu') => layers.activation({ activation: 'relu', name });
const dense = (name = 'dense') => layers.dense({ units: 4, name });
const chain = (shape: number[], ...parts: Layer[]) =>
  functional(shape, (x) => parts.reduce<Symbolic>((result, part) => apply(part, result), x));

/** Folds, and checks that predictions stay. */
async function foldAndCompare(model: tf.LayersModel) {
  const before = predict(model);
  const report = await fold(model);
  expect(distance(predict(report.model), before)).toBeLessThan(1e-5);
  expect(predict(model)).toEqual(before);
  const kept = report.kept.map(({ name }) => name);
  return { ...report, kept, reasons: report.kept.map(({ reason }) => reason).join() };
}

describeBackends(() => {
  describe('two normalizations in a row, with no linear layer beside them', () => {
    test.each<[string, () => Layer[]]>([
      ['become one', () => [bn({ name: 'first' }), bn({ name: 'second' })]],
      [
        'become one without a gamma or a beta before',
        () => [bn({ name: 'first', center: false, scale: false }), bn({ name: 'second' })],
      ],
      [
        'become one with layers between',
        () => [
          bn({ name: 'first' }),
          layers.dropout({ rate: 0.5 }),
          layers.permute({ dims: [1] }),
          bn({ name: 'second' }),
        ],
      ],
      [
        'become one, be they of TF.js or with renorm',
        () => [bn({ name: 'first', renorm: true }), layers.batchNormalization({ name: 'second' })],
      ],
      [
        "become TF.js' own, if the first is",
        () => [
          layers.batchNormalization({ name: 'first' }),
          bn({ name: 'second', gammaConstraint: 'nonNeg' }),
        ],
      ],
    ])('%s', async (_, normalizations) => {
      const { folded, kept, model } = await foldAndCompare(
        spoil(chain([5], relu(), ...normalizations(), relu('end'))),
      );
      expect(folded).toEqual([{ name: 'second', into: ['first'] }]);
      expect(kept).toEqual(['first']);
      expect(classesOf(model).filter((name) => name === 'BatchNormalization')).toHaveLength(1);
    });

    test('become one within a TimeDistributed', async () => {
      const within = (name: string) => layers.timeDistributed({ layer: bn({ name }), name: `each_${name}` });
      for (const parts of [
        [within('first'), bn({ name: 'second' })],
        [bn({ name: 'first' }), within('second')],
      ]) {
        const { folded } = await foldAndCompare(spoil(chain([3, 5], relu(), ...parts, relu('end'))));
        expect(folded).toHaveLength(1);
      }
    });

    test('become one whose constraints would change its weights', async () => {
      const first = bn({ name: 'first', gammaConstraint: 'nonNeg', betaConstraint: 'nonNeg' });
      const { folded } = await foldAndCompare(
        spoil(chain([5], relu(), first, bn({ name: 'second' }), relu('end'))),
      );
      expect(folded).toEqual([{ name: 'second', into: ['first'] }]);
    });

    test('stay where the one that they become would not be finite', async () => {
      const huge = (name: string) =>
        bn({ name, gammaInitializer: tf.initializers.constant({ value: 1e25 }) });
      const model = chain([5], relu(), huge('first'), huge('second'), relu('end'));
      expect((await fold(model)).kept.map(({ name }) => name)).toEqual(['first', 'second']);
    });

    test('three become one', async () => {
      const three = ['one', 'two', 'three'].map((name) => bn({ name }));
      const { folded, kept } = await foldAndCompare(spoil(chain([3, 5], relu(), ...three, relu('end'))));
      expect(folded).toEqual([
        { name: 'two', into: ['one'] },
        { name: 'three', into: ['one'] },
      ]);
      expect(kept).toEqual(['one']);
    });

    test('stay where others take what lies between, or the first one varies along other axes', async () => {
      const forked = functional([5], (x) => {
        const first = apply(bn({ name: 'first' }), apply(relu(), x));
        return [apply(relu('end'), apply(bn({ name: 'second' }), first)), first];
      });
      expect((await foldAndCompare(spoil(forked))).kept).toEqual(['first', 'second']);
      const { kept, reasons } = await foldAndCompare(
        spoil(chain([3, 5], relu(), bn({ name: 'first', axis: 1 }), bn({ name: 'second' }), relu('end'))),
      );
      expect(kept).toEqual(['first', 'second']);
      expect(reasons).toContain('is not linear');
    });

    test('stay where the first one trains', async () => {
      const model = functional([5], (x) =>
        apply(
          bn({ name: 'second' }),
          bn({ name: 'first' }).apply(apply(relu(), x), { training: true }) as Symbolic,
        ),
      );
      expect((await fold(spoil(model))).kept.map(({ name }) => name)).toEqual(['second', 'first'].sort());
    });

    test('a linear layer has precedence', async () => {
      const { folded, kept } = await foldAndCompare(
        spoil(chain([5], relu(), bn({ name: 'first' }), bn({ name: 'second' }), dense())),
      );
      expect(folded.map(({ into }) => into)).toEqual([['dense'], ['dense']]);
      expect(kept).toEqual([]);
    });
  });

  describe('layers that compute slope·x + intercept', () => {
    const AFFINE: Record<string, () => Layer> = {
      Rescaling: () => layers.rescaling({ scale: 1 / 3, offset: -1, name: 'affine' }),
      'Rescaling of each channel': () =>
        layers.rescaling({ scale: [0.5, 2, -1, 1.5] as never, offset: 0.25, name: 'affine' }),
      Normalization: () =>
        kerasLayers.normalization({ mean: [1, -2, 0, 0.5], variance: [4, 1, 0.25, 2], name: 'affine' }),
      'Normalization by one mean': () =>
        kerasLayers.normalization({ mean: 0.5, variance: 4, name: 'affine' }),
      'Normalization back': () =>
        kerasLayers.normalization({ mean: [1, -2, 0, 3], variance: 4, invert: true, name: 'affine' }),
      LayerScale: () => kerasLayers.layerScale({ initValues: 0.5, projectionDim: 4, name: 'affine' }),
    };

    test.each(Object.entries(AFFINE))('%s goes into what is behind it', async (_, make) => {
      const { folded, kept } = await foldAndCompare(chain([3, 4], make(), dense(), relu()));
      expect(folded).toEqual([{ name: 'affine', into: ['dense'] }]);
      expect(kept).toEqual([]);
    });

    test.each(Object.entries(AFFINE))('%s goes into what is before it', async (_, make) => {
      const { folded } = await foldAndCompare(chain([3, 4], dense(), make(), relu()));
      expect(folded).toEqual([{ name: 'affine', into: ['dense'] }]);
    });

    test.each(Object.entries(AFFINE))('%s goes into a normalization beside it', async (_, make) => {
      for (const parts of [
        [make(), bn()],
        [relu(), bn(), make()],
      ]) {
        const { folded, kept } = await foldAndCompare(spoil(chain([3, 4], ...parts, relu('end'))));
        expect(folded).toEqual([{ name: 'affine', into: ['bn'] }]);
        expect(kept).toEqual(['bn']);
      }
    });

    test('have the least deviation that Keras has', async () => {
      const flat = kerasLayers.normalization({ mean: 0, variance: [0, 1], name: 'affine' });
      const { folded } = await foldAndCompare(chain([2], flat, dense(), relu()));
      expect(folded).toEqual([{ name: 'affine', into: ['dense'] }]);
    });

    test('stay where a mean many deviations from 0 would cost digits', async () => {
      const far = kerasLayers.normalization({ mean: 1e5, variance: 1, name: 'affine' });
      const { kept } = await fold(chain([2], far, dense(), relu()));
      expect(kept.map(({ reason }) => reason).join()).toContain('deviations from 0');
    });

    test('stay where one list of numbers stands for several', async () => {
      const along = kerasLayers.normalization({
        axis: [1, 2],
        mean: [1, 2],
        variance: [1, 4],
        name: 'affine',
      });
      const { kept, reasons } = await foldAndCompare(chain([3, 2], along, layers.flatten(), dense()));
      expect(kept).toEqual(['affine']);
      expect(reasons).toContain('its 2 numbers stand for 6');
    });

    test('of slope 0 stay before a normalization', async () => {
      const flat = layers.rescaling({ scale: 0, offset: 2, name: 'flat' });
      const { kept } = await foldAndCompare(spoil(chain([3], flat, bn(), relu())));
      expect(kept).toEqual(['flat', 'bn']);
    });

    test('stay where they make floats of whole numbers', async () => {
      const input = tf.input({ shape: [4], dtype: 'int32' });
      const outputs = apply(dense(), apply(layers.rescaling({ scale: 0.5, name: 'affine' }), input));
      const { kept, reasons } = await foldAndCompare(tf.model({ inputs: input, outputs }));
      expect(kept).toEqual(['affine']);
      expect(reasons).toContain('it makes other numbers of whole ones');
    });
  });

  describe('a concatenation before a normalization', () => {
    const joined = (axis: number, join: (one: Symbolic, other: Symbolic) => Symbolic[]) =>
      functional([3, 5], (x) => {
        const one = apply(layers.dense({ units: 4, name: 'one' }), x);
        const other = apply(layers.dense({ units: 4, useBias: false, name: 'other' }), x);
        return apply(relu(), apply(bn(), apply(layers.concatenate({ axis }), ...join(one, other))));
      });

    test.each([-1, 2, 1])('is split among its inputs, joined along %i', async (axis) => {
      const { folded, kept } = await foldAndCompare(spoil(joined(axis, (one, other) => [one, other])));
      expect(folded).toEqual([{ name: 'bn', into: ['one', 'other'] }]);
      expect(kept).toEqual([]);
    });

    test('keeps it where one input does not take it in, or is there twice', async () => {
      const withRelu = joined(-1, (one, other) => [one, apply(relu('between'), other)]);
      expect((await foldAndCompare(spoil(withRelu))).kept).toEqual(['bn']);
      const twice = joined(-1, (one) => [one, one]);
      expect((await foldAndCompare(spoil(twice))).reasons).toContain('takes a tensor twice');
    });
  });

  describe('passes through', () => {
    const conv = () => layers.conv2d({ filters: 4, kernelSize: 1, name: 'conv' });

    test.each<[string, () => Layer]>([
      ['max pooling of everything', () => layers.globalMaxPooling2d({})],
      ['average pooling of everything', () => layers.globalAveragePooling2d({})],
      ...Object.entries({
        'random flips': () => kerasLayers.randomFlip({}),
        'random rotations': () => kerasLayers.randomRotation({ factor: 0.2 }),
        'random contrasts': () => kerasLayers.randomContrast({ factor: 0.2 }),
        'crops at the center': () => kerasLayers.centerCrop({ height: 2, width: 3 }),
      }),
    ])('%s', async (_, make) => {
      const model = spoil(chain([4, 6, 3], conv(), make(), bn(), relu('end')), { positive: true });
      const { folded, kept } = await foldAndCompare(model);
      expect(folded).toEqual([{ name: 'bn', into: ['conv'] }]);
      expect(kept).toEqual([]);
    });

    test('no maximum where a gamma is negative', async () => {
      const { kept } = await foldAndCompare(
        spoil(chain([4, 6, 3], conv(), layers.globalMaxPooling2d({}), bn(), relu())),
      );
      expect(kept).toEqual(['bn']);
    });

    test('no layer that draws numbers in inference, too', async () => {
      const model = functional([5], (x) => {
        const drawn = layers
          .dropout({ rate: 0.5, name: 'drop' })
          .apply(apply(dense(), x), { training: true });
        return apply(bn(), drawn as Symbolic);
      });
      const { kept } = await fold(spoil(model));
      expect(kept[0]?.reason).toContain("'drop' is called with training: true, and draws numbers");
    });
  });
});
