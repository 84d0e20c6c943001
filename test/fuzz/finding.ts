/** @file What counts as a fault, and which faults are the same. */

export interface Finding {
  /** The same for faults that have the same cause, as far as one can tell. */
  readonly signature: string;
  readonly what: string;
}

/** Longer messages show more of a file than anyone reads. */
const LONGEST_MESSAGE = 4000;
const SHORTEST_MESSAGE = 15;

/** A message without what a file brought into it. */
export const patternOf = (message: string): string =>
  message
    .replace(/'(?:[^'\n]|'(?=\w))*'|"[^"\n]*"|«[^»]*»/g, '…')
    .replace(/\[[^\]\n]*\]/g, '[…]')
    .replace(/-?\d[\d.,e+]*/g, '#')
    .slice(0, 160);

const FRAME = /^\s*at (?:async )?(?:([^\s(]+) \()?.*?\/((?:src|cli|shared|node_modules)\/[^):]+)/;

/** The innermost functions of a stack, by their names and files, without lines. */
export function framesIn(stack: readonly string[], count = 2): string {
  const frames = stack.flatMap((line) => {
    const [, name = '', file = ''] = FRAME.exec(line) ?? [];
    return file === '' ? [] : [`${name} ${file.replace(/^node_modules\/(?:\.[^/]*\/)?/, '')}`.trim()];
  });
  const own = frames.filter((frame) => /(?:^| )(?:src|cli|shared)\//.test(frame));
  return [...new Set([...frames.slice(0, 1), ...own.slice(0, count)])].join(' < ');
}

const isValueError = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'ValueError';

/** What is wrong with how something was refused; null where nothing is. */
export function faultOfRefusal(step: string, error: unknown): Finding | null {
  if (!(error instanceof Error)) {
    return { signature: `${step}: not an Error`, what: `${step} threw ${typeof error}: ${String(error)}` };
  }
  const { name, message, stack = '' } = error;
  if (!isValueError(error)) {
    const where = framesIn(stack.split('\n'));
    return {
      signature: `${step}: ${name}: ${patternOf(message)} at ${where}`,
      what: `${step} threw ${stack.slice(0, 3000)}`,
    };
  }
  const where = framesIn(stack.split('\n'), 1);
  if (message.length > LONGEST_MESSAGE) {
    return {
      signature: `${step}: a long message at ${where}`,
      what: `${step}: a message of ${message.length} characters: ${message.slice(0, 300)}…`,
    };
  }
  if (message.trim().length < SHORTEST_MESSAGE) {
    return {
      signature: `${step}: an empty message at ${where}`,
      what: `${step}: the message is ${JSON.stringify(message)}`,
    };
  }
  return null;
}
