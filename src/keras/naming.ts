/** @file Names as Keras' archives write them. */

/** The folder of a layer in a `.keras` archive is named after its class: `BatchNormalization`, `batch_normalization`. */
export const folderName = (className: string): string =>
  className
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
