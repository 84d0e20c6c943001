/**
 * @file Runs WGSL on TF.js' webgpu backend, by the backend's own way to run a program: it compiles a pipeline once per
 * key, binds buffers, queues the work, and keeps a buffer from reuse while work on it is queued. What TF.js cast from
 * int32 to float32 is int32 still in memory, and declared so: every input is converted where it is read.
 */
import { type KernelBackend, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { ValueError } from '../../text/value-error.js';

interface Uniform {
  readonly type: 'uint32' | 'float32';
  readonly data: number[];
}

/** A program as tfjs-backend-webgpu 4.22 takes it, which declares its inputs, `result` and `uniforms` in WGSL. */
interface TensorFlowProgram {
  readonly variableNames: string[];
  readonly variableComponents: number[];
  readonly outputComponent: number;
  readonly outputShape: number[];
  readonly shaderKey: string;
  readonly workgroupSize: [number, number, number];
  /** TF.js only reads how many dimensions these have. */
  readonly dispatchLayout: { x: number[]; y: number[]; z: number[] };
  readonly dispatch: readonly [number, number, number];
  /** Members of a struct. */
  readonly uniforms: string;
  getUserCode(): string;
}

/** What the programs use of tfjs-backend-webgpu. */
export interface WebgpuBackend extends KernelBackend {
  readonly device: {
    readonly limits: Readonly<
      Record<'maxComputeWorkgroupsPerDimension' | 'maxStorageBufferBindingSize', number>
    >;
  };
  makeTensorInfo(shape: number[], dtype: 'float32'): TensorInfo;
  runWebGPUProgram(
    program: TensorFlowProgram,
    inputs: TensorInfo[],
    outputDtype: 'float32',
    uniforms: Uniform[],
    output: TensorInfo,
  ): TensorInfo;
}

/** How many threads work together. Four floats of state and two of memory for each fit what every device has. */
export const WORKGROUP = 128;

/** Numbers per vector. */
export type Width = 1 | 4;

/** An input: a tensor, and how many of its numbers the program sees as one. */
export type Input = readonly [tensor: TensorInfo, width: Width];

/** A program, and what to run it on. */
export interface Run {
  /** Everything the code depends on; the key of the pipeline cache. */
  readonly key: readonly (string | number | boolean)[];
  readonly code: () => string;
  /** By the names that the code has for them. Those that are null are not bound. */
  readonly inputs: Record<string, Input | null>;
  /** The output, which the code calls `result`. */
  readonly output: TensorInfo;
  readonly width?: Width;
  /** Counts, which the code finds as u32 in `uniforms`. */
  readonly counts?: Record<string, number>;
  /** Numbers, as f32. */
  readonly numbers?: Record<string, number>;
  /** The number of workgroups that work alike, and of slices of that work. */
  readonly workgroups: number;
  readonly slices?: number;
}

/** In every program: the number of the workgroup. */
const HEAD = 'fn ordinal() -> u32 { return workgroupId.x + workgroupId.y * numWorkgroups.x; }\n';

/** Queues a program. */
export function run(backend: WebgpuBackend, job: Run): TensorInfo {
  const { limits } = backend.device;
  const inputs = Object.entries(job.inputs).filter((entry): entry is [string, Input] => entry[1] !== null);
  for (const tensor of [job.output, ...inputs.map(([, [input]]) => input)]) {
    checkSize(tensor, limits.maxStorageBufferBindingSize);
  }
  // A zero that the compiler cannot fold; two-float.ts uses it.
  const counts = Object.entries({ zero: 0, ...job.counts });
  const numbers = Object.entries(job.numbers ?? {});
  const across = Math.min(job.workgroups, limits.maxComputeWorkgroupsPerDimension);
  const names = inputs.map(([name]) => name);
  const program: TensorFlowProgram = {
    variableNames: names,
    variableComponents: inputs.map(([, [, width]]) => width),
    outputComponent: job.width ?? 1,
    outputShape: flat(job.output).shape,
    shaderKey: ['evenkeel', ...job.key, ...names].join(' '),
    workgroupSize: [WORKGROUP, 1, 1],
    dispatchLayout: { x: [0], y: [0], z: [0] },
    dispatch: [across, Math.ceil(job.workgroups / across), job.slices ?? 1],
    uniforms: [
      ...counts.map(([name]) => `${name}: u32, `),
      ...numbers.map(([name]) => `${name}: f32, `),
    ].join(''),
    getUserCode: () => HEAD + job.code(),
  };
  const uniforms = [
    ...counts.map(([, value]): Uniform => ({ type: 'uint32', data: [value] })),
    ...numbers.map(([, value]): Uniform => ({ type: 'float32', data: [value] })),
  ];
  backend.runWebGPUProgram(
    program,
    inputs.map(([, [tensor]]) => flat(tensor)),
    'float32',
    uniforms,
    flat(job.output),
  );
  return job.output;
}

/** The same memory, of rank 1: TF.js writes other code for every rank. */
const flat = ({ dataId, dtype, shape }: TensorInfo): TensorInfo => ({
  dataId,
  dtype,
  shape: [util.sizeFromShape(shape)],
});

function checkSize({ shape }: TensorInfo, most: number): void {
  const byteLength = 4 * util.sizeFromShape(shape);
  if (byteLength <= most) return;
  throw new ValueError(
    `A tensor of shape [${shape}] has ${byteLength} bytes, more than this device lets a program see at once, ` +
      `${most}. Use smaller batches.`,
  );
}
