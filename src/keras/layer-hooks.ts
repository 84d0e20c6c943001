/** @file What single classes need beyond the lists of layer-table.ts, when they are read or written. */
import type { layers } from '@tensorflow/tfjs-layers';
import { ValueError } from '../text/value-error.js';
import { resolveArguments } from '../layer/arguments.js';
import { BatchNormalization } from '../layer/batch-normalization.js';
import { callsTo } from '../model/graph.js';
import { hasMask } from '../model/masks.js';
import { show } from '../text/show.js';
import type { Json, JsonObject } from './json.js';
import type { Dialect } from './setting-values.js';

/** A layer that is being read. */
export interface Reading {
  /** What the file has. */
  readonly saved: JsonObject;
  /** What TF.js gets, for a hook to change. */
  readonly result: Record<string, unknown>;
  readonly dialect: Dialect;
}

/** A layer that is being written. */
export interface Writing {
  readonly layer: layers.Layer;
  /** What TF.js has. */
  readonly config: Record<string, unknown>;
  /** What Keras gets, for a hook to change. */
  readonly written: JsonObject;
  readonly dialect: Dialect;
}

/** TF.js resets before, as Keras did before 2.1; neither says so in a file. */
export function readResetAfter({ saved, result, dialect }: Reading): void {
  result.resetAfter = saved.reset_after ?? dialect === 'keras3';
}

/** TF.js' own layer resets before. */
export function writeResetAfter({ config, written }: Writing): void {
  written.reset_after = config.resetAfter === true;
}

/** @throws ValueError where the other Keras passes another mask on */
export function writeRecurrent(writing: Writing): void {
  const { layer, config, written, dialect } = writing;
  const of = config.dialect ?? 'tf-keras';
  const isMaskedWithStates = callsTo(layer).some(
    ({ inputs: [first, ...states] }) => states.length > 0 && hasMask({ inputs: [first!] }),
  );
  if (isMaskedWithStates && of !== dialect) {
    throw new ValueError(
      `it is called with its first states and a mask, which Keras 3 does not pass on and tf-keras does. ` +
        `Save for: ${show(of)}.`,
    );
  }
  if (dialect === 'tf-keras') return;
  if (written.time_major === true) {
    throw new ValueError("its steps come before the batch, which Keras 3 lacks. Save for: 'tf-keras'.");
  }
  delete written.time_major;
}

export function readGRU(reading: Reading): void {
  readDialect(reading);
  readResetAfter(reading);
}

export function writeGRU(writing: Writing): void {
  writeRecurrent(writing);
  writeResetAfter(writing);
}

/** Of a stack, TF.js has the states of the last cell first. */
export function reversesStates(setting: (name: string) => unknown): string | null {
  const cell = setting('cell') as { className?: string } | undefined;
  return cell?.className === 'StackedRNNCells' && setting('return_state') === true
    ? 'which gives the states of its cells in the reverse order'
    : null;
}

/** The shape of an input goes by another name in Keras 3. */
export function writeInputShape(written: JsonObject, shape: unknown, dialect: Dialect): void {
  written[dialect === 'keras3' ? 'batch_shape' : 'batch_input_shape'] = shape as Json;
}

export function writeInput({ config, written, dialect }: Writing): void {
  written.dtype = (config.dtype as string | undefined) ?? 'float32';
  writeInputShape(written, config.batchInputShape, dialect);
}

export function readNormalization({ result }: Reading): void {
  if (result.renorm !== true) {
    delete result.renormClipping;
    delete result.renormMomentum;
  }
  // What the layer refuses is told with all else that keeps the file from loading.
  resolveArguments(result);
}

export function writeNormalization({ layer, written, dialect }: Writing): void {
  if (layer instanceof BatchNormalization && layer.adjustment) {
    throw new ValueError(
      'its adjustment is a function, which no file holds. Set layer.adjustment to null first.',
    );
  }
  if (written.renorm !== true) {
    // Keras 3 knows no renorm before 3.14.
    delete written.renorm;
    delete written.renorm_momentum;
  }
  // tf-keras knows it from 2.12 on.
  if (written.synchronized !== true) delete written.synchronized;
  if (dialect === 'tf-keras') return;
  const { virtual_batch_size: ghosts, axis } = written;
  if (ghosts != null) {
    throw new ValueError(
      `it has ghost batches (virtualBatchSize), which Keras 3 lacks. Save for: 'tf-keras'.`,
    );
  }
  const [first, ...others] = [axis ?? -1].flat();
  if (others.length > 0) {
    throw new ValueError(`it has several axes (${show(axis)}), and Keras 3 takes one. Save for: 'tf-keras'.`);
  }
  written.axis = first!;
  // What Keras 3 computes is what fused: false means.
  delete written.fused;
}

/** tf-keras makes its dense layers when it reads the layer, and so needs the shapes of its inputs. */
export function writeMultiHeadAttention({ layer, config, written, dialect }: Writing): void {
  if (dialect === 'keras3') return;
  const { sliding_window: window, use_gate: isGated } = written;
  if (window != null || isGated === true) {
    throw new ValueError("it has a sliding window or a gate, which tf-keras lacks. Save for: 'keras3'.");
  }
  delete written.use_gate;
  const [query, ...others] = callsTo(layer)[0]!.inputs.map(({ shape }) => shape as Json);
  const names = (config.tensorArguments ?? ['value', 'key']) as readonly string[];
  const shapeOf = (name: string) => others[names.indexOf(name)];
  written.query_shape = query!;
  written.value_shape = shapeOf('value')!;
  written.key_shape = shapeOf('key') ?? shapeOf('value')!;
}

export function readBidirectional(reading: Reading): void {
  readDialect(reading);
  const { saved, result } = reading;
  // null gives the two outputs unmerged, where a setting left out gives them side by side.
  if (saved.merge_mode === null) result.mergeMode = null;
}

export function writeBidirectional(writing: Writing): void {
  writeRecurrent(writing);
  const { config, written } = writing;
  if (config.mergeMode === null) written.merge_mode = null;
}

/** In three dimensions, TF.js begins outside of the input where padding is 'same' and strides are longer than windows. */
export function miscomputedIn3D(setting: (name: string) => unknown): string | null {
  const strides = setting('strides');
  if (setting('padding') !== 'same' || strides == null) return null;
  const sizes = [setting('kernel_size') ?? setting('pool_size')].flat();
  const isLonger = [strides].flat().some((stride, i) => (stride as number) > (sizes[i] as number));
  return isLonger
    ? "its strides are longer than its windows, which TF.js computes wrongly with padding='same'"
    : null;
}

/** Of a layer that the two Keras compute otherwise. */
export function readDialect({ result, dialect }: Reading): void {
  result.dialect ??= dialect;
}

/** In training each Keras draws its own way, and predictions are the same but for this one. */
export function writeRandomCrop({ config, dialect }: Writing): void {
  if (config.dialect === dialect) return;
  throw new ValueError(
    `it was made for ${show(config.dialect)}, and in inference only tf-keras resizes. Save for: ${show(config.dialect)}.`,
  );
}

export function readDiscretization({ saved, result }: Reading): void {
  if (saved.bin_boundaries == null) {
    throw new ValueError(
      'its bins were found by adapt, and the file does not hold them. In Keras, give a new layer the boundaries of ' +
        'this one, Discretization(bin_boundaries=…), and save it again.',
    );
  }
  // Only of use to adapt.
  result.numBins = saved.num_bins ?? undefined;
}

export function readVocabulary({ saved }: Reading): void {
  if (saved.vocabulary != null) return;
  throw new ValueError(
    'its vocabulary is not in the file. In Keras, give a new layer the vocabulary of this one, ' +
      'vocabulary=layer.get_vocabulary(), or save the model as .keras, which holds what adapt found.',
  );
}

export function readTextVectorization(reading: Reading): void {
  readVocabulary(reading);
  const { saved, result } = reading;
  // null is no default: it means not to do it.
  for (const name of ['standardize', 'split']) if (saved[name] === null) result[name] = null;
}

export function writeTextVectorization({ config, written, dialect }: Writing): void {
  for (const name of ['standardize', 'split']) if (config[name] === null) written[name] = null;
  // Keras 3 reads it without asking whether it is there.
  written.ngrams = null;
  if (dialect === 'tf-keras') written.dtype = 'string';
}

export function writeDiscretization({ written, dialect }: Writing): void {
  writeWholeNumbers({ written });
  // tf-keras refuses both.
  if (dialect === 'tf-keras') delete written.num_bins;
}

/** What gives the numbers of categories has their type in Keras. */
export function writeWholeNumbers({ written }: Pick<Writing, 'written'>): void {
  if (written.output_mode === 'int') written.dtype = 'int64';
}

/** Keras begins within. */
export const checkStockIn3D = (setting: (name: string) => unknown): string | null =>
  miscomputedIn3D(setting) &&
  'whose first windows lie outside of the input where strides are longer than windows';

/** Keras puts the centres of pixels at halves. */
export const checkStockUpSampling = (setting: (name: string) => unknown): string | null =>
  setting('interpolation') === 'bilinear' ? 'which interpolates between other points than Keras' : null;

/** Keras leaves out the steps that a mask leaves out. */
export const checkStockUnderMask = (_setting: unknown, layer: layers.Layer): string | null =>
  callsTo(layer).some(hasMask) ? 'which does not use the mask of its input' : null;

/** Of those that tf-keras has. */
const LACKED_BY_KERAS_3: readonly unknown[] = ['area', 'gaussian', 'mitchellcubic'];

export function writeUpSampling({ written, dialect }: Writing): void {
  const { interpolation } = written;
  if (dialect === 'keras3' && LACKED_BY_KERAS_3.includes(interpolation)) {
    throw new ValueError(
      `its interpolation is ${show(interpolation)}, which Keras 3 lacks. Save for: 'tf-keras', or train with 'bicubic'.`,
    );
  }
}

/** Of a layer that passes masks on in Keras 3, and not in tf-keras. */
export function readMaskPassing({ saved, result, dialect }: Reading): void {
  // TF.js writes it, where it saves the model.
  result.passesMask = saved.passes_mask ?? dialect === 'keras3';
}

/** What that layer does here must be what it does there, wherever it gets a mask. */
export function checkMaskPassing({ layer, dialect }: Writing): void {
  if (layer.supportsMasking === (dialect === 'keras3') || !callsTo(layer).some(hasMask)) return;
  throw new ValueError(
    'its input has a mask, which goes on behind it in Keras 3 and ends there in tf-keras. Leave the layer out.',
  );
}

/** TF.js' own Conv1D turns channels_first around for itself, and its output not back. */
export const leavesChannelsLast = (setting: (name: string) => unknown): string | null =>
  setting('data_format') === 'channelsFirst' ? 'whose output has the channels last' : null;

/** TF.js' own DepthwiseConv2D takes a dilation rate. */
export const ignoresDilation = (setting: (name: string) => unknown): string | null =>
  [setting('dilation_rate') ?? 1].flat().some((rate) => rate !== 1)
    ? 'which does not use its dilationRate'
    : null;

/** tf-keras' Conv3DTranspose has no dilation. */
export function writeDilationIn3D({ written, dialect }: Writing): void {
  if (dialect !== 'tf-keras') return;
  if ([written.dilation_rate ?? 1].flat().some((rate) => rate !== 1)) {
    throw new ValueError(
      `its dilationRate is ${show(written.dilation_rate)}, and tf-keras has none. Save for: 'keras3'.`,
    );
  }
  delete written.dilation_rate;
}

/** Each of these is one Keras' alone. */
export function writeSeparable({ written, dialect }: Writing): void {
  const isAboveOne = (setting: Json | undefined) => [setting ?? 1].flat().some((value) => Number(value) > 1);
  if (dialect === 'tf-keras' && isAboveOne(written.strides) && isAboveOne(written.dilation_rate)) {
    throw new ValueError(
      "it has strides and a dilationRate, and tf-keras takes one of them. Save for: 'keras3'.",
    );
  }
  if (dialect === 'keras3' && written.padding === 'causal') {
    throw new ValueError("its padding is causal, which Keras 3 lacks for it. Save for: 'tf-keras'.");
  }
}
