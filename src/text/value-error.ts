/**
 * @file The error for a value that cannot be: right in type, wrong in content. Named after Python's, since Keras
 * raises it where this library does.
 */

/**
 * A value was given that the layer cannot work with. The message says what came, what is accepted and how to fix it.
 */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}
