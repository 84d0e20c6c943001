/** @file What the table of operations says of one. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { RunShape, Work } from '../../model/run-cost.js';
import type { Json } from '../json.js';
import type { Arguments } from './arguments.js';
import type { Parameter, Type } from './parameters.js';
import type { Shape } from './shapes.js';

/** Values as one Keras has them, by this library's names. */
export type ForeignValues = Record<string, Json>;

/** How tf-keras writes an operation: by the name of a function of TensorFlow. */
export interface InTfKeras {
  /** The first is written. `math.`, `nn.` and `linalg.` may be missing in a file. */
  readonly functions: readonly string[];
  /**
   * TensorFlow's names of the parameters, `theirs=ours` where they differ, `-theirs` for one that changes nothing. The
   * first comes without its name.
   */
  readonly parameters: string;
  /** Changes what was read, where the meaning differs. */
  readonly read?: (values: ForeignValues) => ForeignValues;
  /** Changes what is written. */
  readonly write?: (values: ForeignValues) => ForeignValues;
}

/** How Keras 3 writes an operation: as an object of a class. */
export interface InKeras3 {
  /** With the module, below `keras.src.ops` for most. The first is written. */
  readonly classes: readonly string[];
  /** What it is called with, in Keras' order and in the same form; `*tensors` for any number of tensors. */
  readonly inputs: string;
  /** What its class is made with, in the same form. */
  readonly settings: string;
  readonly read?: (values: ForeignValues) => ForeignValues;
  readonly write?: (values: ForeignValues) => ForeignValues;
}

export interface OperationEntry {
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Where tf-keras has it. */
  readonly tfKeras?: InTfKeras;
  /** Where Keras 3 has it. */
  readonly keras3?: InKeras3;
  /** What the result consists of, or each of the results, where it is not what the tensors do that it takes. */
  readonly type?: Type | readonly (Type | null)[];
  /**
   * What it takes, where its inputs and output do not show that.
   *
   * @param any what most operations take
   */
  work?(given: Arguments<Shape>, output: RunShape, any: Work): Work;
  /** The shape of what comes out; a list of shapes for several tensors. */
  shape(given: Arguments<Shape>): Shape | Shape[];
  compute(given: Arguments<Tensor>): Tensor | Tensor[];
}

/** What an entry says of TensorFlow's function. */
export const tfKeras = (
  functions: string,
  parameters: string,
  hooks: Pick<InTfKeras, 'read' | 'write'> = {},
): { tfKeras: InTfKeras } => ({ tfKeras: { functions: functions.split(' '), parameters, ...hooks } });

/** What an entry says of Keras 3's class. */
export const keras3 = (
  classes: string,
  inputs: string,
  settings = '',
  hooks: Pick<InKeras3, 'read' | 'write'> = {},
): { keras3: InKeras3 } => ({ keras3: { classes: classes.split(' '), inputs, settings, ...hooks } });

/** One of their parameters; ours is null where it changes nothing. */
export interface ForeignName {
  readonly theirs: string;
  readonly ours: string | null;
}

/** Reads names in the form of {@link InTfKeras.parameters}. */
export const foreignNames = (names: string): ForeignName[] =>
  names
    .split(' ')
    .filter(Boolean)
    .map((name) => {
      if (name.startsWith('-')) return { theirs: name.slice(1), ours: null };
      const [theirs = '', ours = theirs] = name.replace(/^\*/, '').split('=');
      return { theirs, ours };
    });
