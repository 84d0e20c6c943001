/** @file Shows on a terminal how far a tool is. */
import { SingleBar } from 'cli-progress';
import type { Progress } from 'evenkeel/tools';
import type { Terminal } from './terminal.js';
import { escapeControls } from '../../src/text/show.js';

const LONGEST_STEP = 40;

/** Shows how far a tool is, for as long as `use` takes. */
export async function withProgress<T>(
  { progress: stream }: Terminal,
  isQuiet: boolean | undefined,
  use: (onProgress: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  if (isQuiet || !stream) return use(() => undefined);
  const bar = new SingleBar({
    format: '{bar} {value}/{total} · {step}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 20,
    fps: 5,
    clearOnComplete: true,
    stream,
  });
  bar.start(1, 0, { step: '' });
  try {
    return await use(({ done, total, step }) => {
      if (total !== null) bar.setTotal(total);
      bar.update(done, { step: escapeControls(step).slice(0, LONGEST_STEP) });
    });
  } finally {
    bar.stop();
  }
}
