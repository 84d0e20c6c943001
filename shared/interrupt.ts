/** @file Ctrl-C. */

/** Ctrl-C may arrive twice, from the terminal and from npm, which passes it on; a second press comes later than that. */
const SECOND_PRESS_MS = 1000;

/** Aborted by the first Ctrl-C; the second one ends the process at once. */
export function listenForCtrlC(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) return;
    controller.abort();
    setTimeout(() => process.off('SIGINT', stop), SECOND_PRESS_MS).unref();
  };
  process.on('SIGINT', stop);
  return controller.signal;
}
