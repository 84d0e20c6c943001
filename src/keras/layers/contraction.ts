/**
 * @file Einstein's sums of two tensors, as products of matrices: TF.js has them on no more than two backends, and without
 * gradients.
 */
import { type Tensor, matMul, reshape, transpose } from '@tensorflow/tfjs-core';
import { show } from '../../text/show.js';
import { ValueError } from '../../text/value-error.js';

/** The letters of an equation such as `abc,cd->abd`. */
export interface Equation {
  readonly left: string;
  readonly right: string;
  readonly output: string;
}

/**
 * Reads an equation; the three dots stand for what else the left has, which the output has too, before or behind all.
 *
 * @param rank of the left
 * @throws ValueError for what is no equation of two tensors
 */
export function readEquation(text: string, rank: number): Equation {
  const [, left, right, output] =
    /^([a-zA-Z.]+),([a-zA-Z]+)->([a-zA-Z.]+)$/.exec(text.replaceAll(' ', '')) ?? [];
  if (left === undefined) {
    throw new ValueError(`equation: expected one such as 'abc,cd->abd', received ${show(text)}.`);
  }
  const letters = left.replace('...', '').length;
  const others = [...Array(Math.max(0, rank - letters)).keys()].map((i) => OTHERS[i]).join('');
  const spell = (part: string) => part.replace('...', others);
  const equation = { left: spell(left), right: right!, output: spell(output!) };
  check(text, equation, rank);
  return equation;
}

/** Letters that equations of Keras do not use. */
const OTHERS = 'ZYXWVU';

function check(text: string, { left, right, output }: Equation, rank: number): void {
  const refuse = (reason: string): never => {
    throw new ValueError(`equation: ${show(text)} ${reason}.`);
  };
  if (left.length !== rank) refuse(`takes an input of rank ${left.length}, received one of rank ${rank}`);
  for (const letters of [left, right, output]) {
    if (letters.includes('.') || new Set(letters).size < letters.length)
      refuse('has a letter twice in one tensor');
  }
  const all = new Set(left + right);
  if (Array.from(output).some((letter) => !all.has(letter))) refuse('gives a letter that it does not take');
  const isLost = (letter: string, other: string) => !other.includes(letter) && !output.includes(letter);
  if (Array.from(left).some((l) => isLost(l, right)) || Array.from(right).some((l) => isLost(l, left))) {
    refuse('has a letter in one tensor alone');
  }
}

/** Sums products of two tensors over the letters that the output does not have. */
export function contract({ left, right, output }: Equation, a: Tensor, b: Tensor): Tensor {
  const inBoth = Array.from(left).filter((letter) => right.includes(letter));
  const batch = inBoth.filter((letter) => output.includes(letter));
  const summed = inBoth.filter((letter) => !output.includes(letter));
  const rows = Array.from(left).filter((letter) => !right.includes(letter));
  const columns = Array.from(right).filter((letter) => !left.includes(letter));
  const sizes = new Map([
    ...Array.from(left).map((letter, i) => [letter, a.shape[i]!] as const),
    ...Array.from(right).map((letter, i) => [letter, b.shape[i]!] as const),
  ]);
  const sizeOf = (letters: readonly string[]) =>
    letters.reduce((product, letter) => product * sizes.get(letter)!, 1);
  const arrange = (x: Tensor, from: string, first: string[], second: string[]) =>
    reshape(reorder(x, from, [...batch, ...first, ...second]), [
      sizeOf(batch),
      sizeOf(first),
      sizeOf(second),
    ]);
  const product = matMul(arrange(a, left, rows, summed), arrange(b, right, summed, columns));
  const letters = [...batch, ...rows, ...columns];
  const apart = reshape(
    product,
    letters.map((letter) => sizes.get(letter)!),
  );
  return reorder(apart, letters.join(''), Array.from(output));
}

function reorder(x: Tensor, from: string, to: readonly string[]): Tensor {
  const order = to.map((letter) => from.indexOf(letter));
  return order.every((axis, i) => axis === i) ? x : transpose(x, order);
}
