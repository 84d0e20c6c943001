/** @file What reading says where it refuses. */
import { ValueError } from 'evenkeel';
import { expect } from 'vitest';

/** The message of the ValueError by which something is refused. */
export async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ValueError);
  return (error as ValueError).message;
}
