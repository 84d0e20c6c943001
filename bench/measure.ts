/** @file Times contenders side by side: all warm, in turn, medians. Speed is a ratio within one run, nothing else. */

/** Something that can be called over and over. */
export type Contender = () => void;

/** How long to measure. */
export interface Effort {
  /** Calls and milliseconds before anything counts. */
  warmCalls: number;
  warmMs: number;
  /** Milliseconds of counted calls, shared by all contenders, and the least number of calls of each. */
  measureMs: number;
  minCalls: number;
}

/** For work of less than a millisecond, which the compiler needs hundreds of calls to like. */
export const SMALL: Effort = { warmCalls: 500, warmMs: 300, measureMs: 2000, minCalls: 50 };
/** For work of milliseconds to seconds. */
export const LARGE: Effort = { warmCalls: 2, warmMs: 300, measureMs: 4000, minCalls: 3 };

export const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/**
 * The median milliseconds of each contender. A fast one is called more often in its turn than a slow one.
 *
 * @param around runs a contender's turn, with what it needs; that is not timed
 */
export function race<Name extends string>(
  contenders: Record<Name, Contender>,
  effort: Effort,
  around: (name: Name, turn: () => void) => void = (_, turn) => {
    turn();
  },
): Record<Name, number> {
  const entries = Object.entries(contenders) as [Name, Contender][];
  const once = (contender: Contender) => {
    const start = performance.now();
    contender();
    return performance.now() - start;
  };
  const turns = new Map<Name, number>();
  const times = Object.fromEntries(entries.map(([name]) => [name, [] as number[]])) as Record<Name, number[]>;
  for (const [name, contender] of entries) {
    const until = performance.now() + effort.warmMs;
    let last = 0;
    around(name, () => {
      for (let call = 0; call < effort.warmCalls || performance.now() < until; call++) last = once(contender);
    });
    turns.set(name, Math.max(1, Math.min(20, Math.round(20 / Math.max(last, 0.1)))));
  }
  const until = performance.now() + effort.measureMs;
  do {
    for (const [name, contender] of entries) {
      around(name, () => {
        for (let turn = 0; turn < turns.get(name)!; turn++) times[name].push(once(contender));
      });
    }
  } while (performance.now() < until || entries.some(([name]) => times[name].length < effort.minCalls));
  return Object.fromEntries(entries.map(([name]) => [name, median(times[name])])) as Record<Name, number>;
}
