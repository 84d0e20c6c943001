/** @file Shows on a terminal how far a tool is. */
import { SingleBar } from 'cli-progress';
import type { Progress } from 'evenkeel/tools';
import type { Terminal } from './terminal.js';
import { escapeControls } from '../../src/text/show.js';

export interface ProgressDisplay {
  readonly onProgress: (progress: Progress) => void;
  readonly stop: () => void;
}

const LONGEST_STEP = 40;

export function showProgress({ progress: stream }: Terminal, isQuiet = false): ProgressDisplay {
  if (isQuiet || !stream) return { onProgress: () => undefined, stop: () => undefined };
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
  return {
    onProgress(progress) {
      if (progress.total !== null) bar.setTotal(progress.total);
      bar.update(progress.done, { step: escapeControls(progress.step).slice(0, LONGEST_STEP) });
    },
    stop() {
      bar.stop();
    },
  };
}
