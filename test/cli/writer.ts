/**
 * @file A process that writes models of eight shards to one place, one after the other, until it is ended:
 * `writer.ts PATH FIRST [deaf]`. It prints the number of each model that is written.
 */
import { writeSync } from 'node:fs';
import { Interruption, listenForSignals } from '../../shared/interrupt.js';
import { writeNumbered } from './numbered.js';

const [path, first, deaf] = process.argv.slice(2);
const signal = listenForSignals();
try {
  for (let number = Number(first); ; number++) {
    await writeNumbered(path!, number, deaf === undefined ? signal : undefined);
    // At once, so that a killed process has said all that it did.
    writeSync(1, `${number}\n`);
    if (deaf === undefined) signal.throwIfAborted();
  }
} catch (error) {
  if (!(error instanceof Interruption)) throw error;
  process.exitCode = error.exitCode;
}
