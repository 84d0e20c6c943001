/** @file The doctor's worker, without a page: what Stop leaves, and what it then says. */
import { loadKerasModel } from 'evenkeel/keras';
import { readArchive } from 'evenkeel/data';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Doctor } from '../../playground/doctor/doctor.js';
import { dataOf, goldenModel, npy, numbers } from '../cli/files.js';

// Here is no server that would have its WebAssembly: the doctor takes the backend cpu.
vi.mock('@tensorflow/tfjs-backend-wasm', () => {
  throw new Error('There is no server.');
});

const fileOf = (name: string, bytes: Uint8Array) => new File([new Uint8Array(bytes)], name);

/** What to do whenever a tool says how far it is. */
let whenProgressed: (step: string) => void = () => undefined;

afterEach(() => {
  whenProgressed = () => undefined;
});

async function makeDoctor(model = goldenModel('tf-keras-mlp.h5')): Promise<Doctor> {
  const doctor = new Doctor({
    progressed: ({ step }) => {
      whenProgressed(step);
    },
  });
  await doctor.open([fileOf('model.h5', model)]);
  await doctor.takeData([fileOf('x.npy', dataOf([200, 6]))]);
  return doctor;
}

async function movingMeanOf(doctor: Doctor): Promise<number[]> {
  const model = await loadKerasModel(await doctor.save('tf-keras h5'));
  const layer = model.layers.find((one) => one.getClassName() === 'BatchNormalization');
  return layer ? [...layer.getWeights().at(-2)!.dataSync()] : [];
}

describe('Stop', () => {
  test.each(['fold', 'recalibrate'] as const)(
    'while it looks at what %s made tells of the new model',
    async (cure) => {
      const doctor = await makeDoctor();
      const before = await movingMeanOf(doctor);
      await doctor[cure]();
      whenProgressed = () => {
        doctor.cancel();
      };
      const { report, data } = await doctor.examine();
      expect(report.data).toBeNull();
      expect(data).toBe('x.npy: 200 samples');
      const after = await movingMeanOf(doctor);
      expect(after).not.toEqual(before);
      expect(report.layers.flatMap(({ movingMean }) => [...movingMean])).toEqual(after);
    },
  );

  test.each(['fold', 'recalibrate'] as const)(
    'while it does %s leaves the model as it was, and says so',
    async (cure) => {
      const doctor = await makeDoctor();
      const before = await movingMeanOf(doctor);
      whenProgressed = () => {
        doctor.cancel();
      };
      await expect(doctor[cure]()).rejects.toThrow('Stopped. The model is as it was.');
      expect(await movingMeanOf(doctor)).toEqual(before);
    },
  );
});

describe('what was done', () => {
  test('is taken back step by step, to the last bit, and holds no tensor more', async () => {
    const doctor = await makeDoctor();
    const first = await doctor.examine();
    expect(first).toMatchObject({ steps: [], left: { recalibrate: true, fold: true, freeze: true } });
    const saved = await doctor.save('tfjs');
    const isFrozen = async () => (await doctor.examine()).report.layers.map((layer) => layer.isFrozen);

    await doctor.freeze();
    expect(await isFrozen()).toEqual([true]);
    await doctor.recalibrate();
    expect((await doctor.examine()).left).toEqual({ recalibrate: false, fold: true, freeze: false });
    await doctor.fold();
    expect(await doctor.examine()).toMatchObject({
      steps: [
        { repair: 'freeze', what: 'Froze 1 batch normalization' },
        { repair: 'recalibrate', what: 'Recalibrated with x.npy' },
        { repair: 'fold', what: 'Folded 1 of 1' },
      ],
      left: { recalibrate: false, fold: false, freeze: false },
    });

    for (let left = 2; left >= 0; left--) {
      await doctor.undo();
      expect((await doctor.examine()).steps).toHaveLength(left);
    }
    expect(await isFrozen()).toEqual([false]);
    expect(await doctor.examine()).toEqual(first);
    expect(Buffer.from(await doctor.save('tfjs')).equals(saved)).toBe(true);
    // There is nothing left to take back.
    await doctor.undo();
    expect((await doctor.examine()).tensors).toBe(first.tensors);
  });

  test('is not offered where the statistics are those of the data already', async () => {
    const doctor = await makeDoctor();
    await doctor.recalibrate();
    const other = await makeDoctor(await doctor.save('tf-keras h5'));
    expect((await other.examine()).left).toEqual({ recalibrate: false, fold: true, freeze: true });
  });

  test('is offered again with other data', async () => {
    const doctor = await makeDoctor();
    await doctor.recalibrate();
    const shifted = numbers(1200).map((value) => value + 5);
    await doctor.takeData([fileOf('y.npy', npy('<f4', [200, 6], new Uint8Array(shifted.buffer)))]);
    expect((await doctor.examine()).left.recalibrate).toBe(true);
  });
});

test('a model goes away as model.json and its shards, in an archive', async () => {
  const doctor = await makeDoctor();
  const files = await readArchive(await doctor.save('tfjs'), { includes: () => true });
  expect([...files.keys()]).toEqual(['group1-shard1of1.bin', 'model.json']);
  const again = await loadKerasModel([...files].map(([name, bytes]) => fileOf(name, bytes)));
  const layer = again.layers.find((one) => one.getClassName() === 'BatchNormalization')!;
  expect([...layer.getWeights().at(-2)!.dataSync()]).toEqual(await movingMeanOf(doctor));
});
