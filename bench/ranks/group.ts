/**
 * @file A process of a group of ranks, which prints what its first rank measured: `group.ts alone`,
 * `group.ts threads 2`, or `mpiexec -n 2 … group.ts MPI`.
 */
import { mpiCommunicator } from 'evenkeel/mpi';
import { trainOnThreads } from 'evenkeel/threads';
import { type Measured, measure } from './training.js';

async function measureMpi(): Promise<Measured | null> {
  const communicator = await mpiCommunicator();
  const measured = await measure(communicator);
  // Each is a process of its own.
  const cpuMs = Float64Array.of(measured.cpuMs);
  communicator.allReduce(cpuMs);
  return communicator.rank === 0 ? { ...measured, cpuMs: cpuMs[0]! } : null;
}

const ENGINES = {
  alone: () => measure(null),
  threads: () => trainOnThreads(import.meta.url, measure, { threads: Number(process.argv[3]) }),
  MPI: measureMpi,
};
const measured = await ENGINES[process.argv[2] as keyof typeof ENGINES]();
if (measured) process.stdout.write(JSON.stringify(measured));
