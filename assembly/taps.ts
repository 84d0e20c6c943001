/**
 * @file Which pixels of a convolution's output a tap of its filter meets the input at, along one dimension: pixel i of the
 * output meets i·stride + tap − before, of `size`.
 */

/** The first pixel that meets something. */
export function firstMet(tap: i32, stride: i32, before: i32): i32 {
  const missing = before - tap;
  return missing > 0 ? (missing + stride - 1) / stride : 0;
}

/** The pixel behind the last one of `pixels` that does. */
export function endMet(tap: i32, stride: i32, before: i32, size: i32, pixels: i32): i32 {
  const reach = size - 1 + before - tap;
  return reach < 0 ? 0 : min<i32>(pixels, reach / stride + 1);
}
