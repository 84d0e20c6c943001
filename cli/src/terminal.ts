/** @file What the command reads from and writes to, and what can be shown there. */
import type { WriteStream } from 'node:tty';

type Style = 'bold' | 'red' | 'yellow' | 'cyan';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  red: [31, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

export interface Terminal {
  /** What comes in where that is no person at a keyboard; null where it is. */
  readonly input: () => NodeJS.ReadableStream | null;
  /** Writes what was asked for. */
  readonly out: (text: string) => void;
  /** Writes what a person should know beside it. */
  readonly note: (text: string) => void;
  /** Where a progress bar goes; null where there is nobody to watch one. */
  readonly progress: NodeJS.WriteStream | null;
  /** In colour, where that is shown; as it is elsewhere. */
  readonly paint: (style: Style, text: string) => string;
  /** How many characters a line has room for. */
  readonly width: number;
}

const UNKNOWN_WIDTH = 100;

/** The process' own streams. Colours only where a person looks, and has not set NO_COLOR. */
export function standardTerminal(): Terminal {
  const { stdout, stderr } = process;
  // Streams that are no terminals lack this method. It knows of NO_COLOR, FORCE_COLOR and TERM=dumb.
  const hasColors = (stdout as Partial<WriteStream>).hasColors?.() ?? false;
  return {
    input: () => (process.stdin.isTTY ? null : process.stdin),
    out: (text) => stdout.write(text),
    note: (text) => stderr.write(text),
    progress: stderr.isTTY ? stderr : null,
    paint: (style, text) =>
      hasColors ? `\u001b[${CODES[style][0]}m${text}\u001b[${CODES[style][1]}m` : text,
    width: stdout.isTTY ? stdout.columns : UNKNOWN_WIDTH,
  };
}
