/** @file What every tool takes beside its model: a way to stop it and a way to watch it. */

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
