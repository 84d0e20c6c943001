/** @file Standard output and standard error, where what is behind them is full, or has gone away. */

/**
 * Has a process go on where nobody reads any more, as after `| head`, and say so where its output cannot be written, as
 * on a full disk.
 *
 * @param lost the exit code then
 * @returns makes the exit code of what the process would have ended with
 */
export function watchOutput(lost: number): (code: number) => number {
  let isLost = false;
  const exitCode = (code: number) => (isLost ? Math.max(code, lost) : code);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isLost) return;
    isLost = true;
    process.exitCode = exitCode(Number(process.exitCode ?? 0));
    process.stderr.write(`Standard output cannot be written: ${error.message}. What it got is not all.\n`);
  });
  // There is nowhere left to say so.
  process.stderr.on('error', () => undefined);
  return exitCode;
}
