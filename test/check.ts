/** @file Checks that work in a page as in Node: what does not hold is thrown. */

/** Throws `message` unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Throws unless both are the same as JSON has them. */
export function checkSame(got: unknown, want: unknown, what: string): void {
  const [gotText, wantText] = [JSON.stringify(got), JSON.stringify(want)];
  check(gotText === wantText, `${what}: ${gotText}, not ${wantText}`);
}
