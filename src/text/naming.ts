/** @file Names as Python and as JavaScript write them. */

/** `moving_mean` as `movingMean`. */
export const camelCase = (text: string): string =>
  // From the first of several underscores only: from each of them, a long row would take the square of its length.
  text.replace(/(?<!_)_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** `movingMean` as `moving_mean`. */
export const snakeCase = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
