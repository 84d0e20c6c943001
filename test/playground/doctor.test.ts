/** @file The doctor's worker, without a page: what Stop leaves, and what it then says. */
import { loadKerasModel } from 'evenkeel/keras';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Doctor } from '../../playground/doctor/doctor.js';
import { goldenModel, npy, numbers } from '../cli/files.js';

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

async function makeDoctor(): Promise<Doctor> {
  const doctor = new Doctor({
    progressed: ({ step }) => {
      whenProgressed(step);
    },
  });
  await doctor.open([fileOf('model.h5', goldenModel('tf-keras-mlp.h5'))]);
  const data = npy('<f4', [200, 6], new Uint8Array(numbers(1200).buffer));
  await doctor.takeData([fileOf('x.npy', data)]);
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
