/** @file Keras' layers that TF.js lacks or computes otherwise, made by functions as in `tf.layers`. */
export { autoContrast } from './auto-contrast.js';
export { centerCrop } from './center-crop.js';
export { randomBrightness } from './random-brightness.js';
export { randomContrast } from './random-contrast.js';
export { randomCrop } from './random-crop.js';
export { randomFlip } from './random-flip.js';
export { randomHeight, randomWidth } from './random-size.js';
export { randomRotation } from './random-rotation.js';
export { randomTranslation } from './random-translation.js';
export { randomZoom } from './random-zoom.js';
export { resizing } from './resizing.js';
export { subtract } from './subtract.js';
export { elu } from './elu.js';
export { relu } from './relu.js';
export { prelu } from './prelu.js';
export { thresholdedRelu } from './thresholded-relu.js';
