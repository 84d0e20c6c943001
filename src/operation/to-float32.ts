/** @file A cast that holds on webgpu too. */
import { type Tensor, add, cast } from '@tensorflow/tfjs-core';

/**
 * `x` as float32.
 *
 * On webgpu TF.js' cast (4.22) only calls integers floats and leaves them as they are, at which some of its operations
 * fail later on, such as its transposition. A sum is computed anew. It can go when that cast converts.
 */
export const toFloat32 = (x: Tensor): Tensor => (x.dtype === 'float32' ? x : add(cast(x, 'float32'), 0));
