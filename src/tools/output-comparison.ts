/** @file How a model's output changes between training and inference mode. */
import type { OutputGap } from './findings.js';
import { Population } from './population.js';

/** Compares an output in inference mode with the same in training mode. */
export class OutputComparison {
  #count = 0;
  #squaredDifference = 0;
  #largest = 0;
  /** Of the output in inference mode. */
  readonly #values = new Population(1, false);
  #rows = 0;
  #agreeing = 0;

  constructor(private readonly name: string) {}

  add(inference: ArrayLike<number>, training: ArrayLike<number>, shape: readonly number[]): void {
    this.#count += inference.length;
    const count = inference.length;
    const mean = Array.from(inference).reduce((total, value) => total + value / count, 0);
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const difference = training[i]! - inference[i]!;
      this.#squaredDifference += difference * difference;
      this.#largest = Math.max(this.#largest, Math.abs(difference));
      squares += (inference[i]! - mean) ** 2;
    }
    this.#values.add([
      {
        count: Float64Array.of(count),
        mean: Float64Array.of(mean),
        variance: Float64Array.of(squares / count),
      },
    ]);
    const columns = shape.length === 2 ? shape[1]! : 1;
    if (columns < 2) return;
    for (let start = 0; start < count; start += columns) {
      this.#rows++;
      if (largestAt(inference, start, columns) === largestAt(training, start, columns)) this.#agreeing++;
    }
  }

  /** null where values were not finite, or there were none. */
  result(): OutputGap | null {
    if (this.#count === 0 || !Number.isFinite(this.#squaredDifference)) return null;
    const deviation = Math.sqrt(this.#values.whole().variance[0]!);
    const difference = Math.sqrt(this.#squaredDifference / this.#count);
    if (deviation === 0) return null;
    return {
      output: this.name,
      relativeDifference: difference / deviation,
      largestDifference: this.#largest,
      agreement: this.#rows > 0 ? this.#agreeing / this.#rows : null,
    };
  }
}

function largestAt(values: ArrayLike<number>, start: number, length: number): number {
  let largest = 0;
  for (let i = 1; i < length; i++) if (values[start + i]! > values[start + largest]!) largest = i;
  return largest;
}
