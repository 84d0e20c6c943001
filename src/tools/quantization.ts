/**
 * @file Whether weights were quantized: TF.js' converter writes a weight as whole numbers of 8 or 16 bits, a least value
 * and a step. A model that has been loaded no longer says so, but its numbers do.
 */

export interface Quantization {
  readonly bits: 8 | 16;
  /** The distance between neighbouring values. */
  readonly step: number;
}

/** How far from a whole number of steps float32 and the rounding of the step may put a value, in steps. */
const TOLERANCES = { 8: 1e-3, 16: 2e-2 } as const;

/**
 * How many different values there must be between the least and the largest. Numbers at random all lie so near to whole
 * steps with a probability of 0.002⁴ and 0.04⁴, which is 3e-6.
 */
export const FEWEST_VALUES = 4;

/** null where the numbers do not look quantized, or are too few to say. */
export function quantizationOf(values: Float64Array): Quantization | null {
  const known = [...new Set(values)].sort((a, b) => a - b);
  const [least, most] = [known[0]!, known.at(-1)!];
  if (known.length < FEWEST_VALUES + 2 || !Number.isFinite(most - least)) return null;
  for (const bits of [8, 16] as const) {
    const step = (most - least) / (2 ** bits - 1);
    const isWhole = (value: number) => {
      const steps = (value - least) / step;
      return Math.abs(steps - Math.round(steps)) < TOLERANCES[bits];
    };
    if (known.every(isWhole)) return { bits, step };
  }
  return null;
}
