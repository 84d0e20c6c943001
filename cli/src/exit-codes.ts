/** @file How the command ends, and what each number means: its help and its documentation are made of this. */

export const EXIT_CODES = {
  done: 0,
  found: 1,
  usage: 2,
  badInput: 3,
  fault: 70,
  interrupted: 130,
} as const;

/** What each exit code says, in the order of the numbers. */
export const EXIT_CODE_MEANINGS: readonly (readonly [codes: string, meaning: string])[] = [
  [`${EXIT_CODES.done}`, 'done'],
  [
    `${EXIT_CODES.found}`,
    'inspect made a finding as severe as --fail-on says, or --compatibility says that the model does not load',
  ],
  [`${EXIT_CODES.usage}`, 'the command line is wrong'],
  [
    `${EXIT_CODES.badInput}`,
    'a file is missing, is damaged, does not fit or cannot be written; a model to fold gives NaN or infinity; moments are ' +
      'missing or do not belong together; standard output cannot be written',
  ],
  [`${EXIT_CODES.fault}`, "a fault of evenkeel's own, or of TensorFlow.js"],
  [`129, ${EXIT_CODES.interrupted}, 143`, 'stopped by SIGHUP, Ctrl-C or SIGTERM; nothing was written'],
];
