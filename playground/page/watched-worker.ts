/**
 * @file A worker that is watched: it may hang, crash or run out of memory, whatever it was given, and the page ends it,
 * refuses what waits for it, and can begin another.
 */
import type { BirpcReturn } from 'birpc';
import workerAddress from '../worker.ts?worker&url';
import { type WorkerName, ALIVE_INTERVAL, connect } from '../shared/connection.js';
import { makeWorker } from '../shared/make-worker.js';

/** Seconds without a message, of which a worker sends one a second while it is not computing, until it is ended. */
const PATIENCE = 60;

export class WatchedWorker<Theirs extends object, Ours extends object> {
  /** What can be asked of it. When it is ended, what waits for an answer is refused. */
  readonly functions: BirpcReturn<Theirs, Ours>;
  readonly #worker: Worker;
  readonly #watch: ReturnType<typeof setInterval>;
  #isEnded = false;

  /**
   * @param functions what it may call
   * @param onFailure is told why it was ended, where nobody asked for it
   */
  constructor(name: WorkerName, functions: Ours, onFailure: (reason: string) => void) {
    this.#worker = makeWorker(name, new URL(workerAddress, location.href).href);
    this.functions = connect<Theirs, Ours>(this.#worker, functions);
    const fail = (reason: string) => {
      if (this.#isEnded) return;
      this.end(reason);
      onFailure(reason);
    };
    let silence = 0;
    this.#worker.addEventListener('message', () => {
      silence = 0;
    });
    this.#worker.addEventListener('error', (event) => {
      event.preventDefault();
      fail(`The ${name} failed: ${event.message || 'its script could not be loaded'}.`);
    });
    // Counted, since a machine that slept would find a long time gone by.
    this.#watch = setInterval(() => {
      silence += ALIVE_INTERVAL / 1000;
      if (silence >= PATIENCE)
        fail(`The ${name} gave no sign of life for ${PATIENCE} seconds and was stopped.`);
    }, ALIVE_INTERVAL);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Ends it, whatever it does. */
  end(reason: string): void {
    this.#isEnded = true;
    clearInterval(this.#watch);
    this.#worker.terminate();
    this.functions.$close(new Error(reason));
  }
}
