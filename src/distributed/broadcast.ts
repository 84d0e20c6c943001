/** @file Gives all ranks what one of them has, by sums in which the others have zeros. */
import { type Group, makeMessage } from '../group/group.js';

/**
 * @param what is sent, for messages
 * @param numbers of this rank, as many as on the root
 * @param root the rank whose numbers all ranks get
 */
export function broadcastNumbers(
  group: Group,
  what: string,
  numbers: ArrayLike<number>,
  root: number,
): Float64Array {
  const message = makeMessage(numbers.length);
  if (group.rank === root) message.set(numbers);
  return group.sum(`${what} of rank ${root}`, message);
}

/** The text of the rank `root`; those of the others may have another length. */
export function broadcastText(group: Group, what: string, text: string, root: number): string {
  const length = broadcastNumbers(group, `the length of ${what}`, [text.length], root)[0]!;
  const codes = Float64Array.from({ length }, (_, i) => text.charCodeAt(i));
  return Array.from(broadcastNumbers(group, what, codes, root), (code) => String.fromCharCode(code)).join('');
}
