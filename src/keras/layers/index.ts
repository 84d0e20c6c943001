/** @file Keras' layers that TF.js lacks or computes otherwise, made by functions as in `tf.layers`. */
export { subtract } from './subtract.js';
