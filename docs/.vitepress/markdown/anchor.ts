/** @file The anchor of a heading, which the site and GitHub name alike. */

/** As GitHub makes it: letters of any alphabet, digits, `_`, `-`. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
