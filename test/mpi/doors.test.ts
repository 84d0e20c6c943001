/** @file What mpiCommunicator refuses before MPI begins, and so on machines without it. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { mpiCommunicator, type MpiOptions } from 'evenkeel/mpi';
import { expect, test } from 'vitest';
import { ROOT } from '../docs/blocks.js';

test.each([
  [{ library: 3 }, TypeError, 'library: expected the path or name of an MPI library, received 3.'],
  [{ timeout: '5' }, TypeError, 'timeout: expected seconds, more than 0'],
  [{ timeout: 0 }, Error, 'timeout: expected seconds, more than 0'],
  [{ timeout: NaN }, Error, 'timeout: expected seconds, more than 0'],
  [{ timeOut: 5 }, TypeError, "Did you mean 'timeout'?"],
] as const)('refuses %o', async (options, Refusal, message) => {
  const call = mpiCommunicator(options as unknown as MpiOptions);
  await expect(call).rejects.toThrow(Refusal);
  await expect(call).rejects.toThrow(message);
});

test('says which library it did not find, and how to install one', async () => {
  const call = mpiCommunicator({ library: '/nowhere/libmpi_abi.so.1' });
  await expect(call).rejects.toThrow(/'\/nowhere\/libmpi_abi\.so\.1' could not be loaded.*pip install mpich/);
});

test('refuses a library that is no MPI, and may be given another then', async () => {
  // Any library that is there on every system: that of koffi itself.
  const folder = dirname(createRequire(import.meta.url).resolve('koffi'));
  const packages = join(folder, '../@koromix');
  const addon = readdirSync(packages, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith('.node'),
  )!;
  const path = join(packages, addon);
  await expect(mpiCommunicator({ library: path })).rejects.toThrow(
    `The library '${path}' is not an MPI with the standard ABI of MPI 5.`,
  );
  await expect(mpiCommunicator({ library: '/nowhere' })).rejects.toThrow("'/nowhere' could not be loaded");
});

test('takes the library of EVENKEEL_MPI', async () => {
  process.env.EVENKEEL_MPI = '/elsewhere';
  try {
    await expect(mpiCommunicator()).rejects.toThrow("'/elsewhere' could not be loaded");
  } finally {
    delete process.env.EVENKEEL_MPI;
  }
});

test('refuses a worker thread', async () => {
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    import('tsx/esm/api')
      .then(({ register }) => register())
      .then(() => import(workerData))
      .then(({ mpiCommunicator }) => mpiCommunicator())
      .catch((error) => parentPort.postMessage(error.message));
  `;
  const worker = new Worker(program, {
    eval: true,
    workerData: pathToFileURL(join(ROOT, 'src/mpi/index.ts')).href,
  });
  const message = await new Promise((resolve, reject) => {
    worker.on('message', resolve).on('error', reject);
  });
  await worker.terminate();
  expect(message).toContain('in a worker thread, and MPI serves the main thread of each process');
});
