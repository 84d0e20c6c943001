/** @file The playground's parts that need no browser: settings and addresses, data, drawings, measurements. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawDigit, drawDigits, PIXELS, SIDE } from '../../shared/digits.js';
import { Random } from '../../shared/random.js';
import { ValueError } from '../../src/text/value-error.js';
import type { Finding, InspectedLayer } from 'evenkeel/tools';
import { readArgumentDocumentation } from '../../playground/build/argument-documentation.js';
import { cutExamination } from '../../playground/doctor/cut.js';
import { lossInWords } from '../../playground/page/reading-words.js';
import { withMeasurement } from '../../playground/page/history.js';
import { wrongFirst } from '../../playground/page/wrong-first.js';
import { HOME, type Place, readAddress, writeAddress } from '../../playground/shared/address.js';
import { PRESET_NAMES } from '../../playground/shared/presets.js';
import { toDigit } from '../../playground/shared/ink.js';
import { readDropped } from '../../playground/shared/dropped.js';
import { checkDropped, limitsFor } from '../../playground/shared/limits.js';
import { EXTENT, PERCENTILES, type Measurement, type Reading } from '../../playground/shared/protocol.js';
import {
  ACCEPTED,
  DEFAULTS,
  type LayerArguments,
  NETWORK_KEYS,
  type Settings,
  type ValueName,
  parseValue,
  withValue,
} from '../../playground/shared/settings.js';
import { batchesOf, imageDataset, samplesOf } from '../../playground/training/dataset.js';
import { droppedDataset } from '../../playground/training/dropped-files.js';
import { deadUnitsOf, percentilesOf } from '../../playground/training/measurement.js';
import { toyDataset } from '../../playground/training/toy-sets.js';
import { ABSENT_ARGUMENTS, ARGUMENT_GROUPS } from '../../playground/shared/argument-groups.js';
import { namesOf } from '../../playground/shared/network-names.js';
import { ARGUMENT_NAMES } from '../../src/layer/arguments.js';
import { idxImages, idxLabels } from '../demo/files.js';

describe('an address', () => {
  const values = Object.fromEntries(
    Object.entries(ACCEPTED).map(([name, accepted]) => [
      name,
      accepted.kind === 'choice'
        ? fc.constantFrom(...accepted.choices)
        : accepted.isWhole
          ? fc.integer({ min: accepted.least, max: accepted.most })
          : fc.double({ min: accepted.least, max: accepted.most, noNaN: true }),
    ]),
  );
  const layer = fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string(), fc.boolean()), {
    noNullPrototype: true,
  });
  const network = fc.oneof(
    fc.constant({ layer: null, frozenAfter: null }),
    fc.record({ layer, frozenAfter: fc.option(fc.nat(1_000_000)) }),
  );
  const places = fc
    .record({
      values: fc.record(values),
      preset: fc.constantFrom(...PRESET_NAMES),
      networks: fc.array(network, { minLength: 1, maxLength: NETWORK_KEYS.length }),
      layer: fc.nat(9999),
      unit: fc.nat(9999),
    })
    .map(({ values: drawn, networks, ...looked }): Place => {
      const settings = { ...DEFAULTS, ...drawn, networks } as Settings;
      return { ...HOME, ...looked, settings: withValue(settings, 'data', settings.data) };
    });

  test('says all that is set, and says it again when read', () => {
    fc.assert(
      fc.property(places, (place) => {
        expect(readAddress(writeAddress(place))).toEqual({ place, problems: [] });
      }),
    );
  });

  test('is empty where nothing was changed', () => {
    expect(writeAddress(HOME)).toBe('');
    expect(readAddress('')).toEqual({ place: HOME, problems: [] });
  });

  test('is never a dead end, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { place } = readAddress(`#data=${text}&depth=${text}&a=${text}&b={"x":${text}&${text}`);
        for (const name of Object.keys(ACCEPTED) as ValueName[]) {
          expect(parseValue(name, String(place.settings[name]))).toBe(place.settings[name]);
        }
      }),
    );
  });

  test('gives what can be made and written again, and short problems, whatever it is', () => {
    const name = fc.oneof(
      fc.constantFrom(
        ...Object.keys(ACCEPTED),
        'a',
        'b',
        'c',
        'c.frozenAfter',
        'preset',
        'view',
        'layer',
        'unit',
        '__proto__',
        'toString',
        'layers',
      ),
      fc.string(),
    );
    const value = fc.oneof(
      fc.constantFrom(
        '1e308',
        '-1',
        'NaN',
        'Infinity',
        '',
        '0x10',
        '1e-400',
        '9'.repeat(400),
        '[]',
        'null',
        '{}',
      ),
      fc.constantFrom(
        '{"__proto__":{"x":1}}',
        '{"constructor":1}',
        `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
      ),
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.double().map(String),
    );
    const encode = fc.constantFrom(String, (text: string) =>
      new URLSearchParams({ text }).toString().slice(5),
    );
    const part = fc.tuple(name, value, encode).map(([one, of, encoded]) => `${encoded(one)}=${encoded(of)}`);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        const { place, problems } = readAddress(`#${parts.join('&')}`);
        for (const one of Object.keys(ACCEPTED) as ValueName[]) {
          expect(parseValue(one, String(place.settings[one]))).toBe(place.settings[one]);
        }
        expect(problems.length).toBeLessThan(30);
        for (const problem of problems) expect(problem.length).toBeLessThan(400);
        expect(readAddress(writeAddress(place)).problems).toEqual([]);
        // As the page does, and the worker gets it.
        structuredClone(place);
      }),
      { numRuns: 2000 },
    );
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  test.each([
    ['of ten million characters', `#a={"name":"${'x'.repeat(1e7)}"}`, 1],
    ['of ten million names', `#${'x&'.repeat(1e7)}`, 1],
    ['of thousands of names', `#${Array.from({ length: 14_000 }, (_, i) => `x${i}`).join('&')}`, 8],
    ['nested as deep as it is long', `#a=${'['.repeat(99_000)}`, 1],
    ['of arguments that are nested so', `#a=${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`, 1],
  ])('%s gives the defaults and says so', { timeout: 5000 }, (_, hash, count) => {
    const { place, problems } = readAddress(hash);
    expect(place).toEqual(HOME);
    expect(problems).toHaveLength(count);
  });

  test.each([
    ['#depth=0', "The address: Depth: expected a whole number from 1 to 8, received '0'."],
    ['#batchSize=1.5', "The address: Batch size: expected a whole number from 1 to 512, received '1.5'."],
    ['#learningRate=NaN', /Learning rate: expected a number from 0.000001 to 100, received 'NaN'/],
    ['#data=cats', /Data: expected one of digits, circles, .*, received 'cats'/],
    ['#a=[]', /a: expected 'none', 'off' or the layer's arguments as JSON/],
    ['#a=off&b=off', 'The address: at least one network has to be there.'],
    ['#preset=x', /preset: expected one of covariate-shift, .*, received 'x'/],
    ['#b.frozenAfter=-1', /b\.frozenAfter: expected a whole number from 0 to 1000000, received '-1'/],
    ['#view=x', "The address: view: expected one of train, doctor, received 'x'."],
    ['#unit=-1', /unit: expected a whole number from 0 on/],
    ['#x=1', "The address: there is no setting 'x'."],
  ])('that says %s is corrected, and told', (hash, problem) => {
    const { place, problems } = readAddress(hash);
    expect(place).toEqual(HOME);
    expect(problems).toEqual([typeof problem === 'string' ? problem : expect.stringMatching(problem)]);
  });
});

test('toy data makes the networks dense', () => {
  const convolutional = withValue(DEFAULTS, 'kind', 'convolutional');
  expect(withValue(convolutional, 'seed', 2).kind).toBe('convolutional');
  expect(withValue(convolutional, 'data', 'xor').kind).toBe('dense');
});

test('every argument of the layer is documented, from its source', () => {
  const documentation = readArgumentDocumentation();
  expect(documentation.map(({ name }) => name)).toEqual(ARGUMENT_NAMES);
  for (const { text } of documentation) expect(text.length).toBeGreaterThan(20);
  expect(documentation.find(({ name }) => name === 'center')).toEqual({
    name: 'center',
    type: 'boolean',
    text: 'Whether beta is added. Default true.',
    defaultText: 'true',
    page: expect.stringMatching(/^arguments\//) as string,
  });
});

test('every argument has its group in the page, or is absent there', () => {
  const shown = ARGUMENT_GROUPS.flatMap(({ names }) => names);
  expect([...shown, ...ABSENT_ARGUMENTS].toSorted()).toEqual(ARGUMENT_NAMES.toSorted());
});

test('every argument that is shown has its heading on a page of the site', () => {
  const shown = ARGUMENT_GROUPS.flatMap(({ names }) => names);
  for (const { name, page } of readArgumentDocumentation()) {
    if (shown.includes(name))
      expect(page).toMatch(new RegExp(`^arguments/[a-z-]+\\.html#${name.toLowerCase()}$`));
  }
});

test('the default of an argument is shown as it would be typed', () => {
  const defaults = Object.fromEntries(
    readArgumentDocumentation().map(({ name, defaultText }) => [name, defaultText]),
  );
  expect(defaults).toMatchObject({
    ...{ axis: '-1', momentum: '0.99', epsilon: '0.001', scale: 'true', renorm: 'false' },
    ...{ gammaInitializer: 'ones', virtualBatchSize: '', renormClipping: '', fused: '' },
  });
});

describe('networks are named', () => {
  const name = (...layers: (LayerArguments | null)[]) =>
    namesOf({ ...DEFAULTS, networks: layers.map((layer) => ({ layer, frozenAfter: null })) });

  test.each([
    [
      [null, {}],
      ['without normalization', 'batch normalization'],
    ],
    [
      [null, { renorm: true }],
      ['without normalization', 'renorm'],
    ],
    [
      [null, { momentum: 0.9 }],
      ['without normalization', 'batch normalization'],
    ],
    [
      [{ momentum: 0.9 }, { renorm: true }],
      ['momentum 0.9', 'momentum 0.99, renorm'],
    ],
    [
      [{}, { virtualBatchSize: 4 }, { renorm: true }],
      ['batch normalization', 'ghost batches of 4', 'renorm'],
    ],
    [
      [{ momentum: 0.9 }, {}, null],
      ['momentum 0.9', 'momentum 0.99', 'without normalization'],
    ],
    [
      [{ momentum: 0.99 }, {}],
      ['batch normalization', 'batch normalization (2)'],
    ],
    [
      [{ scale: false }, { trainable: false }],
      ['no gamma', 'frozen'],
    ],
    [
      [{ gammaRegularizer: { className: 'L2' } }, {}],
      ['gammaRegularizer', 'batch normalization'],
    ],
    [
      [null, null, null],
      ['without normalization', 'without normalization (2)', 'without normalization (3)'],
    ],
  ])('%j', (layers, names) => {
    expect(name(...layers)).toEqual(names);
  });

  test('by when they are frozen', () => {
    const networks = [null, 100].map((frozenAfter) => ({ layer: {}, frozenAfter }));
    expect(namesOf({ ...DEFAULTS, networks })).toEqual(['batch normalization', 'frozen after 100 steps']);
  });
});

test.each([
  [NaN, 9, 'diverged at step 9: the loss is no number'],
  [Infinity, null, 'diverged: the loss is no number'],
  [4.8e24, 7, 'diverged at step 7: the loss is over 1,000'],
  // It came back.
  [2.3026, 7, 'loss 2.303'],
])('a loss of %d, of a network that diverged at step %j, in words', (testLoss, divergedAt, words) => {
  const reading = { testLoss, divergedAt } as Reading;
  expect(lossInWords(reading)).toBe(words);
});

test('a unit is dead where nothing that reaches it is above 0', () => {
  expect(deadUnitsOf(Float32Array.of(-1, 0.5, 0, -1, -2, NaN), 3)).toBe(2);
});

describe('toy data', () => {
  test.each(['circles', 'moons', 'xor', 'spirals'] as const)(
    '%s: as many of one class as of the other',
    (name) => {
      const { features, labels, training, test: tested } = toyDataset(name, new Random(1, 'digits'));
      expect(labels.filter((label) => label === 1).length).toBe(labels.length / 2);
      expect(training.length + tested.length).toBe(labels.length);
      expect(Math.max(...features.map(Math.abs))).toBeLessThan(EXTENT);
    },
  );

  // What a class is, by its definition, and noise aside.
  test.each([
    ['circles', (x: number, y: number) => Math.hypot(x, y) > 0.68],
    ['xor', (x: number, y: number) => x * y < 0],
  ] as const)('%s: classes are where they should be', (name, isSecond) => {
    const { features, labels } = toyDataset(name, new Random(3, 'digits'));
    const right = labels.filter(
      (label, i) => (label === 1) === isSecond(features[2 * i]!, features[2 * i + 1]!),
    );
    expect(right.length / labels.length).toBeGreaterThan(0.93);
  });
});

describe('a dataset', () => {
  const digits = drawDigits(50, new Random(1, 'digits'));
  const dataset = imageDataset('digits', digits, new Random(1, 'split'));

  test('trains on four fifths, and tests on the others', () => {
    expect(dataset.training.length).toBe(40);
    expect([...dataset.training, ...dataset.test].sort((a, b) => a - b)).toEqual([...digits.labels.keys()]);
  });

  test('comes in batches that hold every training sample once before any comes again', () => {
    const batches = batchesOf(dataset, 8, new Random(1, 'batches'));
    const epoch = Array.from({ length: 5 }, () => [...batches.next().value]).flat();
    expect(epoch.sort((a, b) => a - b)).toEqual([...dataset.training].sort((a, b) => a - b));
  });
});

describe('dropped files', () => {
  const digits = drawDigits(30, new Random(1, 'digits'));
  const more = drawDigits(20, new Random(2, 'digits'));
  const file = (name: string, bytes: Uint8Array) => new File([new Uint8Array(bytes)], name);
  const large = (size: number) => ({ size }) as File;
  const read = (...files: File[]) => droppedDataset(files, new Random(1, 'split'));

  test('of a training and a test set stay these sets', async () => {
    const dataset = await read(
      file('t10k-labels-idx1-ubyte', idxLabels(more)),
      file('train-images-idx3-ubyte', idxImages(digits)),
      file('t10k-images-idx3-ubyte', idxImages(more)),
      file('train-labels-idx1-ubyte', idxLabels(digits)),
    );
    expect([dataset.training.length, dataset.test.length]).toEqual([30, 20]);
    expect(dataset.labels[dataset.test[0]!]).toBe(more.labels[0]);
    expect(dataset.features.slice(30 * PIXELS, 31 * PIXELS)).toEqual(more.images.slice(0, PIXELS));
  });

  test('are refused where they are too many, or too large together', () => {
    expect(() => {
      checkDropped(Array.from({ length: 1001 }, () => large(1)));
    }).toThrow(/at most 1,000 files .* received 1,001 of 1,001/);
    expect(() => {
      checkDropped([large(2 ** 29), large(2 ** 29 + 1)]);
    }).toThrow(/of 1,073,741,824 bytes together, received 2 of 1,073,741,825/);
    checkDropped([large(2 ** 29), large(2 ** 29)]);
  });

  test('may unpack to what a page can hold', () => {
    // A hundredfold is no more than that.
    expect(limitsFor([large(2 ** 24)])).toEqual({});
    expect(limitsFor([large(2 ** 24), large(2 ** 24)])).toEqual({ memory: 2 ** 31 });
  });

  test('are refused by what they take, where those before them have taken all', async () => {
    const images = file('images', idxImages(digits));
    const labels = file('labels', idxLabels(digits));
    const memory = 30 * PIXELS * 2;
    await expect(readDropped([images, labels], memory)).rejects.toThrow(
      /^labels: takes \d+ bytes of memory, and at most 0 are accepted/,
    );
    expect(await readDropped([labels, images], memory)).toHaveLength(2);
  });

  test.each([
    ['none', []],
    ['two of images', [file('a', idxImages(digits)), file('b', idxImages(digits))]],
    ['counts that differ', [file('a', idxImages(digits)), file('b', idxLabels(more))]],
    ['an empty one', [file('a', new Uint8Array(0))]],
  ])('that do not go together are refused: %s', async (_, files) => {
    await expect(read(...files)).rejects.toThrow(ValueError);
  });
});

describe('a drawing', () => {
  /** A digit of 28×28 bytes on a sheet of another size, drawn `zoom` times as large at a place. */
  function onSheet(digit: Uint8Array, side: number, zoom: number, left: number, top: number): Uint8Array {
    const ink = new Uint8Array(side * side);
    for (let y = 0; y < SIDE * zoom; y++) {
      for (let x = 0; x < SIDE * zoom; x++) {
        ink[(top + y) * side + left + x] = digit[Math.floor(y / zoom) * SIDE + Math.floor(x / zoom)]!;
      }
    }
    return ink;
  }

  test('is the same digit wherever on the sheet it stands, and however large', () => {
    const digit = new Uint8Array(PIXELS);
    drawDigit(4, new Random(5, 'digits'), digit);
    const clean = digit.map((value) => (value > 100 ? 255 : 0));
    const one = toDigit({ side: 224, ink: onSheet(clean, 224, 4, 0, 0) })!;
    const other = toDigit({ side: 224, ink: onSheet(clean, 224, 6, 50, 40) })!;
    const differing = one.filter((value, i) => Math.abs(value - other[i]!) > 64);
    expect(differing.length).toBeLessThan(8);
    // Twenty pixels high, and in the middle.
    const rows = Array.from({ length: SIDE }, (_, y) =>
      one.subarray(y * SIDE, (y + 1) * SIDE).some((v) => v > 64),
    );
    expect(rows.filter(Boolean).length).toBeGreaterThanOrEqual(19);
    expect(rows.filter(Boolean).length).toBeLessThanOrEqual(21);
  });

  test('of nothing is no digit', () => {
    expect(toDigit({ side: 10, ink: new Uint8Array(100) })).toBeNull();
  });
});

test('percentiles are those of each unit by itself', () => {
  // Unit 0 takes 0 … 100, unit 1 the same times ten, in another order.
  const values = Float32Array.from({ length: 202 }, (_, i) =>
    i % 2 === 0 ? (i / 2) * 1 : 10 * ((((i - 1) / 2) * 37) % 101),
  );
  expect(percentilesOf(values, 2).map((of) => [...of])).toEqual(
    PERCENTILES.map((percentile) => [percentile, 10 * percentile]),
  );
});

test('a history is bounded, begins with the first measurement and ends with the last', () => {
  const reading: Reading = {
    trainingLoss: null,
    testLoss: 0,
    accuracy: 0,
    trainingModeAccuracy: null,
    divergedAt: null,
    layers: [],
    decisions: new Uint8Array(1),
    guesses: new Uint8Array(1),
  };
  let history: readonly Measurement[] = [];
  for (let step = 0; step < 5000; step++) {
    history = withMeasurement(history, { step, readings: [reading, reading], tensors: 0 });
    expect(history.length).toBeLessThanOrEqual(400);
    expect(history.at(-1)!.step).toBe(step);
  }
  expect(history[0]!.step).toBe(0);
  expect(history.length).toBeGreaterThan(200);
  expect(history.filter(({ readings }) => readings[0]!.decisions !== null)).toHaveLength(1);
  expect(history.filter(({ readings }) => readings[0]!.guesses !== null)).toHaveLength(1);
});

test('a history of wide networks is bounded in memory', () => {
  const values = () => new Float32Array(256);
  const statistics = {
    ...{ batchMean: values(), batchDeviation: values(), movingMean: values(), movingDeviation: values() },
    renorm: { r: values(), d: values() },
  };
  const layer = { percentiles: PERCENTILES.map(values), deadUnits: null, statistics };
  const reading: Reading = {
    ...{ trainingLoss: null, testLoss: 0, accuracy: 0, trainingModeAccuracy: null, divergedAt: null },
    ...{ layers: new Array(8).fill(layer), decisions: null, guesses: null },
  };
  let history: readonly Measurement[] = [];
  let most = 0;
  for (let step = 0; step < 500; step++) {
    history = withMeasurement(history, { step, readings: [reading, reading, reading], tensors: 0 });
    most = Math.max(most, history.length);
  }
  const numbers = 3 * 8 * 256 * (PERCENTILES.length + 6);
  expect(4 * numbers * most).toBeLessThan(40e6);
  expect(most).toBeGreaterThanOrEqual(50);
  expect(history[0]!.step).toBe(0);
});

test('samples that the most networks are wrong about come first, at most half, and others as they are', () => {
  const labels = Uint8Array.of(1, 2, 3, 4);
  // 255 where there is no number.
  const guesses = [Uint8Array.of(1, 0, 3, 255), Uint8Array.of(1, 2, 3, 5)];
  expect(wrongFirst(labels, guesses, 4)).toEqual({ samples: [3, 1, 0, 2], wrong: 2 });
  expect(wrongFirst(labels, guesses, 3)).toEqual({ samples: [3, 0, 1], wrong: 1 });
  expect(wrongFirst(labels, [labels], 3)).toEqual({ samples: [0, 1, 2], wrong: 0 });
  expect(wrongFirst(labels, guesses, 100)).toEqual({ samples: [3, 1, 0, 2], wrong: 2 });
});

test('the samples that a network is measured on are the first of the test', () => {
  const digits = drawDigits(50, new Random(1, 'digits'));
  const dataset = imageDataset('drawn', digits, { trainingCount: 40 });
  const { images, labels } = samplesOf(dataset, 'dense')!;
  expect(labels).toEqual(digits.labels.subarray(40));
  expect(images).toEqual(digits.images.subarray(40 * PIXELS));
  expect(samplesOf(toyDataset('moons', new Random(1, 'digits')), 'dense')).toBe(null);
});

describe('what the page gets of a report', () => {
  const channels = (count: number) => Array.from({ length: count }, (_, i) => i);
  const layer = (name: string, count: number): InspectedLayer => ({
    ...{ layer: name, implementation: 'evenkeel', axis: -1, momentum: 0.99, epsilon: 0.001, renorm: false },
    ...{ virtualBatchSize: null, isFrozen: false, calls: 1, channels: count, gamma: null, beta: null },
    ...{ movingMean: channels(count), movingVariance: channels(count), inputs: null },
  });
  const finding = (name: string, count: number): Finding => ({
    ...{
      name: 'constant-channel',
      severity: 'warning',
      layer: name,
      channels: channels(count),
      evidence: { share: 1 },
    },
    ...{ message: `${name} is dead.`, cure: 'None.' },
  });
  const cut = (names: readonly string[], count: number) =>
    cutExamination({
      ...{ inputs: [[null, 2]], parameters: 1, data: null, tensors: 0, steps: [] },
      left: { recalibrate: false, fold: true, freeze: true },
      report: {
        ...{ model: names[0]!, data: null, outputs: [], untold: [] },
        layers: names.map((name) => layer(name, count)),
        findings: names.map((name) => finding(name, count)),
      },
    });

  test('is all of it, where it is of the usual size', () => {
    const names = Array.from({ length: 120 }, (_, i) => `layer ${i}`);
    const { report, counts } = cut(names, 1024);
    expect(report.layers).toEqual(names.map((name) => layer(name, 1024)));
    expect(report.findings).toEqual(names.map((name) => finding(name, 1024)));
    expect(counts).toEqual({ layers: 120, findings: 120 });
  });

  test('is the beginning, where there are many layers, many channels, or long names', () => {
    const many = cut(
      Array.from({ length: 2000 }, (_, i) => `layer ${i}`),
      2000,
    );
    expect(many.counts).toEqual({ layers: 2000, findings: 2000 });
    expect(many.report.layers).toHaveLength(500);
    expect(many.report.layers[499]!.layer).toBe('layer 499');
    expect(many.report.layers[0]!.movingMean).toEqual(channels(1048));
    expect(many.report.layers[0]!.channels).toBe(2000);
    const long = cut(['x'.repeat(1e7)], 1e6);
    expect(JSON.stringify(long).length).toBeLessThan(100_000);
  });
});
