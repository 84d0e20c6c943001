/** @file The symbolic tensors that Keras 3 writes into the arguments of a layer's call. */
import { type Json, type JsonObject, isObject } from './json.js';

export const isTensor = (value: Json): value is JsonObject =>
  isObject(value) && value.class_name === '__keras_tensor__';

export const isTensorTree = (value: Json): boolean =>
  isTensor(value) || (Array.isArray(value) && value.length > 0 && value.every(isTensorTree));

/** Every tensor in an argument. */
export function tensorsIn(value: Json): JsonObject[] {
  if (isTensor(value)) return [value];
  return Array.isArray(value) ? value.flatMap(tensorsIn) : [];
}
