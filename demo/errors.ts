/** @file What a user can mend: told in one message, without a stack, and with an exit code of its own. */

/** A value on the command line that the experiment cannot be run with. */
export class UsageError extends Error {}

/** A data file that is missing or is not what it should be. */
export class DataError extends Error {}
