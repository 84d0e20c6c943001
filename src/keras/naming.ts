/** @file Names as Python, TF.js and Keras' archives write them. */

export const camelCase = (text: string): string =>
  text.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const snakeCase = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The folder of a layer in a `.keras` archive is named after its class: `BatchNormalization`, `batch_normalization`. */
export const folderName = (className: string): string =>
  className
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
