/** @file Shows on stderr how far the run is: a bar in a terminal, a line now and then elsewhere. */
import { SingleBar } from 'cli-progress';
import { formatCount, formatPercent } from './results.js';
import type { Measurement } from './train.js';

export interface ProgressDisplay {
  /** After so many steps, with the latest measurement. */
  update(step: number, latest: Measurement): void;
  stop(): void;
}

/** Between lines, where there is no terminal. */
const LINE_INTERVAL_MS = 10_000;

/** What both displays say, besides how far the run is; with the bar it fills a line of 80 characters. */
function describe(step: number, latest: Measurement, startedMs: number): string {
  const speed = (1000 * step) / Math.max(1, performance.now() - startedMs);
  const [normalized, plain] = [latest.normalized, latest.plain].map(({ accuracy }) =>
    formatPercent(accuracy),
  );
  return `${speed.toFixed(0)}/s · accuracy ${normalized!} with, ${plain!} without`;
}

function showBar(steps: number): ProgressDisplay {
  const started = performance.now();
  const bar = new SingleBar({
    format: '{bar} {value}/{total} steps · {text}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 15,
    fps: 5,
    stream: process.stderr,
  });
  bar.start(steps, 0, { text: 'measuring' });
  return {
    update(step, latest) {
      bar.update(step, { text: describe(step, latest, started) });
    },
    stop() {
      bar.stop();
    },
  };
}

function writeLines(steps: number): ProgressDisplay {
  const started = performance.now();
  let writtenAt = started;
  return {
    update(step, latest) {
      if (performance.now() - writtenAt < LINE_INTERVAL_MS) return;
      writtenAt = performance.now();
      const text = describe(step, latest, started);
      process.stderr.write(`${formatCount(step)} of ${formatCount(steps)} steps · ${text}\n`);
    },
    stop: () => undefined,
  };
}

export function showProgress(steps: number, isQuiet: boolean): ProgressDisplay {
  if (isQuiet) return { update: () => undefined, stop: () => undefined };
  return process.stderr.isTTY ? showBar(steps) : writeLines(steps);
}
