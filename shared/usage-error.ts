/** @file What a user can fix: one message, without a stack, and an exit code of its own. */

/** A command line that cannot be followed. What files hold and what they lack is a `ValueError`. */
export class UsageError extends Error {}
