/** @file What a command gets beside its arguments. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from 'evenkeel/core';
import type { BackendSettings } from './options.js';
import type { Terminal } from './terminal.js';

export interface Context {
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C and other signals that ask the process to end. */
  readonly signal: AbortSignal;
  /** Called by a command that ends well, but with something to say to scripts. */
  readonly setExitCode: (code: number) => void;
}

/**
 * Loads a model from any file or address, for as long as `use` takes. TF.js takes a second to load, which is long for a refusal or
 * for help, so that nothing imports it before this.
 *
 * @throws ValueError where the file cannot be read; the message begins with `path`; the signal's reason where that is aborted
 */
export async function withModel<T>(
  path: string,
  settings: BackendSettings,
  signal: AbortSignal,
  use: (model: LayersModel) => Promise<T>,
): Promise<T> {
  return withTensorFlow(settings, async () => {
    const model = await load(path, settings, signal);
    try {
      return await use(model);
    } finally {
      model.dispose();
    }
  });
}

/** Starts TF.js, with the layers that a user's own modules register, for as long as `use` takes. */
export async function withTensorFlow<T>(
  { backend, import: modules = [] }: BackendSettings,
  use: () => Promise<T>,
): Promise<T> {
  const { importModules, startTensorFlow } = await import('./tensorflow.js');
  const stop = await startTensorFlow(backend);
  try {
    await importModules(modules);
    return await use();
  } finally {
    stop();
  }
}

async function load(
  path: string,
  { limit: limits }: BackendSettings,
  signal: AbortSignal,
): Promise<LayersModel> {
  const { loadKerasModel } = await import('evenkeel/keras');
  return naming(path, () => loadKerasModel(path, { limits, signal, compile: false }));
}

/** Has the message of a refusal begin with the path of the file that is refused. */
export async function naming<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ValueError) || error.message.includes(path)) throw error;
    throw new ValueError(`${path}: ${error.message}`, { cause: error });
  }
}
