/** @file How the command ends. */
export const EXIT_CODES = {
  done: 0,
  usage: 2,
  badInput: 3,
  fault: 70,
  interrupted: 130,
} as const;
