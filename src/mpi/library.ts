/**
 * @file MPI's functions, of a library with the standard ABI of MPI 5: its handles are constants, so any library that
 * has it serves, and nothing is compiled. koffi calls them; it is loaded when it is needed.
 */
import type * as Koffi from 'koffi';
import { builtinModule } from '../node/builtin-module.js';
import { messageOf } from '../text/refusal.js';
import { ValueError } from '../text/value-error.js';
import type { NodeProcess } from './node-process.js';

/** The values that the standard has for these handles (MPI 5.0, section "Application Binary Interface"). */
export const SUM = 0x21;
export const COMM_WORLD = 0x101;
export const ERRORS_RETURN = 0x143;
export const FLOAT = 0x210;
export const DOUBLE = 0x214;
export const IN_PLACE = 1;
export const THREAD_FUNNELED = 1024;

/** The file's name by the standard, for version 1 of the ABI. */
const LIBRARY = 'libmpi_abi.so.1';

const HOW_TO_INSTALL =
  'MPICH has it from version 5.0: pip install mpich, or the module of your cluster. Its library is ' +
  `${LIBRARY}; name it by the option \`library\`, by EVENKEEL_MPI, or put its mpiexec on PATH.`;

/**
 * UCX, which most MPIs send by, watches how memory is mapped, and runtimes that do so themselves die of it: V8 as Julia
 * (JuliaParallel/MPI.jl#298, openucx/ucx#3831). V8 also handles SIGSEGV itself. Read when the library is loaded.
 */
const UCX_SETTINGS = { UCX_MEM_EVENTS: 'no', UCX_ERROR_SIGNALS: 'SIGILL,SIGBUS,SIGFPE' };

/** A function of MPI; it gives 0, or the number of an error. */
export type MpiFunction = (...args: unknown[]) => number;

/** Memory that stays where it is. That of a typed array may move while MPI still writes to it. */
export interface FixedMemory {
  readonly address: bigint;
  readonly bytes: ArrayBuffer;
}

export interface Library {
  /** Its path or name. */
  readonly path: string;
  /** @param parameters their types in C, with commas between them */
  readonly find: (name: string, parameters: string) => MpiFunction;
  readonly allocate: (byteLength: number) => FixedMemory;
  /** Throws where `code` is the number of an error. */
  readonly check: (code: number, name: string) => void;
}

/** @param given the library's path or name, if the user has said it */
export async function loadLibrary(given: string | undefined, process: NodeProcess): Promise<Library> {
  const koffi = await importKoffi();
  const path = given ?? process.env.EVENKEEL_MPI ?? pathBesideLauncher(process) ?? LIBRARY;
  for (const [name, value] of Object.entries(UCX_SETTINGS)) process.env[name] ??= value;
  const opened = open(koffi, path);
  const find = (name: string, parameters: string) =>
    opened.func(`int ${name}(${parameters})`) as unknown as MpiFunction;
  checkAbi(path, find);
  const errorString = find('MPI_Error_string', 'int, _Out_ char *, _Out_ int *');
  return {
    path,
    find,
    allocate(byteLength) {
      const address = koffi.alloc('uint8_t', byteLength) as bigint;
      return { address, bytes: koffi.view(address, byteLength) };
    },
    check(code, name) {
      if (code === 0) return;
      const text = new Uint8Array(512); // MPI_MAX_ERROR_STRING
      const length = [0];
      errorString(code, text, length);
      throw new Error(`${name} failed: ${new TextDecoder().decode(text.subarray(0, length[0]))}`);
    },
  };
}

async function importKoffi(): Promise<typeof Koffi> {
  try {
    return await import('koffi');
  } catch (error) {
    throw new Error(
      `'evenkeel/mpi' calls MPI by the package koffi, which could not be loaded: npm install koffi. It also needs an MPI ` +
        `library with the standard ABI of MPI 5. ${HOW_TO_INSTALL}`,
      { cause: error },
    );
  }
}

/** The one beside the first `mpiexec` on PATH, if it is there: what starts the processes must be of the same MPI. */
function pathBesideLauncher(process: NodeProcess): string | undefined {
  const { existsSync } = builtinModule('node:fs') as {
    existsSync: (path: string) => boolean;
  };
  const folder = process.env.PATH?.split(':').find((one) => existsSync(`${one}/mpiexec`));
  const path = folder && `${folder}/../lib/${LIBRARY}`;
  return path && existsSync(path) ? path : undefined;
}

function open(koffi: typeof Koffi, path: string) {
  try {
    return koffi.load(path);
  } catch (error) {
    throw new ValueError(
      `The MPI library '${path}' could not be loaded: ${messageOf(error)}. It takes one with the standard ABI of ` +
        `MPI 5. ${HOW_TO_INSTALL}`,
      { cause: error },
    );
  }
}

/** Another ABI has other handles, at which its functions would crash. */
function checkAbi(path: string, find: Library['find']): void {
  const [major, minor] = [[-1], [-1]];
  try {
    find('MPI_Abi_get_version', '_Out_ int *, _Out_ int *')(major, minor);
  } catch {
    // Before MPI 5 there is no such function.
  }
  const version = major[0]!;
  if (version !== 1) {
    const newer = version > 1 ? ` in its version 1, but in ${version}` : '';
    throw new ValueError(
      `The library '${path}' is not an MPI with the standard ABI of MPI 5${newer}. ` +
        `Open MPI is to have it from version 6.0. ${HOW_TO_INSTALL}`,
    );
  }
}
