/** @file Which classes this folder has, and how TF.js comes to build them. */
import { BatchNormalization } from '../../layer/batch-normalization.js';
import { registerClasses } from '../../model/registered-classes.js';
import { AutoContrast } from './auto-contrast.js';
import { CategoryEncoding } from './category-encoding.js';
import { CenterCrop } from './center-crop.js';
import { CustomScaleLayer, LayerScale, StochasticDepth } from './applications.js';
import { Cropping1D, Cropping3D } from './cropping.js';
import {
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling3D,
} from './global-pooling.js';
import { Flatten } from './flatten.js';
import { Masking } from './masking.js';
import { Identity } from './identity.js';
import { SpatialDropout2D, SpatialDropout3D } from './spatial-dropout.js';
import { UnitNormalization } from './unit-normalization.js';
import { UpSampling1D, UpSampling2D, UpSampling3D } from './up-sampling.js';
import { ZeroPadding1D, ZeroPadding3D } from './zero-padding.js';
import { Discretization } from './discretization.js';
import { Operation } from '../operations/operation.js';
import {
  AdaptiveAveragePooling1D,
  AdaptiveAveragePooling2D,
  AdaptiveAveragePooling3D,
  AdaptiveMaxPooling1D,
  AdaptiveMaxPooling2D,
  AdaptiveMaxPooling3D,
} from './adaptive-pooling.js';
import { GroupNormalization } from './group-normalization.js';
import { LayerNormalization } from './layer-normalization.js';
import {
  AveragePooling1D,
  AveragePooling2D,
  AveragePooling3D,
  MaxPooling1D,
  MaxPooling3D,
} from './pooling.js';
import { RMSNormalization } from './rms-normalization.js';
import { Softmax } from './softmax.js';
import { ActivityRegularization } from './activity-regularization.js';
import type { KerasLayerClass } from './keras-layer.js';
import { HashedCrossing, Hashing } from './hashing.js';
import { IntegerLookup, StringLookup } from './lookup.js';
import { Normalization } from './normalization.js';
import { RandomBrightness } from './random-brightness.js';
import { RandomContrast } from './random-contrast.js';
import { RandomCrop } from './random-crop.js';
import { RandomFlip } from './random-flip.js';
import { RandomRotation } from './random-rotation.js';
import { RandomHeight, RandomWidth } from './random-size.js';
import { RandomTranslation } from './random-translation.js';
import { RandomZoom } from './random-zoom.js';
import { Resizing } from './resizing.js';
import { AdditiveAttention, Attention } from './attention.js';
import { EinsumDense } from './einsum-dense.js';
import { GroupedQueryAttention } from './grouped-query-attention.js';
import { MultiHeadAttention } from './multi-head-attention.js';
import { Bidirectional } from './bidirectional.js';
import { ConvLSTM1D, ConvLSTM2D, ConvLSTM3D } from './conv-lstm.js';
import { GRU, GRUCell } from './gru.js';
import { LSTM, LSTMCell } from './lstm.js';
import { RNN } from './rnn.js';
import { SimpleRNN, SimpleRNNCell } from './simple-rnn.js';
import { StackedRNNCells } from './stacked-rnn-cells.js';
import { Subtract } from './subtract.js';
import { TextVectorization } from './text-vectorization.js';
import { UNDRAWN } from './undrawn.js';
import { ACTIVATION_CLASSES } from '../activations.js';
import { Conv1D, Conv2D, Conv3D } from './convolution.js';
import { DepthwiseConv1D, DepthwiseConv2D } from './depthwise-convolution.js';
import { SeparableConv1D, SeparableConv2D } from './separable-convolution.js';
import { Conv1DTranspose, Conv2DTranspose, Conv3DTranspose } from './transposed-convolution.js';
import { ELU } from './elu.js';
import { PReLU } from './prelu.js';
import { ReLU } from './relu.js';
import { ThresholdedReLU } from './thresholded-relu.js';

const CLASSES: readonly KerasLayerClass[] = [
  // One a line.
  ActivityRegularization,
  AdaptiveAveragePooling1D,
  AdaptiveAveragePooling2D,
  AdaptiveAveragePooling3D,
  AdaptiveMaxPooling1D,
  AdaptiveMaxPooling2D,
  AdaptiveMaxPooling3D,
  GroupNormalization,
  LayerNormalization,
  AveragePooling1D,
  AveragePooling2D,
  AveragePooling3D,
  MaxPooling1D,
  MaxPooling3D,
  RMSNormalization,
  Softmax,
  Cropping1D,
  Cropping3D,
  CustomScaleLayer,
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling3D,
  Flatten,
  Identity,
  LayerScale,
  Masking,
  SpatialDropout2D,
  SpatialDropout3D,
  StochasticDepth,
  UnitNormalization,
  UpSampling1D,
  UpSampling2D,
  UpSampling3D,
  ZeroPadding1D,
  ZeroPadding3D,
  Operation,
  AdditiveAttention,
  Attention,
  Bidirectional,
  EinsumDense,
  GroupedQueryAttention,
  MultiHeadAttention,
  ConvLSTM1D,
  ConvLSTM2D,
  ConvLSTM3D,
  GRU,
  GRUCell,
  LSTM,
  LSTMCell,
  RNN,
  SimpleRNN,
  SimpleRNNCell,
  StackedRNNCells,
  Subtract,
  AutoContrast,
  CategoryEncoding,
  CenterCrop,
  Discretization,
  HashedCrossing,
  Hashing,
  IntegerLookup,
  Normalization,
  StringLookup,
  TextVectorization,
  RandomBrightness,
  RandomContrast,
  RandomCrop,
  RandomFlip,
  RandomHeight,
  RandomRotation,
  RandomTranslation,
  RandomWidth,
  RandomZoom,
  Resizing,
  ...UNDRAWN,
  Conv1D,
  Conv2D,
  Conv3D,
  Conv1DTranspose,
  Conv2DTranspose,
  Conv3DTranspose,
  DepthwiseConv1D,
  DepthwiseConv2D,
  SeparableConv1D,
  SeparableConv2D,
  ReLU,
  ELU,
  PReLU,
  ThresholdedReLU,
];

const BY_NAME = new Map(CLASSES.map((cls) => [cls.className, cls]));

/** The class of this library that a layer of a Keras file becomes; undefined where it is TF.js' own. */
export const kerasLayerClass = (className: string): KerasLayerClass | undefined => BY_NAME.get(className);

/**
 * From now on `tf.loadLayersModel` and `tf.models.modelFromJSON` build this library's layers for the names of Keras:
 * what TF.js lacks, and what it computes otherwise, batch normalization among it; and find its activations.
 * `loadKerasModel` does so by itself; what TF.js lacks stays registered from its first call on.
 *
 * @returns a function that brings TF.js' own classes back, once every call has been undone
 */
export const registerKerasLayers = (): (() => void) =>
  registerClasses([BatchNormalization, ...CLASSES, ...ACTIVATION_CLASSES] as Parameters<
    typeof registerClasses
  >[0]);
