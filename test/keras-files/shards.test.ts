/** @file The files and weights that a model.json names: where they may lie, and what TF.js can decode. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  promises as files,
  linkSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { ValueError } from 'evenkeel';
import type { Limits } from 'evenkeel/data';
import { loadKerasModel, shardNames } from 'evenkeel/keras';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeFolder } from '../cli/files.js';

const text = new TextEncoder();
const values = Float32Array.of(1, 2, 3, 4, 5, 6);

beforeAll(() => tf.setBackend('cpu'));

const modelTopology = {
  class_name: 'Sequential',
  keras_version: 'tfjs-layers 4.22.0',
  config: {
    name: 'm',
    layers: [
      {
        class_name: 'Dense',
        config: { name: 'd', units: 3, use_bias: false, batch_input_shape: [null, 2] },
      },
    ],
  },
};

interface Group {
  readonly paths: readonly unknown[];
  readonly weights: readonly object[];
}

const KERNEL = { name: 'd/kernel', shape: [2, 3], dtype: 'float32' };

const modelOf = (...weightsManifest: Group[]) =>
  text.encode(JSON.stringify({ modelTopology, weightsManifest }));

/** A folder with files, and the path of the model in it. */
function folderOf(files: Readonly<Record<string, Uint8Array>>, model: Uint8Array): string {
  const folder = join(makeFolder(), 'folder');
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  writeFileSync(join(folder, 'model.json'), model);
  return join(folder, 'model.json');
}

async function weightsOf(
  source: Parameters<typeof loadKerasModel>[0],
  limits?: Partial<Limits>,
): Promise<number[]> {
  const model = await loadKerasModel(source, { limits });
  const [kernel] = model.getWeights();
  const read = [...(await kernel!.data())];
  model.dispose();
  return read;
}

async function refusal(
  source: Parameters<typeof loadKerasModel>[0],
  limits?: Partial<Limits>,
): Promise<string> {
  const before = tf.memory().numTensors;
  const error: unknown = await loadKerasModel(source, { limits }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ValueError);
  expect(tf.memory().numTensors).toBe(before);
  return (error as ValueError).message;
}

const kernelBytes = new Uint8Array(values.buffer);

test('a model that is written again between its two files is loaded as it is then', async () => {
  const path = folderOf({ 'old.bin': kernelBytes }, modelOf({ paths: ['old.bin'], weights: [KERNEL] }));
  const model = await loadKerasModel(path, {
    onProgress({ step }) {
      if (step !== path || !existsSync(join(dirname(path), 'old.bin'))) return;
      writeFileSync(join(dirname(path), 'new.bin'), new Uint8Array(Float32Array.of(6, 5, 4, 3, 2, 1).buffer));
      writeFileSync(path, modelOf({ paths: ['new.bin'], weights: [KERNEL] }));
      rmSync(join(dirname(path), 'old.bin'));
    },
  });
  expect([...model.getWeights()[0]!.dataSync()]).toEqual([6, 5, 4, 3, 2, 1]);
  model.dispose();
});

describe('a shard', () => {
  test.each([
    'a$$b.bin',
    'a$&b.bin',
    "$'x.bin",
    '$`.bin',
    '$1.bin',
    'é ü%2f.bin',
    'sub/folder/a.bin',
    './a.bin',
    '..a',
    '%2e%2e',
  ])('called %s is found by its name', async (name) => {
    const model = modelOf({ paths: [name], weights: [KERNEL] });
    expect(await weightsOf(folderOf({ [name]: kernelBytes }, model))).toEqual([...values]);
  });

  test.each([
    ...[
      '../secret.bin',
      'a/../../secret.bin',
      '..',
      '/etc/passwd',
      '//host/share/a',
      'C:/a.bin',
      'c:a.bin',
      'file:///etc/passwd',
    ],
    ...['a\\..\\..\\secret.bin', '\\\\host\\share\\a', 'a\\b', 'a\0.bin', '.', './', 'folder/'],
  ])('called %j is not looked for', async (name) => {
    const model = modelOf({ paths: [name], weights: [KERNEL] });
    const path = folderOf({}, model);
    writeFileSync(join(dirname(path), '../secret.bin'), kernelBytes);
    expect(await refusal(path)).toMatch(
      /^The model names the file .*which is not beside it\. Accepted are names/,
    );
  });

  test("called $` does not lead to the model's own folder above", async () => {
    const path = folderOf({}, modelOf({ paths: ['$`../../secret.bin'], weights: [KERNEL] }));
    expect(await refusal(path)).toMatch(/which is not beside it/);
  });

  test('that is a folder or a device is refused', { timeout: 5000 }, async () => {
    const path = folderOf({}, modelOf({ paths: ['a.bin'], weights: [KERNEL] }));
    mkdirSync(join(dirname(path), 'a.bin'));
    expect(await refusal(path)).toMatch(/^Cannot read '.*a\.bin': it is a folder$/);
  });

  test.skipIf(process.platform === 'win32')('that is a pipe is refused', { timeout: 5000 }, async () => {
    const path = folderOf({}, modelOf({ paths: ['a.bin'], weights: [KERNEL] }));
    execFileSync('mkfifo', [join(dirname(path), 'a.bin')]);
    expect(await refusal(path)).toMatch(/^Cannot read '.*a\.bin': it is a pipe or a device/);
  });

  test('that is missing is told with its path', async () => {
    const path = folderOf({}, modelOf({ paths: ['a.bin'], weights: [KERNEL] }));
    expect(await refusal(path)).toMatch(/^Cannot read '.*folder\/a\.bin': ENOENT/);
  });
});

describe.skipIf(process.platform === 'win32')('a symbolic link', () => {
  const model = modelOf({ paths: ['a.bin'], weights: [KERNEL] });

  test.each([
    ['to a file elsewhere', '../secret.bin', 'a.bin'],
    ['to a folder elsewhere', '..', 'sub'],
    ['to a folder whose name begins as that of the model', '../folder-b/secret.bin', 'a.bin'],
    ['to a device', '/dev/zero', 'a.bin'],
  ])('%s is not followed', { timeout: 5000 }, async (_, target, link) => {
    const name = link === 'sub' ? 'sub/secret.bin' : 'a.bin';
    const path = folderOf({}, modelOf({ paths: [name], weights: [KERNEL] }));
    writeFileSync(join(dirname(path), '../secret.bin'), kernelBytes);
    mkdirSync(join(dirname(path), '../folder-b'));
    writeFileSync(join(dirname(path), '../folder-b/secret.bin'), kernelBytes);
    symlinkSync(target, join(dirname(path), link));
    expect(await refusal(path)).toMatch(
      /^The model names the file '.*', which a symbolic link puts outside its folder\. Copy the file itself/,
    );
    // What the user names is read, wherever it lies.
    if (target === '../secret.bin')
      expect(await weightsOf([path, join(dirname(path), 'a.bin')])).toEqual([...values]);
  });

  test('within the folder is followed', async () => {
    const path = folderOf({ 'real/b': kernelBytes }, model);
    symlinkSync('real/b', join(dirname(path), 'a.bin'));
    expect(await weightsOf(path)).toEqual([...values]);
  });

  test('is followed as caches have them: all files in one folder, links to all of them in another', async () => {
    const folder = makeFolder();
    for (const name of ['blobs', 'snapshots', 'snapshots/1']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'blobs/123'), model);
    writeFileSync(join(folder, 'blobs/456'), kernelBytes);
    symlinkSync('../../blobs/123', join(folder, 'snapshots/1/model.json'));
    symlinkSync('../../blobs/456', join(folder, 'snapshots/1/a.bin'));
    expect(await weightsOf(join(folder, 'snapshots/1/model.json'))).toEqual([...values]);
  });

  test('to the folder of the model is followed', async () => {
    const path = folderOf({ 'a.bin': kernelBytes }, model);
    const link = join(dirname(path), '../link');
    symlinkSync('folder', link);
    expect(await weightsOf(join(link, 'model.json'))).toEqual([...values]);
  });

  test('of the hard kind is a file like others', async () => {
    const path = folderOf({ 'b.bin': kernelBytes }, model);
    linkSync(join(dirname(path), 'b.bin'), join(dirname(path), 'a.bin'));
    expect(await weightsOf(path)).toEqual([...values]);
  });
});

describe('many shards', () => {
  test.each([
    [{ paths: ['a.bin', 'a.bin'], weights: [] }],
    [{ paths: ['a.bin', './a.bin'], weights: [] }],
    [
      { paths: ['a.bin'], weights: [{ ...KERNEL, shape: [2 ** 18] }] },
      { paths: ['a.bin'], weights: [] },
    ],
    [{ paths: Array.from({ length: 20_000 }, () => 'a.bin'), weights: [] }],
  ])('of one name are refused, %#', { timeout: 5000 }, async (...groups) => {
    const path = folderOf({ 'a.bin': new Uint8Array(2 ** 20) }, modelOf(...groups));
    expect(await refusal(path)).toMatch(/^The model names the file '.*' twice\. The file is damaged\.$/);
  });

  test('are not all open at once, and counted', { timeout: 60_000 }, async () => {
    const names = Array.from({ length: 9000 }, (_, i) => `${i}.bin`);
    const model = modelOf({ paths: names, weights: [KERNEL] });
    const path = folderOf(
      Object.fromEntries(names.map((name, i) => [name, kernelBytes.subarray(i, i + 1)])),
      model,
    );
    const { open } = files;
    let [isOpen, most] = [0, 0];
    const spy = vi.spyOn(files, 'open').mockImplementation(async (...given) => {
      most = Math.max(most, ++isOpen);
      const handle = await open(...given);
      const close = handle.close.bind(handle);
      handle.close = () => close().finally(() => isOpen--);
      return handle;
    });
    onTestFinished(() => {
      spy.mockRestore();
    });
    expect(await weightsOf(path)).toEqual([...values]);
    // Systems allow a few hundred files or more.
    expect(most).toBeLessThanOrEqual(8);
    expect(isOpen).toBe(0);
    expect(await refusal(path, { entries: 8999 })).toMatch(
      /takes 9000 entries, and at most 8999 are accepted/,
    );
    expect(await refusal(path, { size: model.length + 10 })).toMatch(
      /takes \d+ bytes, and at most \d+ are accepted/,
    );
  });

  test('of one name in a list are refused, unless none asks for them', async () => {
    const model = { name: 'model.json', bytes: modelOf({ paths: ['a.bin'], weights: [KERNEL] }) };
    const [shard, other] = ['one', 'two'].map((folder) => ({ name: `${folder}/a.bin`, bytes: kernelBytes }));
    expect(await refusal([model, shard!, other!])).toMatch(
      /names the file 'a\.bin', which is given 2 times\. Give it once/,
    );
    const unasked = ['one', 'two'].map((folder) => ({ name: `${folder}/b.bin`, bytes: kernelBytes }));
    expect(await weightsOf([model, shard!, ...unasked])).toEqual([...values]);
  });

  test('in a list are found in time', { timeout: 10_000 }, async () => {
    const names = Array.from({ length: 9000 }, (_, i) => `${i}.bin`);
    const shards = names.map((name, i) => ({ name, bytes: kernelBytes.subarray(i, i + 1) }));
    const model = { name: 'model.json', bytes: modelOf({ paths: names, weights: [KERNEL] }) };
    expect(await weightsOf([model, ...shards])).toEqual([...values]);
  });
});

describe('a weight', () => {
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0xfc00, 0x7e00);
  const whole = Uint8Array.of(0, 1, 2, 127, 254, 255);
  const whole16 = Uint16Array.of(0, 1, 2, 32_767, 65_534, 65_535);
  const bytesOf = (array: ArrayBufferView<ArrayBuffer>) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

  test.each<[string, object, ArrayBufferView<ArrayBuffer>]>([
    ['float32', { dtype: 'float32' }, Float32Array.of(1, NaN, -0, Infinity, 1e-45, 3)],
    ['int32', { dtype: 'int32' }, Int32Array.of(1, -1, 2 ** 31 - 1, -(2 ** 31), 16_777_217, 0)],
    ['bool', { dtype: 'bool' }, Uint8Array.of(0, 1, 1, 0, 2, 255)],
    ['float16', { dtype: 'float32', quantization: { dtype: 'float16' } }, halves],
    ['uint8', { dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.1, min: -3.3 } }, whole],
    ['uint16', { dtype: 'float32', quantization: { dtype: 'uint16', scale: 1e-5, min: 0.7 } }, whole16],
    ['uint8 of one value', { dtype: 'float32', quantization: { dtype: 'uint8', scale: 0, min: 2 } }, whole],
    ['uint8 downwards', { dtype: 'float32', quantization: { dtype: 'uint8', scale: -0.5, min: 2 } }, whole],
    ['uint8 beyond', { dtype: 'float32', quantization: { dtype: 'uint8', scale: 1e38, min: 1e38 } }, whole],
    ['whole uint8', { dtype: 'int32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } }, whole],
    ['whole uint16', { dtype: 'int32', quantization: { dtype: 'uint16', scale: 1e6, min: 1.5 } }, whole16],
  ])('of type %s is what TF.js decodes', async (_, type, stored) => {
    const spec = { ...KERNEL, ...type };
    const decoded = tf.io.decodeWeights(bytesOf(stored).slice().buffer, [spec as tf.io.WeightsManifestEntry]);
    const expected = Float32Array.from(decoded['d/kernel']!.dataSync());
    decoded['d/kernel']!.dispose();
    const model = { name: 'model.json', bytes: modelOf({ paths: ['a'], weights: [spec] }) };
    expect(await weightsOf([model, { name: 'a', bytes: bytesOf(stored) }])).toEqual([...expected]);
  });

  const quantized = (quantization: unknown, dtype = 'float32') => ({ dtype, quantization });

  test.each<object>([
    ...['float16', 'uint8', 'uint16', 'string', 'complex64', 'int64', '', 'constructor', 5, null].map(
      (dtype) => ({ dtype }),
    ),
    ...['bool', 'string', 'complex64', 'toString'].map((dtype) =>
      quantized({ dtype: 'uint8', scale: 1, min: 0 }, dtype),
    ),
    ...['int8', 'float32', '__proto__', 5, null].map((dtype) => quantized({ dtype, scale: 1, min: 0 })),
    quantized({ dtype: 'float16' }, 'int32'),
    ...[{ scale: 1 }, { min: 1 }, { scale: '1', min: 1 }, { scale: null, min: 1 }].map((scaled) =>
      quantized({ dtype: 'uint8', ...scaled }),
    ),
    ...[5, 'uint8', true, []].map((quantization) => quantized(quantization)),
  ])('of type %j is refused before TF.js meets it', async (type) => {
    const model = { name: 'model.json', bytes: modelOf({ paths: ['a'], weights: [{ ...KERNEL, ...type }] }) };
    expect(await refusal([model, { name: 'a', bytes: kernelBytes }])).toMatch(
      /^The weight 'd\/kernel' is of type .*: not numbers that can be read\. Accepted are float32, int32 and bool/,
    );
  });

  test.each(['NaN', 'Infinity', '-Infinity'])('with the scale or min %s is refused', async (word) => {
    for (const key of ['scale', 'min']) {
      const spec = { ...KERNEL, ...quantized({ dtype: 'uint8', scale: 1, min: 0, [key]: 'WORD' }) };
      const json = new TextDecoder()
        .decode(modelOf({ paths: ['a'], weights: [spec] }))
        .replace('"WORD"', () => word);
      expect(
        await refusal([
          { name: 'model.json', bytes: text.encode(json) },
          { name: 'a', bytes: whole },
        ]),
      ).toMatch(/not numbers that can be read/);
    }
  });

  test.each<[unknown]>([
    [[2, null]],
    [[2, -3]],
    [[2, 1.5]],
    [['2', 3]],
    [[2 ** 30, 2 ** 30]],
    [[1e308, 1e308]],
    [[2, [3]]],
  ])('of shape %j is refused', async (shape) => {
    const model = { name: 'model.json', bytes: modelOf({ paths: ['a'], weights: [{ ...KERNEL, shape }] }) };
    expect(await refusal([model, { name: 'a', bytes: kernelBytes }])).toMatch(
      /^The weight 'd\/kernel' is of shape .*, which none has/,
    );
  });

  test('of 100,000 dimensions is told in short', async () => {
    const shape = Array.from({ length: 100_000 }, () => 1);
    const model = { name: 'model.json', bytes: modelOf({ paths: ['a'], weights: [{ ...KERNEL, shape }] }) };
    const message = await refusal([model, { name: 'a', bytes: kernelBytes.subarray(0, 4) }]);
    expect(message.length).toBeLessThan(1000);
  });

  test('with a name of 100,000 characters is refused', async () => {
    const name = 'a'.repeat(100_000);
    const model = { name: 'model.json', bytes: modelOf({ paths: ['a'], weights: [{ ...KERNEL, name }] }) };
    expect(await refusal([model, { name: 'a', bytes: kernelBytes }])).toBe(
      "A weight's name has 100000 characters. Accepted are 16383.",
    );
  });

  test('is found in time among many with long names', { timeout: 10_000 }, async () => {
    const weights = Array.from({ length: 500 }, (_, i) => ({
      ...KERNEL,
      shape: [0],
      name: `${'a'.repeat(16_000)}${i}`,
    }));
    const model = { name: 'model.json', bytes: modelOf({ paths: ['a'], weights: [...weights, KERNEL] }) };
    expect(await refusal([model, { name: 'a', bytes: kernelBytes }])).toMatch(
      /^The file has weights of \['aaa/,
    );
  });
});

describe('shardNames', () => {
  test('gives the names as the file has them, those of every group', () => {
    const groups = [['a.bin', 'b/c.bin'], ['../d.bin']].map((paths) => ({ paths, weights: [] }));
    expect(shardNames(modelOf(...groups))).toEqual(['a.bin', 'b/c.bin', '../d.bin']);
  });

  test.each([undefined, 'model.json', {}])('refuses %j, which is no bytes', (bytes) => {
    expect(() => shardNames(bytes as never)).toThrow(TypeError);
    expect(() => shardNames(bytes as never)).toThrow(
      /^bytes: expected those of a model\.json \(Uint8Array\), received /,
    );
  });

  test('refuses what is no model.json', () => {
    expect(() => shardNames(text.encode('[]'))).toThrow(ValueError);
  });
});
