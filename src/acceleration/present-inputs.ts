/** @file Inputs that TF.js is to save for the gradient, if they are there. */

/** Names of inputs to save, of which some may be absent: TF.js would save `undefined`, and fail. */
export class PresentInputs extends Array<string> {
  override map<T>(find: (name: string, i: number, names: string[]) => T): T[] {
    return Array.from(this, (name, i) => find(name, i, this)).filter((input) => input != null);
  }
}
