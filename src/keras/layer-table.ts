/**
 * @file Every layer that loads: its class, which settings it takes, under Keras' names, what Keras' other settings must be,
 * since there are none of them here, and what else it needs. Both directions, reading and writing, go by this table.
 */
import type { layers } from '@tensorflow/tfjs-layers';
import { snakeCase } from '../text/naming.js';
import type { Json, JsonObject } from './json.js';
import { Conv1D, Conv2D, Conv3D } from './layers/convolution.js';
import { DepthwiseConv1D, DepthwiseConv2D } from './layers/depthwise-convolution.js';
import { SeparableConv1D, SeparableConv2D } from './layers/separable-convolution.js';
import { Conv1DTranspose, Conv2DTranspose, Conv3DTranspose } from './layers/transposed-convolution.js';
import { ELU } from './layers/elu.js';
import type { Dialect } from './setting-values.js';
import { CustomScaleLayer, LayerScale, StochasticDepth } from './layers/applications.js';
import { Cropping1D, Cropping3D } from './layers/cropping.js';
import {
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling3D,
} from './layers/global-pooling.js';
import { Flatten } from './layers/flatten.js';
import { Identity } from './layers/identity.js';
import { Masking } from './layers/masking.js';
import { SpatialDropout2D, SpatialDropout3D } from './layers/spatial-dropout.js';
import { UnitNormalization } from './layers/unit-normalization.js';
import { UpSampling1D, UpSampling2D, UpSampling3D } from './layers/up-sampling.js';
import { ZeroPadding1D, ZeroPadding3D } from './layers/zero-padding.js';
import { AdditiveAttention, Attention } from './layers/attention.js';
import { Bidirectional } from './layers/bidirectional.js';
import { ConvLSTM1D, ConvLSTM2D, ConvLSTM3D } from './layers/conv-lstm.js';
import { EinsumDense } from './layers/einsum-dense.js';
import { GroupedQueryAttention } from './layers/grouped-query-attention.js';
import { TENSOR_ARGUMENTS } from './layers/head-attention.js';
import { MultiHeadAttention } from './layers/multi-head-attention.js';
import { GRU, GRUCell } from './layers/gru.js';
import {
  AdaptiveAveragePooling1D,
  AdaptiveAveragePooling2D,
  AdaptiveAveragePooling3D,
  AdaptiveMaxPooling1D,
  AdaptiveMaxPooling2D,
  AdaptiveMaxPooling3D,
} from './layers/adaptive-pooling.js';
import { GroupNormalization } from './layers/group-normalization.js';
import { LayerNormalization } from './layers/layer-normalization.js';
import {
  AveragePooling1D,
  AveragePooling2D,
  AveragePooling3D,
  MaxPooling1D,
  MaxPooling3D,
} from './layers/pooling.js';
import { RMSNormalization } from './layers/rms-normalization.js';
import { Softmax } from './layers/softmax.js';
import { ActivityRegularization } from './layers/activity-regularization.js';
import type { KerasLayerClass } from './layers/keras-layer.js';
import { AutoContrast } from './layers/auto-contrast.js';
import { CategoryEncoding } from './layers/category-encoding.js';
import { CenterCrop } from './layers/center-crop.js';
import { Discretization } from './layers/discretization.js';
import { HashedCrossing, Hashing } from './layers/hashing.js';
import { IntegerLookup, StringLookup } from './layers/lookup.js';
import { Normalization } from './layers/normalization.js';
import { RandomBrightness } from './layers/random-brightness.js';
import { RandomContrast } from './layers/random-contrast.js';
import { RandomCrop } from './layers/random-crop.js';
import { RandomFlip } from './layers/random-flip.js';
import { RandomRotation } from './layers/random-rotation.js';
import { RandomHeight, RandomWidth } from './layers/random-size.js';
import { RandomTranslation } from './layers/random-translation.js';
import { RandomZoom } from './layers/random-zoom.js';
import { Resizing } from './layers/resizing.js';
import { LSTM, LSTMCell } from './layers/lstm.js';
import { RNN } from './layers/rnn.js';
import { SimpleRNN, SimpleRNNCell } from './layers/simple-rnn.js';
import { StackedRNNCells } from './layers/stacked-rnn-cells.js';
import { Subtract } from './layers/subtract.js';
import { TextVectorization } from './layers/text-vectorization.js';
import { UNDRAWN } from './layers/undrawn.js';
import { PReLU } from './layers/prelu.js';
import { ReLU } from './layers/relu.js';
import { ThresholdedReLU } from './layers/thresholded-relu.js';
import { Operation } from './operations/operation.js';
import {
  type Reading,
  type Writing,
  ignoresDilation,
  leavesChannelsLast,
  miscomputedIn3D,
  readDialect,
  readDiscretization,
  readTextVectorization,
  readVocabulary,
  readBidirectional,
  checkMaskPassing,
  checkStockIn3D,
  checkStockUnderMask,
  checkStockUpSampling,
  readMaskPassing,
  readGRU,
  readNormalization,
  readResetAfter,
  reversesStates,
  writeBidirectional,
  writeDiscretization,
  writeGRU,
  writeMultiHeadAttention,
  writeDilationIn3D,
  writeSeparable,
  writeInput,
  writeNormalization,
  writeRandomCrop,
  writeRecurrent,
  writeTextVectorization,
  writeWholeNumbers,
  writeUpSampling,
  writeResetAfter,
} from './layer-hooks.js';

/** A module of Keras, and the name under which it registers a class; null where it does not. */
export interface Origin {
  readonly module: string;
  readonly registeredName: string | null;
}

/** How Keras writes a layer that is renamed or in another form. */
export interface LayerEntry {
  /** This library's class, which loaded models have; without one, they have TF.js' own. */
  readonly layer?: KerasLayerClass;
  /** Settings that TF.js has, as Keras names them; in TF.js the same in camelCase. */
  readonly settings: readonly string[];
  /** Settings that Keras has and TF.js does not, by the only value for which both compute the same. */
  readonly fixed?: Readonly<Record<string, Json>>;
  /** Settings that Keras writes and does not use. */
  readonly unused?: readonly string[];
  /** Names of the settings in TF.js, where they are not Keras' in camelCase; older Keras names may be among them. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Names that tf-keras has for settings, where they are not Keras 3's. */
  readonly namedInTfKeras?: Readonly<Record<string, string>>;
  /** Why Keras 3 cannot have it. */
  readonly notInKeras3?: string;
  /** Why tf-keras cannot have it. */
  readonly notInTfKeras?: string;
  /** Settings that tf-keras lacks, by the only value for which it computes the same. */
  readonly onlyInKeras3?: Readonly<Record<string, Json>>;
  /** What to do about a `fixed` setting that has another value, where more can be said than to replace the layer. */
  readonly advice?: Readonly<Record<string, string>>;
  /** Whether it draws random numbers in training. */
  readonly isRandom?: boolean;
  /** Whether Keras' layer trains where nothing is said of training, and Keras 3 writes so for each of its calls. */
  readonly trainsByDefault?: boolean;
  /** Why TF.js computes other numbers with these settings than Keras. */
  readonly miscomputed?: (setting: (name: string) => unknown) => string | null;
  /** Where Keras has the class, if not in `keras.layers`. */
  readonly origin?: Readonly<Record<Dialect, Origin>>;
  /** Why TF.js' own layer of this name, where this library has one too, computes other numbers with these settings. */
  readonly stockDiffers?: (setting: (name: string) => unknown, layer: layers.Layer) => string | null;
  /** Call arguments of Keras that are tensors, in their order. In TF.js they are inputs behind those of the first one. */
  readonly tensorArguments?: readonly string[];
  /** Call arguments of Keras that are settings in TF.js, which passes none on when a model runs. */
  readonly callSettings?: readonly string[];
  /** Checks or completes what was read. */
  readonly read?: (reading: Reading) => void;
  /** Checks or completes what is written. */
  readonly write?: (writing: Writing) => void;
}

const words = (text: string) => text.trim().split(/\s+/);

const BIAS = words('activation use_bias bias_initializer bias_regularizer bias_constraint');
const KERNEL = words('kernel_initializer kernel_regularizer kernel_constraint');
const POOLING: LayerEntry = { settings: words('pool_size strides padding data_format') };
const ADAPTIVE = { notInTfKeras: 'tf-keras has no adaptive pooling' };
const NOTHING: LayerEntry = { settings: [] };

/** Of a class of this library, which has all that Keras has. */
const ours = (cls: KerasLayerClass, more: Partial<LayerEntry> = {}): LayerEntry => ({
  layer: cls,
  settings: cls.settings.map(snakeCase),
  ...more,
});

/** Of a layer on images that draws, whose settings `more` tf-keras lacks. */
const augmentation = (cls: KerasLayerClass, onlyInKeras3: Readonly<Record<string, Json>> = {}) =>
  ours(cls, { trainsByDefault: true, onlyInKeras3: { ...ON_IMAGES, ...onlyInKeras3 } });
const ON_IMAGES = { data_format: 'channels_last' };
const OTHER_CENTRES = 'which takes other points for the centres of pixels than Keras';
const ATTENTION = {
  callSettings: words('use_causal_mask return_attention_scores'),
} satisfies Partial<LayerEntry>;
const GROUPED = { module: 'keras.src.layers.attention.grouped_query_attention', registeredName: null };
const HEADS = {
  ...ATTENTION,
  tensorArguments: TENSOR_ARGUMENTS,
  read: readDialect,
} satisfies Partial<LayerEntry>;
const RECURRENT = { read: readDialect, write: writeRecurrent } satisfies Partial<LayerEntry>;
/** tf-keras writes that steps do not come first, and has no more of it. */
const convolutionalLSTM = (cls: KerasLayerClass) => ours(cls, { ...RECURRENT, fixed: { time_major: false } });

/** Of a class that a module of keras.applications brings. */
const ofApplication = (module: string, registeredName: string | null = null): Partial<LayerEntry> => ({
  origin: {
    'tf-keras': { module: `tf_keras.src.applications.${module}`, registeredName },
    keras3: { module: `keras.src.applications.${module}`, registeredName: null },
  },
});

const LOOKUP = {
  fixed: { sparse: false, idf_weights: null },
  unused: ['vocabulary_size'],
  onlyInKeras3: { oov_method: 'floormod' },
  read: readVocabulary,
  write: writeWholeNumbers,
} satisfies Partial<LayerEntry>;

/** Keras writes what these have of other convolutions, and does not use it. */
const SEPARABLE = {
  fixed: { groups: 1 },
  unused: KERNEL,
  write: writeSeparable,
} satisfies Partial<LayerEntry>;

const LAYERS: Readonly<Record<string, LayerEntry>> = {
  InputLayer: { settings: [], fixed: { sparse: false, ragged: false, optional: false }, write: writeInput },

  BatchNormalization: {
    settings: words(
      `axis momentum epsilon center scale beta_initializer gamma_initializer moving_mean_initializer
       moving_variance_initializer beta_regularizer gamma_regularizer beta_constraint gamma_constraint
       renorm renorm_clipping renorm_momentum virtual_batch_size fused synchronized`,
    ),
    read: readNormalization,
    write: writeNormalization,
  },
  LayerNormalization: ours(LayerNormalization, { onlyInKeras3: { rms_scaling: false } }),
  GroupNormalization: ours(GroupNormalization),
  RMSNormalization: ours(RMSNormalization, { notInTfKeras: 'tf-keras has no RMSNormalization' }),
  UnitNormalization: ours(UnitNormalization),

  Dense: { settings: ['units', ...BIAS, ...KERNEL] },
  Embedding: {
    settings: words(
      'input_dim output_dim embeddings_initializer embeddings_regularizer embeddings_constraint mask_zero input_length',
    ),
  },
  Conv1D: ours(Conv1D, { stockDiffers: leavesChannelsLast }),
  Conv2D: ours(Conv2D),
  Conv3D: ours(Conv3D, { stockDiffers: miscomputedIn3D }),
  Conv1DTranspose: ours(Conv1DTranspose, { fixed: { groups: 1 } }),
  Conv2DTranspose: ours(Conv2DTranspose, { fixed: { groups: 1 } }),
  Conv3DTranspose: ours(Conv3DTranspose, {
    fixed: { groups: 1 },
    stockDiffers: miscomputedIn3D,
    write: writeDilationIn3D,
  }),
  SeparableConv1D: ours(SeparableConv1D, SEPARABLE),
  SeparableConv2D: ours(SeparableConv2D, SEPARABLE),
  DepthwiseConv1D: ours(DepthwiseConv1D, SEPARABLE),
  DepthwiseConv2D: ours(DepthwiseConv2D, { ...SEPARABLE, stockDiffers: ignoresDilation }),

  Activation: { settings: ['activation'] },
  ReLU: ours(ReLU),
  LeakyReLU: {
    settings: ['negative_slope'],
    renamed: { negative_slope: 'alpha', alpha: 'alpha' },
    namedInTfKeras: { negative_slope: 'alpha' },
  },
  PReLU: ours(PReLU),
  ELU: ours(ELU),
  ThresholdedReLU: ours(ThresholdedReLU, { notInKeras3: 'Keras 3 has no ThresholdedReLU' }),
  Softmax: ours(Softmax, { read: readDialect }),

  Dropout: { settings: words('rate noise_shape'), isRandom: true },
  SpatialDropout1D: { settings: ['rate'], fixed: { noise_shape: null }, isRandom: true },
  SpatialDropout2D: ours(SpatialDropout2D, { isRandom: true }),
  SpatialDropout3D: ours(SpatialDropout3D, { isRandom: true }),
  GaussianNoise: { settings: ['stddev'], isRandom: true },
  GaussianDropout: { settings: ['rate'], isRandom: true },
  AlphaDropout: { settings: ['rate'], fixed: { noise_shape: null }, isRandom: true },

  ActivityRegularization: ours(ActivityRegularization),
  Identity: ours(Identity, {
    settings: [],
    unused: ['passes_mask'],
    read: readMaskPassing,
    write: checkMaskPassing,
  }),
  Flatten: ours(Flatten),
  Reshape: { settings: ['target_shape'] },
  Permute: { settings: ['dims'] },
  RepeatVector: { settings: ['n'] },
  Masking: ours(Masking),
  Rescaling: { settings: words('scale offset') },

  // What operations of a graph become; no Keras has a layer of this name.
  Operation: ours(Operation),
  Add: NOTHING,
  Subtract: ours(Subtract),
  Multiply: NOTHING,
  Average: NOTHING,
  Maximum: NOTHING,
  Minimum: NOTHING,
  Concatenate: { settings: ['axis'] },
  Dot: { settings: words('axes normalize') },

  Normalization: ours(Normalization),
  CategoryEncoding: ours(CategoryEncoding, {
    fixed: { sparse: false },
    tensorArguments: ['count_weights'],
    stockDiffers: () => 'which states a wrong shape for its input',
  }),
  Discretization: ours(Discretization, {
    fixed: { sparse: false },
    read: readDiscretization,
    write: writeDiscretization,
  }),
  Hashing: ours(Hashing, { fixed: { sparse: false }, write: writeWholeNumbers }),
  HashedCrossing: ours(HashedCrossing, { fixed: { sparse: false }, write: writeWholeNumbers }),
  IntegerLookup: ours(IntegerLookup, {
    ...LOOKUP,
    unused: [...LOOKUP.unused, 'vocabulary_dtype'],
  }),
  StringLookup: ours(StringLookup, { ...LOOKUP, fixed: { ...LOOKUP.fixed, encoding: 'utf-8' } }),
  TextVectorization: ours(TextVectorization, {
    fixed: { ngrams: null, sparse: false, ragged: false, idf_weights: null, encoding: 'utf-8' },
    unused: ['vocabulary_size'],
    read: readTextVectorization,
    write: writeTextVectorization,
  }),
  Resizing: ours(Resizing, {
    trainsByDefault: true,
    onlyInKeras3: {
      ...ON_IMAGES,
      pad_to_aspect_ratio: false,
      fill_mode: 'constant',
      fill_value: 0,
      antialias: false,
    },
    stockDiffers: () => OTHER_CENTRES,
  }),
  CenterCrop: ours(CenterCrop, {
    trainsByDefault: true,
    onlyInKeras3: ON_IMAGES,
    stockDiffers: () => 'which resizes what it cuts otherwise than Keras',
  }),
  AutoContrast: ours(AutoContrast, { trainsByDefault: true, notInTfKeras: 'tf-keras has no AutoContrast' }),
  RandomFlip: { ...augmentation(RandomFlip), read: readDialect },
  RandomRotation: augmentation(RandomRotation),
  RandomTranslation: augmentation(RandomTranslation),
  RandomZoom: augmentation(RandomZoom),
  RandomContrast: {
    ...augmentation(RandomContrast, { value_range: [0, 255] }),
    read: readDialect,
  },
  RandomBrightness: augmentation(RandomBrightness),
  RandomCrop: { ...augmentation(RandomCrop), read: readDialect, write: writeRandomCrop },
  RandomHeight: ours(RandomHeight, {
    notInKeras3: 'Keras 3 has no RandomHeight',
    stockDiffers: () => OTHER_CENTRES,
  }),
  RandomWidth: ours(RandomWidth, {
    notInKeras3: 'Keras 3 has no RandomWidth',
    stockDiffers: () => OTHER_CENTRES,
  }),
  ...Object.fromEntries(
    UNDRAWN.map((cls) => [
      cls.className,
      ours(cls, { trainsByDefault: true, notInTfKeras: `tf-keras has no ${cls.className}` }),
    ]),
  ),

  ZeroPadding1D: ours(ZeroPadding1D, { onlyInKeras3: ON_IMAGES }),
  ZeroPadding2D: { settings: words('padding data_format') },
  ZeroPadding3D: ours(ZeroPadding3D),
  Cropping1D: ours(Cropping1D),
  Cropping2D: { settings: words('cropping data_format') },
  Cropping3D: ours(Cropping3D),
  UpSampling1D: ours(UpSampling1D),
  UpSampling2D: ours(UpSampling2D, { stockDiffers: checkStockUpSampling, write: writeUpSampling }),
  UpSampling3D: ours(UpSampling3D),
  MaxPooling1D: ours(MaxPooling1D),
  AveragePooling1D: ours(AveragePooling1D),
  MaxPooling2D: POOLING,
  AveragePooling2D: ours(AveragePooling2D),
  MaxPooling3D: ours(MaxPooling3D, { stockDiffers: checkStockIn3D }),
  AveragePooling3D: ours(AveragePooling3D, { stockDiffers: checkStockIn3D }),
  GlobalAveragePooling1D: ours(GlobalAveragePooling1D, { stockDiffers: checkStockUnderMask }),
  GlobalAveragePooling2D: ours(GlobalAveragePooling2D),
  GlobalAveragePooling3D: ours(GlobalAveragePooling3D),
  GlobalMaxPooling1D: ours(GlobalMaxPooling1D),
  GlobalMaxPooling2D: ours(GlobalMaxPooling2D),
  GlobalMaxPooling3D: ours(GlobalMaxPooling3D),
  AdaptiveAveragePooling1D: ours(AdaptiveAveragePooling1D, ADAPTIVE),
  AdaptiveAveragePooling2D: ours(AdaptiveAveragePooling2D, ADAPTIVE),
  AdaptiveAveragePooling3D: ours(AdaptiveAveragePooling3D, ADAPTIVE),
  AdaptiveMaxPooling1D: ours(AdaptiveMaxPooling1D, ADAPTIVE),
  AdaptiveMaxPooling2D: ours(AdaptiveMaxPooling2D, ADAPTIVE),
  AdaptiveMaxPooling3D: ours(AdaptiveMaxPooling3D, ADAPTIVE),

  SimpleRNN: ours(SimpleRNN, RECURRENT),
  GRU: ours(GRU, { read: readGRU, write: writeGRU }),
  LSTM: ours(LSTM, RECURRENT),
  ConvLSTM1D: convolutionalLSTM(ConvLSTM1D),
  ConvLSTM2D: convolutionalLSTM(ConvLSTM2D),
  ConvLSTM3D: convolutionalLSTM(ConvLSTM3D),
  RNN: ours(RNN, { ...RECURRENT, stockDiffers: reversesStates }),
  SimpleRNNCell: ours(SimpleRNNCell),
  GRUCell: ours(GRUCell, { read: readResetAfter, write: writeResetAfter }),
  LSTMCell: ours(LSTMCell),
  StackedRNNCells: ours(StackedRNNCells),
  Attention: ours(Attention, { ...ATTENTION, renamed: { causal: 'useCausalMask' } }),
  AdditiveAttention: ours(AdditiveAttention, { ...ATTENTION, renamed: { causal: 'useCausalMask' } }),
  MultiHeadAttention: ours(MultiHeadAttention, {
    ...HEADS,
    unused: ['query_shape', 'key_shape', 'value_shape', 'flash_attention'],
    write: writeMultiHeadAttention,
  }),
  GroupedQueryAttention: ours(GroupedQueryAttention, {
    ...HEADS,
    unused: ['flash_attention'],
    notInTfKeras: 'tf-keras has no GroupedQueryAttention',
    // In keras.layers it has another name, from which the names of its weights do not follow.
    origin: { 'tf-keras': GROUPED, keras3: GROUPED },
  }),
  EinsumDense: ours(EinsumDense),
  Bidirectional: ours(Bidirectional, { read: readBidirectional, write: writeBidirectional }),
  TimeDistributed: { settings: ['layer'] },

  CustomScaleLayer: ours(CustomScaleLayer, ofApplication('inception_resnet_v2', 'Custom>CustomScaleLayer')),
  LayerScale: ours(LayerScale, ofApplication('convnext')),
  StochasticDepth: ours(StochasticDepth, { ...ofApplication('convnext'), isRandom: true }),
};

/** Every class that loads, by Keras' names. */
export const LAYER_NAMES: readonly string[] = Object.keys(LAYERS);

/** What is known of a class; undefined where Keras and TF.js do not both have it. */
export const entryOf = (className: string): LayerEntry | undefined =>
  Object.hasOwn(LAYERS, className) ? LAYERS[className] : undefined;

/** Classes under the names that some versions of Keras gave them. */
export const OTHER_NAMES: Readonly<Record<string, string>> = {
  BatchNormalizationV1: 'BatchNormalization',
  BatchNormalizationV2: 'BatchNormalization',
  SyncBatchNormalization: 'BatchNormalization',
  LSTMV2: 'LSTM',
  GRUV2: 'GRU',
  GroupQueryAttention: 'GroupedQueryAttention',
  Convolution2D: 'Conv2D',
  Model: 'Functional',
  'Custom>CustomScaleLayer': 'CustomScaleLayer',
};

/**
 * Those of them that were classes of their own, with the settings that they stand for. Archives name folders after
 * them.
 */
export const FORMER_CLASSES: Readonly<Record<string, JsonObject>> = {
  SyncBatchNormalization: { synchronized: true },
};

/** What has no part in what a layer computes once it has its weights: how it was made, drew, ran or was quantized. */
export const WITHOUT_MEANING: readonly string[] = words(
  `name trainable dtype batch_input_shape batch_shape batch_size input_shape seed implementation autocast
   quantization_config lora_rank lora_alpha use_cudnn input_dtype input_d_type custom_objects shared_object_id
   registered_name build_config data_type`,
);

/** Why a class does not load, and the fix, where more can be said than that TF.js lacks it. */
export const REFUSED: Readonly<Record<string, string>> = {
  Lambda:
    'it holds code of Python, which is never run here. Replace it by layers that do the same, and save the model again',
  CuDNNLSTM:
    'its weights are laid out for a GPU. Load the model in Keras with LSTM in its place, and save it again',
  CuDNNGRU:
    'its weights are laid out for a GPU. Load the model in Keras with GRU in its place, and save it again',
  Pipeline: 'it holds layers that Keras applies one after the other. Put them into the model themselves',
  MelSpectrogram: 'it transforms sound, which is not done here. Save a model that takes spectrograms',
  STFTSpectrogram: 'it transforms sound, which is not done here. Save a model that takes spectrograms',
  FeatureSpace:
    'it is no layer on tensors, but prepares tables. Save the model that it feeds, and prepare the data before it',
};
