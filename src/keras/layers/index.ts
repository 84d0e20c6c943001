/** @file Keras' layers that TF.js lacks or computes otherwise, made by functions as in `tf.layers`. */
export { autoContrast } from './auto-contrast.js';
export { categoryEncoding } from './category-encoding.js';
export { centerCrop } from './center-crop.js';
export { discretization } from './discretization.js';
export { hashedCrossing, hashing } from './hashing.js';
export { integerLookup, stringLookup } from './lookup.js';
export { normalization } from './normalization.js';
export { randomBrightness } from './random-brightness.js';
export { randomContrast } from './random-contrast.js';
export { randomCrop } from './random-crop.js';
export { randomFlip } from './random-flip.js';
export { randomHeight, randomWidth } from './random-size.js';
export { randomRotation } from './random-rotation.js';
export { randomTranslation } from './random-translation.js';
export { randomZoom } from './random-zoom.js';
export { resizing } from './resizing.js';
export { additiveAttention, attention } from './attention.js';
export { einsumDense } from './einsum-dense.js';
export { groupedQueryAttention } from './grouped-query-attention.js';
export { multiHeadAttention } from './multi-head-attention.js';
export { bidirectional } from './bidirectional.js';
export { convLstm1d, convLstm2d, convLstm3d } from './conv-lstm.js';
export { gru, gruCell } from './gru.js';
export { lstm, lstmCell } from './lstm.js';
export { masking } from './masking.js';
export { rnn } from './rnn.js';
export { simpleRNN, simpleRNNCell } from './simple-rnn.js';
export { stackedRNNCells } from './stacked-rnn-cells.js';
export { subtract } from './subtract.js';
export { textVectorization } from './text-vectorization.js';
export { elu } from './elu.js';
export { relu } from './relu.js';
export { prelu } from './prelu.js';
export { thresholdedRelu } from './thresholded-relu.js';
export { cropping1d, cropping3d } from './cropping.js';
export { customScaleLayer, layerScale, stochasticDepth } from './applications.js';
export {
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
} from './global-pooling.js';
export { flatten } from './flatten.js';
export { identity } from './identity.js';
export { spatialDropout2d, spatialDropout3d } from './spatial-dropout.js';
export { unitNormalization } from './unit-normalization.js';
export { upSampling1d, upSampling2d, upSampling3d } from './up-sampling.js';
export { zeroPadding1d, zeroPadding3d } from './zero-padding.js';
export { operation } from '../operations/operation.js';
export {
  adaptiveAveragePooling1d,
  adaptiveAveragePooling2d,
  adaptiveAveragePooling3d,
  adaptiveMaxPooling1d,
  adaptiveMaxPooling2d,
  adaptiveMaxPooling3d,
} from './adaptive-pooling.js';
export { groupNormalization } from './group-normalization.js';
export { layerNormalization } from './layer-normalization.js';
export {
  averagePooling1d,
  averagePooling2d,
  averagePooling3d,
  maxPooling1d,
  maxPooling3d,
} from './pooling.js';
export { rmsNormalization } from './rms-normalization.js';
export { softmax } from './softmax.js';
export { conv1d, conv2d, conv3d } from './convolution.js';
export { depthwiseConv1d, depthwiseConv2d } from './depthwise-convolution.js';
export { separableConv1d, separableConv2d } from './separable-convolution.js';
export { conv1dTranspose, conv2dTranspose, conv3dTranspose } from './transposed-convolution.js';
export { activityRegularization } from './activity-regularization.js';
