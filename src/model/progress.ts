/** @file How long work is stopped and watched: tools at a model, and loading one. */

/** How far a tool has come. */
export interface Progress {
  /** Steps done. */
  readonly done: number;
  /** Steps in all, or null if unknown: a stream of batches has no length. */
  readonly total: number | null;
  /** What the step was about, for a person to read: a layer's name, a batch's number. */
  readonly step: string;
}

export interface ToolOptions {
  /** Stops the tool: it then throws the signal's reason and leaves the model as it was. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each step. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Lets timers and events, an abort among them, have their turn. */
export const breathe = () => new Promise<void>((resolve) => setTimeout(resolve));

/** For how many milliseconds a page may stand still: a frame at 30 Hz. */
const LONGEST_BLOCK = 30;

/** What lets others have their turn when enough time has gone since they had it. */
export function makeBreather(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > LONGEST_BLOCK) {
      await breathe();
      last = performance.now();
    }
    signal?.throwIfAborted();
  };
}
