/** @file Processes that MPI starts: their sums, and how a job ends when one of them cannot go on. */
import { describe, expect, test } from 'vitest';
import { differenceOf, flat } from '../distributed/comparison.js';
import { BATCH, type CaseName, type Trained, trainAll } from '../distributed/programs/trainings.js';
import { libraryOfMpi, MPIEXEC, runJob } from './jobs.js';

/** Whole trainings, and where the first rank's part of each batch ends. */
const TRAININGS: { readonly name: CaseName; readonly cuts: readonly number[] }[] = [
  { name: 'plain', cuts: [BATCH / 2] },
  { name: 'plain', cuts: [3] },
  { name: 'plain', cuts: [BATCH] },
  { name: 'Adam', cuts: [BATCH / 2] },
  { name: 'renorm', cuts: [BATCH / 2] },
  { name: 'masked sequences', cuts: [5] },
];

describe.skipIf(!MPIEXEC)('a job of MPI', { tags: ['mpi'] }, () => {
  test.each([2, 3, 4])('of %i ranks sums to the same bits on each', (size) => {
    const { status, stdout, stderr } = runJob(size, 'sums');
    expect([status, stderr]).toEqual([0, '']);
    const ranks = Array.from({ length: size }, (_, rank) => `rank ${rank} of ${size}`);
    expect(stdout.filter((line) => line.startsWith('rank')).sort()).toEqual(ranks);
    const bits = stdout.filter((line) => line.startsWith('bits'));
    expect([bits.length, new Set(bits).size]).toEqual([size, 1]);
  });

  test('is a group of one without mpiexec', () => {
    const { status, stdout, stderr } = runJob(0, 'sums');
    expect([status, stdout.at(-1), stderr]).toEqual([0, 'rank 0 of 1', '']);
  });

  test('ends in good order where close() is forgotten', () => {
    const { status, stdout, stderr } = runJob(2, 'forgets');
    expect([status, stdout, stderr]).toEqual([0, ['sum 2', 'sum 2'], '']);
  });

  test('has one communicator, which says so when it is used after close()', () => {
    const { status, stdout, stderr } = runJob(0, 'closes');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toEqual([
      'Rank 0 of 1: the communicator was closed. MPI begins once in a process.',
      expect.stringMatching(/^mpiCommunicator\(\) was called before, with other options/),
      'true',
    ]);
  });

  test('trains as one process does', async () => {
    const { status, stdout, stderr } = runJob(2, [
      'program',
      'trainings',
      'trainAll',
      JSON.stringify(TRAININGS),
    ]);
    expect([status, stderr, stdout.length]).toEqual([0, '', 2]);
    const [actual, other] = stdout.map((line) => JSON.parse(line) as Trained[]) as [Trained[], Trained[]];
    expect(other).toEqual(actual);
    const expected = await trainAll(null, TRAININGS);
    TRAININGS.forEach(({ name, cuts }, i) => {
      const logs = differenceOf(actual[i]!.logs.flat(), expected[i]!.logs.flat());
      const weights = differenceOf(flat(actual[i]!.weights), flat(expected[i]!.weights));
      expect({ name, cuts, isEqual: Math.max(logs, weights) < 2e-6, leaked: actual[i]!.leaked }).toEqual({
        name,
        cuts,
        isEqual: true,
        leaked: 0,
      });
    });
  });

  test('refuses another model on one rank, and names the weight', () => {
    const { status, stderr } = runJob(2, 'other model');
    expect(status).toBe(1);
    expect(stderr).toMatch(/ValueError: Rank 1 has another model than rank 0\..*kernel of shape \[2, 4\]/);
  });

  test.each([
    ['other order', '24 numbers, sum 2'],
    ['other length', '(24|97292) numbers, sum 1'],
  ])('ends where ranks are somewhere else: %s', (scenario, where) => {
    const { status, stderr, seconds } = runJob(2, scenario);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`ValueError: Rank . of 2 was at \\w+ \\(${where}\\), and another rank was somewhere else`),
    );
    expect(seconds).toBeLessThan(40);
  });

  test('ends where a rank has fewer batches', () => {
    const { status, stdout, stderr } = runJob(2, 'fewer batches');
    expect([status, stdout]).toEqual([1, ['rank 1 is through']]);
    expect(stderr).toContain(
      'Error: Rank 0 of 2: waited 2 s for the others. Did every rank get as many batches, and has it the same model?',
    );
  });

  test('has ended after a timeout, also where the program goes on', () => {
    const { status, stdout, stderr } = runJob(2, 'goes on after a timeout');
    const waited = 'Rank 0 of 2: waited 1 s for the others.';
    expect(stdout).toEqual([
      expect.stringContaining(waited),
      expect.stringContaining(`Rank 0 of 2: the group has ended. ${waited}`),
      'goes on',
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain(waited);
  });

  test('ends at once where a rank is killed', () => {
    const { status, seconds } = runJob(2, 'killed');
    expect(status).toBe(9);
    expect(seconds).toBeLessThan(40);
  });

  test('ends where a rank throws, and its error is printed', () => {
    const { status, stderr, seconds } = runJob(2, 'throws');
    expect(status).toBe(1);
    expect(stderr).toMatch(/Rank 1 of 2 ends the job: RangeError: this rank has no data\n +at .*rank\.ts/);
    expect(seconds).toBeLessThan(40);
  });

  test('goes on where the program handles what was thrown', () => {
    const { status, stdout, stderr } = runJob(2, 'throws, and handles it');
    expect([status, stderr]).toEqual([0, '']);
    const handled = 'handled: this rank has no data';
    expect(stdout.sort()).toEqual([handled, handled, 'sum 2', 'sum 2']);
  });

  test.each([
    ['exits', 3],
    ['sets its status', 4],
  ])('ends with the status of a rank that %s', (scenario, expected) => {
    const { status, seconds } = runJob(2, scenario);
    expect(status).toBe(expected);
    expect(seconds).toBeLessThan(40);
  });

  test('ends by abort(), and says the reason', () => {
    const { status, stderr } = runJob(2, 'aborts');
    expect(status).toBe(1);
    expect(stderr).toContain('Rank 1 of 2 ends the job: Error: the disk is full');
  });

  test('where a rank ends before MPI begins, ends by MPIEXEC_TIMEOUT', () => {
    const { status, stdout, seconds } = runJob(2, 'ends before MPI begins', { MPIEXEC_TIMEOUT: '5' });
    expect(status).not.toBe(0);
    expect(stdout).toEqual([expect.stringContaining('TIMED OUT')]);
    expect(seconds).toBeLessThan(40);
  });

  test('refuses the library of another ABI', () => {
    const library = libraryOfMpi('libmpi.so.12');
    const { status, stdout } = runJob(0, 'is refused', { EVENKEEL_MPI: library });
    expect(status).toBe(0);
    expect(stdout[0]).toContain(`The library '${library}' is not an MPI with the standard ABI of MPI 5.`);
  });

  test('refuses a process in which something else has begun MPI', () => {
    const library = libraryOfMpi('libmpi_abi.so.1');
    const { stdout } = runJob(0, 'begins MPI itself', { EVENKEEL_MPI: library });
    expect(stdout).toEqual([expect.stringContaining(`MPI ('${library}') was begun in this process before`)]);
  });

  test('refuses what another mpiexec has started', () => {
    const { status, stdout } = runJob(0, 'is refused', { OMPI_COMM_WORLD_SIZE: '4' });
    expect(status).toBe(0);
    expect(stdout[0]).toContain('This is one of 4 processes, and a group of 1');
  });

  test('keeps UCX from watching memory and signals, unless the user has set that', () => {
    expect(runJob(0, 'environment').stdout).toEqual(['no SIGILL,SIGBUS,SIGFPE']);
    expect(runJob(0, 'environment', { UCX_ERROR_SIGNALS: 'SIGFPE' }).stdout).toEqual(['no SIGFPE']);
  });

  test(
    'of four ranks starts twenty times without a crash',
    () => {
      for (let start = 0; start < 20; start++) {
        const { status, stdout, stderr } = runJob(4, 'churns');
        expect([status, stdout, stderr]).toEqual([0, ['whole', 'whole', 'whole', 'whole'], '']);
      }
    },
    10 * 60_000,
  );
});
