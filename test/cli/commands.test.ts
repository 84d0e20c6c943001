/** @file The commands: what they write is the model that it should be, and what they refuse leaves nothing behind. */
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { type InspectReport } from 'evenkeel/tools';
import { layerBatchNormalization } from 'evenkeel';
import { loadKerasModel, saveKerasModel } from 'evenkeel/keras';
import { beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../cli/src/program.js';
import { writeModel } from '../../cli/src/write-model.js';
import {
  SCALED,
  dataFile,
  evenkeel,
  goldenModel,
  makeFolder,
  makeTerminal,
  modelFile,
  numbers,
} from './files.js';

beforeAll(() => tf.ready());

/** What a model of 6 inputs predicts. */
async function predict(path: string, shape: readonly number[]): Promise<number[]> {
  const model = await loadKerasModel(path);
  const x = tf.tensor(numbers(shape.reduce((product, size) => product * size, 1)), [...shape]);
  return [...(model.predict(x) as tf.Tensor).dataSync()];
}

/** Equal within the rounding of float32. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
}

const SHAPE = [4, 6];

describe('convert', () => {
  it.each(['a.h5', 'a.keras', 'a.json', 'A.KERAS'])('to %s keeps predictions', async (name) => {
    const source = modelFile('tf-keras-mlp.h5');
    const output = join(makeFolder(), name);
    expect(await evenkeel(['convert', source, output])).toMatchObject({ code: 0, stderr: '' });
    expectClose(await predict(output, SHAPE), await predict(source, SHAPE));
  });

  it.each([
    ['keras3-mlp.keras', [], '3'],
    ['tf-keras-mlp.keras', [], '2'],
    ['tf-keras-mlp.keras', ['--for', 'keras3'], '3'],
  ])(
    'of %s %j writes for the Keras that it came from, or that is asked for',
    async (name, options, version) => {
      const output = join(makeFolder(), 'out.keras');
      expect((await evenkeel(['convert', modelFile(name), output, ...options])).code).toBe(0);
      // Nothing in the archive is compressed.
      expect(readFileSync(output, 'latin1')).toMatch(new RegExp(`"keras_version":"${version}`));
    },
  );

  it('of a file: address writes for the Keras that the file came from', async () => {
    const output = join(makeFolder(), 'out.keras');
    const source = pathToFileURL(modelFile('keras3-mlp.keras')).href;
    expect((await evenkeel(['convert', source, output])).code).toBe(0);
    expect(readFileSync(output, 'latin1')).toMatch(/"keras_version":"3/);
  });

  it.each(['c:d', 'a\\b', "$&$`$'", 'a\nb', 'ü'.repeat(125)])(
    'to a name like %j writes what is read again',
    async (stem) => {
      const [folder, source] = [makeFolder(), modelFile('tf-keras-mlp.h5')];
      const [first, second] = ['json', 'h5'].map((ending) => join(folder, `${stem}.${ending}`));
      expect((await evenkeel(['convert', source, first!])).code).toBe(0);
      expect((await evenkeel(['convert', first!, second!])).code).toBe(0);
      expectClose(await predict(second!, SHAPE), await predict(source, SHAPE));
    },
  );

  it.each([NaN, -Infinity])('to model.json refuses a setting of %d, which it cannot hold', async (alpha) => {
    const folder = makeFolder();
    const model = tf.sequential({ layers: [tf.layers.leakyReLU({ alpha, inputShape: [2] })] });
    const target = { path: join(folder, 'model.json'), format: 'json', inputs: [] } as const;
    await expect(writeModel(model, target, new AbortController().signal)).rejects.toThrow(
      `The model has a setting 'alpha' of ${alpha}, which a model.json cannot hold.`,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('writes what stock TF.js loads from its own parts', async () => {
    const output = join(makeFolder(), 'web.json');
    const { stdout } = await evenkeel(['convert', modelFile('tf-keras-mlp.h5'), output, '--json']);
    const { written } = JSON.parse(stdout) as { written: string[] };
    expect(written.map((path) => basename(path))).toEqual([
      expect.stringMatching(/^web-shard1of1\.[0-9a-f]{16}\.bin$/) as string,
      'web.json',
    ]);
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(output, 'utf8')) as {
      modelTopology: object;
      weightsManifest: [{ paths: string[]; weights: tf.io.WeightsManifestEntry[] }];
    };
    const weightData = new Uint8Array(readFileSync(join(dirname(output), weightsManifest[0].paths[0]!)))
      .buffer;
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0].weights, weightData }),
    );
    const x = tf.tensor(numbers(24), [4, 6]);
    expectClose([...(model.predict(x) as tf.Tensor).dataSync()], await predict(output, SHAPE));
  });
});

describe('fold', () => {
  it('writes a model without normalizations that predicts the same', async () => {
    const source = modelFile('tf-keras-mlp.keras');
    const output = join(makeFolder(), 'folded.h5');
    const { code, stdout } = await evenkeel(['fold', source, output, '--data', dataFile([9, 6])]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^1 normalization folded, 0 kept\.\n(.*\n)*Outputs differ by at most \S+, on data;/,
    );
    const folded = await loadKerasModel(output);
    expect(folded.layers.map((layer) => layer.getClassName())).not.toContain('BatchNormalization');
    expectClose(await predict(output, SHAPE), await predict(source, SHAPE));
  });
});

describe('fold, of many layers that stay for the same reason,', () => {
  it('tells the reason once', async () => {
    const model = tf.sequential();
    for (let i = 0; i < 10; i++) {
      const inputShape = i === 0 ? { inputShape: [4] } : {};
      model.add(tf.layers.dense({ name: `dense${i}`, units: 4, activation: 'relu', ...inputShape }));
      layerBatchNormalization(model, { name: `bn${i}` });
      model.add(tf.layers.activation({ activation: 'tanh' }));
    }
    const folder = makeFolder();
    const file = join(folder, 'model.h5');
    await saveKerasModel(model, file, { for: 'tf-keras' });
    const { stdout } = await evenkeel(['fold', file, join(folder, 'folded.h5')]);
    expect(stdout).toMatch(/^0 normalizations folded, 10 kept\./);
    expect(stdout).toContain(
      'kept     bn0, bn1, bn2, bn3, bn4, bn5, bn6, bn7 and 2 more\nbecause  bn0: Into',
    );
    expect(stdout.match(/because/g)).toHaveLength(1);
  });
});

describe('fold, of a model that is not finite,', () => {
  it('ends with 3, says why, and writes nothing', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 2, inputShape: [2], weights: [tf.fill([2, 2], 3e38), tf.zeros([2])] }),
        tf.layers.batchNormalization(),
        tf.layers.dense({ units: 1, weights: [tf.fill([2, 1], 3e38), tf.zeros([1])] }),
      ],
    });
    const folder = makeFolder();
    const file = join(folder, 'nan.h5');
    writeFileSync(file, await saveKerasModel(model, null, { for: 'tf-keras', format: 'h5' }));
    const { code, stdout, stderr } = await evenkeel(['fold', file, join(folder, 'out.h5')]);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/nan\.h5: .*NaN or infinite.*Nothing was written\.\n$/);
    expect(readdirSync(folder)).toEqual(['nan.h5']);
  });
});

describe('recalibrate', () => {
  it('writes a model in which inspect no longer finds a gap to the data', async () => {
    const [source, data] = [modelFile('tf-keras-mlp.h5'), dataFile([300, 6])];
    const output = join(makeFolder(), 'repaired.keras');
    const look = async (path: string) => {
      const { stdout } = await evenkeel(['inspect', path, '--data', data, '--json']);
      return (JSON.parse(stdout) as InspectReport).layers[0]!.inputs!.distance.map(Number);
    };
    expect(Math.max(...(await look(source)))).toBeGreaterThan(1);
    expect((await evenkeel(['recalibrate', source, output, '--data', data])).code).toBe(0);
    expect(Math.max(...(await look(output)))).toBeLessThan(0.01);
  });

  it('asks for data', async () => {
    const { code, stderr } = await evenkeel(['recalibrate', 'a.h5', 'b.h5']);
    expect([code, stderr]).toEqual([
      2,
      'Statistics come from --data, or from --moments of its shards: give one of the two.\nSee evenkeel recalibrate --help.\n',
    ]);
  });
});

describe('freeze and unfreeze', () => {
  it('write what training may change into the file', async () => {
    const [frozen, free] = [join(makeFolder(), 'frozen.keras'), join(makeFolder(), 'free.keras')];
    const trained = async (path: string) =>
      (await loadKerasModel(path)).layers.filter((layer) => layer.trainableWeights.length > 0).length;
    const { stdout } = await evenkeel(['freeze', modelFile('tf-keras-mlp.h5'), frozen, '--layers', 'dense*']);
    expect(stdout).toBe(`2 layers frozen:\n  dense\n  dense_1\nWritten: ${frozen}\n`);
    expect(await trained(frozen)).toBe(1);
    await evenkeel(['unfreeze', frozen, free]);
    expect(await trained(free)).toBe(3);
  });
});

describe('inspect', () => {
  it('ends with 1 where findings are as severe as --fail-on says, or worse', async () => {
    const args = ['inspect', modelFile('tf-keras-mlp.h5'), '--data', dataFile([50, 6])];
    expect((await evenkeel(args)).code).toBe(0);
    expect((await evenkeel([...args, '--fail-on', 'note'])).code).toBe(1);
    expect((await evenkeel([...args, '--fail-on', 'warning'])).code).toBe(1);
    expect((await evenkeel([...args, '--fail-on', 'error'])).code).toBe(0);
  });

  it('says what it looked at, what it did not, and which option has it do so', async () => {
    const text = async (...args: string[]) =>
      (await evenkeel(['inspect', ...args])).stdout.replaceAll(/\s+/g, ' ');
    const file = modelFile('tf-keras-mlp.h5');
    const without = await text(file);
    expect(without).toContain(
      ' Nothing is wrong, as far as weights and options tell. Without data, nothing tells of ',
    );
    expect(without).toMatch(
      / statistics-gap, .*output-gap\. To look for these too, give samples: --data <file>\. $/,
    );

    const repaired = join(makeFolder(), 'repaired.h5');
    const data = dataFile([640, 6]);
    expect((await evenkeel(['recalibrate', file, repaired, '--data', data])).code).toBe(0);
    expect(await text(repaired, '--data', data)).toMatch(
      / Nothing is wrong, as far as weights, options and data tell\. $/,
    );

    const plain = join(makeFolder(), 'plain.h5');
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [6] })] });
    await saveKerasModel(model, plain, { for: 'tf-keras' });
    const nothing = /The model has no batch normalization, so there was nothing to look at\. $/;
    expect(await text(plain)).toMatch(nothing);
    expect(await text(plain, '--data', data)).toMatch(nothing);
  });

  it('tells once what many layers have', async () => {
    const model = tf.sequential();
    for (let i = 0; i < 10; i++) {
      layerBatchNormalization(model, {
        name: `bn${i}`,
        movingVarianceInitializer: 'zeros',
        ...(i === 0 && { inputShape: [2] }),
      });
    }
    const file = join(makeFolder(), 'model.h5');
    await saveKerasModel(model, file, { for: 'tf-keras' });
    const { stdout } = await evenkeel(['inspect', file]);
    expect(stdout.match(/constant-channel/g)).toHaveLength(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      'constant-channel in 10 layers: bn0, bn1, bn2, bn3, bn4, bn5, bn6, bn7 and 2 more The inputs of ',
    );
  });

  it('shows names from files as text, on terminals, in JSON and in the report', async () => {
    const name = '</script><img src=x>\u001b[31m';
    const model = tf.sequential({ name, layers: [tf.layers.batchNormalization({ inputShape: [2] })] });
    const folder = makeFolder();
    const [file, html] = [join(folder, 'model.json'), join(folder, 'report.html')];
    await model.save({
      save({ modelTopology, weightSpecs, weightData }) {
        const weightsManifest = [{ paths: ['w.bin'], weights: weightSpecs }];
        writeFileSync(file, JSON.stringify({ modelTopology, weightsManifest }));
        writeFileSync(join(folder, 'w.bin'), new Uint8Array(weightData as ArrayBuffer));
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
      },
    });
    const { stdout } = await evenkeel(['inspect', file, '--html', html]);
    expect(stdout).toContain('</script><img src=x>\\u{1b}[31m: 1 batch normalization, no data.');
    expect(stdout).not.toContain('\u001b');
    const json = (await evenkeel(['inspect', file, '--json'])).stdout;
    expect((JSON.parse(json) as InspectReport).model).toBe(name);
    const page = readFileSync(html, 'utf8');
    expect(page).not.toContain('<img');
    expect(page.match(/&lt;\/script&gt;&lt;img src=x&gt;/g)?.length).toBeGreaterThanOrEqual(2);
    const [, data] = /<script type="application\/json" id="inspection">(.*?)<\/script>/s.exec(page)!;
    expect((JSON.parse(data!) as InspectReport).model).toBe(name);
  });
});

describe('inspect --html', () => {
  it('prints what was found also where the page cannot be written in the end', async () => {
    const folder = makeFolder();
    const [reports, module] = [join(folder, 'reports'), join(folder, 'module.mjs')];
    mkdirSync(reports);
    // Run when the page could still be written.
    writeFileSync(
      module,
      `import { rmdirSync, writeFileSync } from 'node:fs';\n` +
        `export default () => (rmdirSync(${JSON.stringify(reports)}), writeFileSync(${JSON.stringify(reports)}, ''));`,
    );
    const args = ['inspect', modelFile('tf-keras-mlp.h5'), '--data', dataFile([50, 6]), '--import', module];
    const { code, stdout, stderr } = await evenkeel([...args, '--html', join(reports, 'report.html')]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Cannot write '.*report\.html': EEXIST/);
    expect(stdout).toContain('young-statistics');
    expect(stdout).not.toContain('Report:');
  });
});

describe('inspect --compatibility', () => {
  /** A file with a layer of a user's own; the class is not registered, as in a process of the command. */
  const ownClass = () => {
    delete tf.serialization.SerializationMap.getMap().classNameMap.Scaled;
    return modelFile('keras3-own-class.keras');
  };

  it('says that a model loads, without making it', async () => {
    const { code, stdout } = await evenkeel(['inspect', '--compatibility', modelFile('tf-keras-mlp.h5')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/of Keras 2\.18\.0, 5 layers[^]*BatchNormalization[^]*It loads\./);
  });

  it('says all that keeps a model from loading, and ends with 1', async () => {
    const path = ownClass();
    const { code, stdout } = await evenkeel(['inspect', '--compatibility', path]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/blocked {3}Scaled in scaled.*: TF\.js has no such layer[^]*1 layer to replace/);
    const json = await evenkeel(['inspect', '--compatibility', path, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ format: 'keras', blockers: [{ className: 'Scaled' }] });
  });

  it('goes by the layers that --import registers, and so do the other commands', async () => {
    const path = ownClass();
    const module = join(makeFolder(), 'scaled.mjs');
    writeFileSync(module, SCALED);
    expect((await evenkeel(['inspect', '--compatibility', path, '--import', module])).code).toBe(0);
    const output = join(makeFolder(), 'out.keras');
    expect((await evenkeel(['convert', path, output, '--import', module])).code).toBe(0);
    expectClose(await predict(output, SHAPE), await predict(path, SHAPE));
  });

  it('refuses a module that cannot be run, and options that need the model', async () => {
    const path = modelFile('tf-keras-mlp.h5');
    const missing = await evenkeel(['inspect', path, '--import', 'nothing.mjs']);
    expect(missing).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/--import nothing\.mjs: /) as string,
    });
    expect((await evenkeel(['inspect', path, '--compatibility', '--html', 'x.html'])).code).toBe(2);
  });
});

describe('what cannot be done', () => {
  it.each([
    [
      ['convert', 'IN', 'OUT.txt'],
      2,
      'must end in .h5, .keras or .json (TensorFlow.js), which says the format to write.',
    ],
    [
      ['convert', 'IN', 'OUT.h5', '--for', 'keras3'],
      2,
      '--for keras3 goes with an output that ends in .keras',
    ],
    [['convert', 'IN', 'IN/none/out.h5'], 3, "tf-keras-mlp.h5/none': ENOTDIR"],
    [['convert', 'none.h5', 'OUT.h5'], 3, "Cannot read 'none.h5': ENOENT"],
    [['freeze', 'IN', 'OUT.h5', '--layers', 'dens'], 3, "No layer matches 'dens'. Did you mean 'dense'?"],
    [['inspect', 'IN', '--array', 'x'], 2, '--array needs --data.'],
    [
      ['inspect', 'IN', '--batches', '0'],
      2,
      'It must be a whole number, at least 1.\nSee evenkeel inspect --help.',
    ],
    [['inspect', 'IN', '--html', 'IN/report.html'], 3, "tf-keras-mlp.h5/report.html': ENOTDIR"],
    [['convert', 'none.h5', 'OUT/new/model.json'], 3, "Cannot read 'none.h5': ENOENT"],
    [['inspct', 'IN'], 2, "unknown command 'inspct' (Did you mean inspect?)\nSee evenkeel --help."],
    [[], 2, 'Which command?'],
  ])('%j ends with %i', async (args, expected, message) => {
    const source = modelFile('tf-keras-mlp.h5');
    const folder = makeFolder();
    const given = args.map((arg) => arg.replace(/^IN/, source).replace(/^OUT/, join(folder, 'out')));
    const { code, stdout, stderr } = await evenkeel(given);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(['tf-keras-mlp.h5', 'keras3-mlp.keras'])('a truncated %s is refused by name', async (name) => {
    const folder = makeFolder();
    const path = join(folder, name);
    const whole = goldenModel(name);
    for (const part of [0, 0.3, 0.7, 0.95]) {
      writeFileSync(path, whole.subarray(0, Math.floor(part * whole.length)));
      const { code, stderr } = await evenkeel(['fold', path, join(folder, 'out.h5')]);
      expect([code, stderr.split(':')[0]]).toEqual([3, path]);
    }
    expect(readdirSync(folder)).toEqual([name]);
  });

  it('names the limit of open files, by 3', async () => {
    const controller = new AbortController();
    const stderr: string[] = [];
    const terminal = makeTerminal({
      out() {
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
      },
      note: (text) => stderr.push(text),
    });
    expect(await run(['inspect', modelFile('tf-keras-mlp.h5')], terminal, controller.signal)).toBe(3);
    expect(stderr.join('')).toMatch(/^Too many files are open \(EMFILE\)\. Raise the limit of this shell/);
  });

  it('stops when it is told to, and writes nothing', async () => {
    const controller = new AbortController();
    const folder = makeFolder();
    const args = [
      'recalibrate',
      modelFile('tf-keras-mlp.h5'),
      join(folder, 'out.h5'),
      '--data',
      dataFile([90000, 6]),
    ];
    setTimeout(() => {
      controller.abort();
    }, 300);
    const { code, stderr } = await evenkeel([...args, '--batch-size', '1'], controller.signal);
    expect([code, stderr]).toEqual([130, 'Stopped. Nothing was written.\n']);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a file that is read', () => {
  it('is not written over: model, shard, data, module, by their names and by others', async () => {
    const folder = makeFolder();
    const path = (name: string) => join(folder, name);
    writeFileSync(path('model.h5'), goldenModel('tf-keras-mlp.h5'));
    await evenkeel(['convert', path('model.h5'), path('web.json')]);
    const shard = readdirSync(folder).find((name) => name.endsWith('.bin'))!;
    copyFileSync(dataFile([50, 6]), path('data.npy'));
    writeFileSync(path('scaled.mjs'), SCALED);
    linkSync(path('data.npy'), path('data.json'));
    symlinkSync(shard, path('report.html'));
    symlinkSync('scaled.mjs', path('out.keras'));
    const contents = () =>
      new Map(readdirSync(folder).map((name) => [name, readFileSync(path(name), 'hex')]));
    const before = contents();
    const inputs = ['--data', path('data.npy'), '--import', path('scaled.mjs')];
    for (const [model, output] of [
      ['model.h5', 'model.h5'],
      ['model.h5', 'data.json'],
      ['model.h5', 'out.keras'],
      ['web.json', 'web.json'],
    ]) {
      const { code, stderr } = await evenkeel(['recalibrate', path(model!), path(output!), ...inputs]);
      expect([code, stderr]).toEqual([3, expect.stringContaining('a file that is read. Give another name.')]);
    }
    for (const html of ['web.json', shard, 'report.html', 'data.npy', 'data.json', 'scaled.mjs']) {
      const { code, stdout, stderr } = await evenkeel([
        ...['inspect', pathToFileURL(path('web.json')).href, '--html', path(html)],
        ...inputs,
      ]);
      expect([code, stdout, stderr]).toEqual([3, '', expect.stringContaining('a file that is read.')]);
    }
    expect(contents()).toEqual(before);
  });

  it('is not written over where a model has numbers that JSON has not', async () => {
    const folder = makeFolder();
    const model = join(folder, 'web.json');
    await evenkeel(['convert', modelFile('tf-keras-mlp.h5'), model]);
    const json = JSON.parse(readFileSync(model, 'utf8')) as { weightsManifest: { paths: string[] }[] };
    const [part] = json.weightsManifest[0]!.paths;
    const shard = join(folder, 'shard.h5');
    renameSync(join(folder, part!), shard);
    json.weightsManifest[0]!.paths = ['shard.h5'];
    writeFileSync(model, JSON.stringify(json).replace('{', '{"loss":NaN,'));
    const before = readFileSync(shard);
    const { code, stderr } = await evenkeel(['convert', model, shard]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('a file that is read. Give another name.')]);
    expect(readFileSync(shard)).toEqual(before);
  });

  it('may lie beside its own conversion, of which the shards are the same', async () => {
    const folder = makeFolder();
    const [first, second] = [join(folder, 'a.json'), join(folder, 'b.json')];
    await evenkeel(['convert', modelFile('tf-keras-mlp.h5'), first]);
    expect((await evenkeel(['convert', first, second])).code).toBe(0);
    expect((await evenkeel(['freeze', second, first])).code).toBe(0);
    expect(readdirSync(folder)).toHaveLength(4);
    expectClose(await predict(first, SHAPE), await predict(second, SHAPE));
  });
});

it('writes nothing where it is stopped between making the files and writing them', async () => {
  const controller = new AbortController();
  const folder = makeFolder();
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
  const target = { path: join(folder, 'out.json'), format: 'json' } as const;
  const save = model.save.bind(model);
  model.save = async (...args) => {
    const saved = await save(...args);
    controller.abort();
    return saved;
  };
  await expect(writeModel(model, target, controller.signal)).rejects.toThrow('This operation was aborted');
  expect(readdirSync(folder)).toEqual([]);
});

describe('--limit', () => {
  const GREEDY = JSON.stringify({
    modelTopology: {
      class_name: 'Sequential',
      config: {
        name: 'greedy',
        layers: [
          { class_name: 'RepeatVector', config: { name: 'repeat', n: 1e8, batch_input_shape: [null, 4] } },
          { class_name: 'GlobalMaxPooling1D', config: { name: 'pool' } },
        ],
      },
    },
    weightsManifest: [],
  });
  const greedy = () => {
    const path = join(makeFolder(), 'greedy.json');
    writeFileSync(path, GREEDY);
    return path;
  };

  it('says what a model asks for, and which option allows it', { timeout: 20_000 }, async () => {
    const path = greedy();
    const output = join(makeFolder(), 'folded.json');
    const { code, stderr } = await evenkeel(['fold', path, output, '--quiet']);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^model: it takes about .* GB of memory .*'pool' makes \[1, 4\] of \[1, 100000000, 4\].*--limit memory=… of the command\.\n$/,
    );
    expect(readdirSync(dirname(output))).toEqual([]);
    const data = dataFile([2, 4]);
    expect((await evenkeel(['inspect', path, '--data', data, '--quiet'])).stderr).toMatch(
      /^model: it takes about/,
    );
  });

  it.each([
    ['fold', 'memory=1kB', /at most 1(\.00 kB|000) .*accepted/],
    ['fold', 'steps=2', /steps, and at most 2 (steps )?are accepted/],
    ['convert', 'entries=1', /entries, and at most 1 are accepted/],
    ['inspect', 'size=10', /bytes, and at most 10 are accepted/],
    ['freeze', 'depth=1', /levels, and at most 1 are accepted/],
  ])('reaches %s', async (command, limit, message) => {
    const output = command === 'inspect' ? [] : [join(makeFolder(), 'out.json')];
    const outcome = await evenkeel([command, modelFile('tf-keras-mlp.h5'), ...output, '--limit', limit]);
    expect(outcome).toMatchObject({ code: 3, stderr: expect.stringMatching(message) as string });
  });

  it('reaches data, and a model that is only checked', async () => {
    const path = modelFile('tf-keras-mlp.h5');
    const data = dataFile([5000, 6]);
    const limited = await evenkeel([
      'inspect',
      path,
      '--data',
      data,
      '--limit',
      'memory=1GB',
      '--limit',
      'size=100kB',
    ]);
    expect(limited).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/data\.npy.*at most 100000 are accepted/) as string,
    });
    const checked = await evenkeel(['inspect', '--compatibility', path, '--limit', 'size=10']);
    expect(checked).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/at most 10 are accepted/) as string,
    });
  });

  it.each([
    ['1kB', 1000],
    ['1KiB', 1024],
    ['0.002MB', 2000],
    ['0.001MiB', 1048.576],
    ['0.000001GB', 1000],
    ['0.000001GiB', 1073.741824],
    ['0.000000000001TB', 1],
  ])('takes %s as %d bytes', async (size, bytes) => {
    const outcome = await evenkeel(['inspect', modelFile('tf-keras-mlp.h5'), '--limit', `size=${size}`]);
    expect(outcome.stderr).toContain(`and at most ${bytes} are accepted`);
  });

  it('may be given again, and may be Infinity', async () => {
    const limits = ['size=10', 'depth=Infinity'].map((limit) => ['--limit', limit]);
    for (const given of [limits, limits.toReversed()]) {
      const outcome = await evenkeel(['inspect', modelFile('tf-keras-mlp.h5'), ...given.flat()]);
      expect(outcome).toMatchObject({ code: 3, stderr: expect.stringMatching(/at most 10 are/) as string });
    }
  });

  it('reaches runs of a model on data', async () => {
    const args = [
      '--data',
      dataFile([5000, 6]),
      '--batch-size',
      '5000',
      '--limit',
      'memory=300kB',
      '--quiet',
    ];
    const path = modelFile('tf-keras-mlp.h5');
    for (const command of [
      ['inspect', path],
      ['recalibrate', path, join(makeFolder(), 'out.h5')],
    ]) {
      expect((await evenkeel([...command, ...args])).stderr).toMatch(
        /^model: it takes about .* for an input of shape \[5000, 6\] .* at most 300 kB are accepted/,
      );
    }
  });

  it.each([
    'memory',
    'memory=',
    'memory=-1',
    'memory=8XB',
    'depth=8kB',
    'memroy=8GB',
    '__proto__=8',
    'memory=1e9',
  ])('cannot be %s', async (limit) => {
    const outcome = await evenkeel(['inspect', modelFile('tf-keras-mlp.h5'), '--limit', limit]);
    expect(outcome).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /one of size, memory, entries, depth, steps with a number, such as depth=500/,
      ) as string,
    });
  });
});
