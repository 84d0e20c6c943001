/** @file At which steps of a training the experiment and the playground measure. */

/** Often while accuracies rise fast, seldom later: a measurement costs as much as ten steps. */
export function isMeasured(step: number): boolean {
  if (step <= 100) return step % 10 === 0;
  if (step <= 1000) return step % 25 === 0;
  return step % 100 === 0;
}
