/**
 * @file A communicator of processes, on one machine or many, that `mpiexec -n 4 node train.js` starts. MPI sums; what
 * ends the whole job where one rank cannot go on is here.
 */
import { type Communicator, sumInPieces } from '../group/communicator.js';
import { checkNames } from '../text/names.js';
import { checkNumber, messageOf, refuse } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';
import {
  COMM_WORLD,
  DOUBLE,
  ERRORS_RETURN,
  FLOAT,
  IN_PLACE,
  type Library,
  loadLibrary,
  SUM,
  THREAD_FUNNELED,
} from './library.js';
import { mainProcess, type NodeProcess } from './node-process.js';

/** Longer messages go in pieces of so many bytes, which stay in the cache: gradients are summed 3.5 times as fast. */
const PIECE_BYTES = 1 << 20;
/** A rank that waits for others asks as fast as it can for so long, then naps between; all in milliseconds. */
const SPIN = 0.5;
const NAP = 0.1;
/**
 * How long before the end of a job its launcher has to read what the processes have printed, in milliseconds. It reads by
 * pipes and connections, and what has not come to it when the job ends is lost.
 */
const LAST_WORDS = 500;

export interface MpiOptions {
  /** The library's path or name. Default: `EVENKEEL_MPI`, else that of `mpiexec` on PATH, else `libmpi_abi.so.1`. */
  readonly library?: string | undefined;
  /** How long a sum waits for the other ranks, in seconds; then it throws, and the group has ended. Default 600. */
  readonly timeout?: number | undefined;
}

export interface MpiCommunicator extends Communicator {
  abort(reason: unknown): void;
  /** Leaves the group in good order, which waits for the others to do so. The end of the program does it by itself. */
  close(): void;
}

/** MPI begins once in a process, and so does this. */
let current: { readonly options: MpiOptions; readonly communicator: Promise<MpiCommunicator> } | null = null;

/**
 * The group of processes that `mpiexec` has started; without it, a group of one. Call it first in the program: a
 * process that fails before that leaves the others waiting, which only `MPIEXEC_TIMEOUT` or the limit of a job ends. A
 * process that ends on an error ends the whole job, with its status.
 *
 * ```ts
 * // train.ts: mpiexec -n 4 node train.js
 * const communicator = await mpiCommunicator();
 * ```
 *
 * It needs the package koffi, and an MPI with the standard ABI of MPI 5, such as MPICH from 5.0 (`pip install mpich`).
 * A second call gives the same communicator.
 */
export async function mpiCommunicator(options: MpiOptions = {}): Promise<MpiCommunicator> {
  checkOptions(options);
  const process = mainProcess();
  if (!current) {
    const communicator = makeCommunicator(options, process);
    current = { options, communicator };
    // A library that could not be loaded may be named in another call.
    communicator.catch(() => (current = null));
  } else if (
    (options.library ?? current.options.library) !== current.options.library ||
    (options.timeout ?? current.options.timeout) !== current.options.timeout
  ) {
    throw new ValueError(
      'mpiCommunicator() was called before, with other options. MPI begins once in a process: give the options to the first ' +
        'call, and none to others.',
    );
  }
  return current.communicator;
}

function checkOptions(options: MpiOptions): void {
  checkNames('option', 'mpiCommunicator', options, ['library', 'timeout']);
  const { library, timeout = 1 } = options;
  if (!['string', 'undefined'].includes(typeof library)) {
    refuse(TypeError, 'library', 'the path or name of an MPI library', library);
  }
  checkNumber('timeout', timeout, (value) => value > 0, 'seconds, more than 0; Infinity waits for ever');
}

async function makeCommunicator(
  { library: given, timeout = 600 }: MpiOptions,
  process: NodeProcess,
): Promise<MpiCommunicator> {
  const library = await loadLibrary(given, process);
  const [rank, size] = begin(library);
  checkSize(size, library, process);
  const sleep = makeSleep();
  const sum = makeSum(library, timeout, sleep);
  const abort = library.find('MPI_Abort', 'intptr_t, int');
  const finalize = library.find('MPI_Finalize', '');
  const name = `Rank ${rank} of ${size}`;

  /** Why there are no more sums; a sum may be under way then, which MPI cannot take back. */
  let failure: Error | null = null;
  let isClosed = false;
  let uncaught: { readonly error: unknown } | null = null;

  const close = () => {
    isClosed = true;
    process.off('exit', onExit);
    process.off('uncaughtExceptionMonitor', onUncaught);
    library.check(finalize(), 'MPI_Finalize');
  };
  const endJob = (reason: unknown, status: number) => {
    if (reason !== null) console.error(`${name} ends the job:`, reason);
    sleep(LAST_WORDS);
    abort(COMM_WORLD, status);
  };
  // Node prints an error after it has called 'exit', which is too late where the job ends there.
  const onUncaught = (error: unknown) => {
    const isHandled =
      process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    if (!isHandled) uncaught = { error };
  };
  // The other ranks would wait for one that has ended on an error.
  const onExit = (code: number) => {
    if (uncaught) endJob(uncaught.error, code);
    else if (code !== 0) endJob(null, code);
    else if (failure) endJob(failure, 1);
    else close();
  };
  process.on('exit', onExit);
  process.on('uncaughtExceptionMonitor', onUncaught);

  return {
    rank,
    size,
    allReduce(values) {
      if (isClosed) throw new Error(`${name}: the communicator was closed. MPI begins once in a process.`);
      if (failure) throw new Error(`${name}: the group has ended. ${failure.message}`, { cause: failure });
      if (!(values instanceof Float64Array || values instanceof Float32Array)) {
        refuse(TypeError, 'values', 'a Float64Array or a Float32Array', values);
      }
      try {
        sumInPieces(values, PIECE_BYTES, sum);
      } catch (error) {
        failure = new Error(`${name}: ${messageOf(error)}`, { cause: error });
        throw failure;
      }
    },
    abort(reason) {
      if (!isClosed) endJob(reason, 1);
    },
    close() {
      // With a sum under way, MPI_Finalize would wait for it; the end of the program ends the job then.
      if (!isClosed && !failure) close();
    },
  };
}

/** Starts MPI, and gives rank and size. */
function begin({ path, find, check }: Library): [rank: number, size: number] {
  const [isInitialized, provided, rank, size] = [[0], [0], [0], [0]];
  check(find('MPI_Initialized', '_Out_ int *')(isInitialized), 'MPI_Initialized');
  if (isInitialized[0]) {
    throw new Error(
      `MPI ('${path}') was begun in this process before, by something else than this copy of evenkeel, and begins once.`,
    );
  }
  const init = find('MPI_Init_thread', 'void *, void *, int, _Out_ int *');
  check(init(null, null, THREAD_FUNNELED, provided), 'MPI_Init_thread');
  const setErrorHandler = find('MPI_Comm_set_errhandler', 'intptr_t, intptr_t');
  check(setErrorHandler(COMM_WORLD, ERRORS_RETURN), 'MPI_Comm_set_errhandler');
  check(find('MPI_Comm_rank', 'intptr_t, _Out_ int *')(COMM_WORLD, rank), 'MPI_Comm_rank');
  check(find('MPI_Comm_size', 'intptr_t, _Out_ int *')(COMM_WORLD, size), 'MPI_Comm_size');
  return [rank[0]!, size[0]!];
}

/** What another MPI's `mpiexec` has started does not know of the others: each process would train for itself. */
function checkSize(size: number, { path }: Library, { env }: NodeProcess): void {
  const started = Number(env.PMI_SIZE ?? env.OMPI_COMM_WORLD_SIZE ?? 1);
  if (size === 1 && started > 1) {
    throw new ValueError(
      `This is one of ${started} processes, and a group of 1 for '${path}': mpiexec is of another MPI than this library. ` +
        'Use the mpiexec that lies beside the library.',
    );
  }
}

type Sleep = (milliseconds: number) => void;

/** Blocks this thread. */
function makeSleep(): Sleep {
  const bell = new Int32Array(new SharedArrayBuffer(4));
  return (milliseconds) => {
    Atomics.wait(bell, 0, 0, milliseconds);
  };
}

/** A sum of at most PIECE_BYTES over all ranks, in place, that gives up after `timeout` seconds. */
function makeSum({ find, check, allocate }: Library, timeout: number, sleep: Sleep) {
  const begin = find('MPI_Iallreduce', 'intptr_t, void *, int, intptr_t, intptr_t, intptr_t, void *');
  const test = find('MPI_Test', 'void *, void *, void *');
  const numbers = allocate(PIECE_BYTES);
  const request = allocate(8);
  const flag = allocate(4);
  const isDone = new Int32Array(flag.bytes);

  const wait = () => {
    check(test(request.address, flag.address, null), 'MPI_Test');
    const start = performance.now();
    while (!isDone[0]) {
      const waited = performance.now() - start;
      if (waited > timeout * 1000) {
        throw new Error(
          `waited ${timeout} s for the others. Did every rank get as many batches, and has it the same model?`,
        );
      }
      if (waited > SPIN) sleep(NAP);
      check(test(request.address, flag.address, null), 'MPI_Test');
    }
  };
  return (values: Float64Array | Float32Array) => {
    const [copy, type] =
      values instanceof Float64Array
        ? [new Float64Array(numbers.bytes, 0, values.length), DOUBLE]
        : [new Float32Array(numbers.bytes, 0, values.length), FLOAT];
    copy.set(values);
    check(
      begin(IN_PLACE, numbers.address, values.length, type, SUM, COMM_WORLD, request.address),
      'MPI_Iallreduce',
    );
    wait();
    values.set(copy);
  };
}
