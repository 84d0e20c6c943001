/** @file A trial with faults in it, which the runner has to see. What is done is what the file says. */
import type { Case } from './cases.js';
import { type Finding, faultOfRefusal } from './finding.js';
import type { Step } from './trial.js';

const held: unknown[] = [];

const FAULTS: Record<string, () => void> = {
  hang: () => {
    for (;;) if (held.length > 1e9) break;
  },
  heap: () => {
    for (;;) held.push(new Array(1000).fill(0.5));
  },
  bytes: () => {
    held.push(new Uint8Array(500e6).fill(1));
  },
  exit: () => {
    process.exit(9);
  },
  rejection: () => {
    void Promise.reject(new Error('nobody waits for this'));
  },
};

export async function tryCase(one: Case, _folder: string, tell: Step): Promise<Finding[]> {
  const text = new TextDecoder().decode(one.files[0]!.bytes);
  tell('do as the file says');
  for (const [word, fault] of Object.entries(FAULTS)) if (text.includes(word)) fault();
  // Never, if the file says so.
  await new Promise<void>((resolve) => {
    if (!text.includes('wait')) resolve();
  });
  const refusal = text.includes('throw') ? faultOfRefusal('read', new RangeError('too deep')) : null;
  return refusal ? [refusal] : [];
}
