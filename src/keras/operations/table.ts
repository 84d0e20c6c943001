/**
 * @file The closed table of operations: what stands bare in the graph of a functional model, beside its layers. What is
 * not in it is refused; names from a file are looked up here and nowhere else.
 */
import { ARRANGEMENT } from './arrangement.js';
import { ELEMENTWISE } from './elementwise.js';
import type { OperationEntry } from './entry.js';
import { IMAGES } from './images.js';
import { PRODUCTS } from './products.js';
import { REDUCTIONS } from './reductions.js';
import { SLICING } from './slicing.js';

const OPERATIONS: Readonly<Record<string, OperationEntry>> = {
  ...ELEMENTWISE,
  ...REDUCTIONS,
  ...ARRANGEMENT,
  ...SLICING,
  ...PRODUCTS,
  ...IMAGES,
};

export const OPERATION_NAMES: readonly string[] = Object.keys(OPERATIONS);

/** What is known of an operation under this library's name, which is Keras 3's where that has it. */
export const operationEntry = (name: string): OperationEntry | undefined =>
  Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;

/** A name of TensorFlow's without what older versions write before it, or leave out. */
const plainName = (name: string): string =>
  name
    .replace(/^(?:tf\.)+/, '')
    // In TensorFlow 1 these meant something else.
    .replace(/^compat\.v1\.(?!where$|image\.)/, '')
    .replace(/^(?:math|nn|linalg)\./, '');

/** Where two share a name, the first in the table is read. */
const ENTRIES = Object.entries(OPERATIONS).reverse();

const BY_FUNCTION = new Map(
  ENTRIES.flatMap(([name, { tfKeras }]) =>
    (tfKeras?.functions ?? []).map((one): [string, string] => [plainName(one), name]),
  ),
);

const BY_CLASS = new Map(
  ENTRIES.flatMap(([name, { keras3 }]) =>
    (keras3?.classes ?? []).map((path): [string, string] => [path.slice(path.lastIndexOf('.') + 1), name]),
  ),
);

/** The operation that a function of TensorFlow is. */
export const operationOfFunction = (name: string): string | undefined => BY_FUNCTION.get(plainName(name));

/** The operation that a class of Keras 3 is. */
export const operationOfClass = (className: string): string | undefined => BY_CLASS.get(className);
