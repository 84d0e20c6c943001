/** @file What a computation moves through a GPU's memory: every program that TF.js' webgpu backend runs, and what it binds. */
import * as tf from '@tensorflow/tfjs';

type RunProgram = (
  program: { shaderKey: string },
  inputs: tf.TensorInfo[],
  dtype: tf.DataType,
  uniforms: unknown,
  output?: tf.TensorInfo,
) => tf.TensorInfo;

/** One program. A program of ours reads each element of what it binds once. */
export interface Dispatch {
  readonly key: string;
  readonly readBytes: readonly number[];
  readonly writtenBytes: number;
}

/** The programs that `f` queues. */
export function dispatchesOf(f: () => void): Dispatch[] {
  const backend = tf.engine().backend as unknown as { runWebGPUProgram: RunProgram };
  const dispatches: Dispatch[] = [];
  const bytes = ({ shape }: tf.TensorInfo) => 4 * tf.util.sizeFromShape(shape);
  const run = backend.runWebGPUProgram.bind(backend);
  backend.runWebGPUProgram = (program, inputs, ...rest) => {
    const result = run(program, inputs, ...rest);
    dispatches.push({
      key: program.shaderKey,
      readBytes: inputs.map(bytes),
      writtenBytes: bytes(result),
    });
    return result;
  };
  try {
    f();
  } finally {
    Reflect.deleteProperty(backend, 'runWebGPUProgram');
  }
  return dispatches;
}

/** What programs do with data of a size. */
export interface Traffic {
  readonly dispatches: number;
  /** How often data of that size are read, and written. */
  readonly reads: number;
  readonly writes: number;
  /** All bytes that are read and written. */
  readonly bytes: number;
  /** Those of them that are not of that size. */
  readonly otherBytes: number;
}

/** @param size bytes of x */
export function trafficOf(dispatches: readonly Dispatch[], size: number): Traffic {
  const reads = dispatches.flatMap(({ readBytes }) => readBytes);
  const writes = dispatches.map(({ writtenBytes }) => writtenBytes);
  const bytes = [...reads, ...writes].reduce((a, b) => a + b, 0);
  const count = (list: readonly number[]) => list.filter((length) => length >= size).length;
  const otherBytes = [...reads, ...writes].filter((length) => length < size).reduce((a, b) => a + b, 0);
  return { dispatches: dispatches.length, reads: count(reads), writes: count(writes), bytes, otherBytes };
}
