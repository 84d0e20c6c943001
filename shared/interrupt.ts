/** @file Signals that ask a process to end: Ctrl-C, `kill`, a terminal that is closed. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ctrl-C may arrive twice, from the terminal and from npm, which passes it on; a second press comes later than that. */
const SECOND_PRESS_MS = 1000;

/** Why a process was asked to end, as the reason of an `AbortSignal`. */
export class Interruption extends Error {
  /** What shells make of a process that a signal ended: 130 for Ctrl-C. */
  readonly exitCode: number;

  constructor(signal: (typeof SIGNALS)[number]) {
    super(`Stopped by ${signal}.`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Aborted by the first signal; another one, later, ends the process at once. */
export function listenForSignals(): AbortSignal {
  const controller = new AbortController();
  let abortedAt = Infinity;
  for (const name of SIGNALS) {
    process.on(name, () => {
      const interruption = new Interruption(name);
      if (!controller.signal.aborted) {
        abortedAt = performance.now();
        controller.abort(interruption);
      } else if (performance.now() - abortedAt > SECOND_PRESS_MS) {
        process.exit(interruption.exitCode);
      }
    });
  }
  return controller.signal;
}
