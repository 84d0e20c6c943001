/**
 * @file Each pass against moving the same bytes in the same memory: `npm run bench:passes`.
 *
 *   ratio = bytes of the pass / its time  ÷  bytes of reading or copying / its time          1 is the speed of memory
 *
 * Passes that only read are compared with reading, the others with copying. All of them take turns, on arrays that were
 * last touched long ago, and medians are compared.
 */
import { performance } from 'node:perf_hooks';
import { compile } from '../assembly/compile.js';
import { instantiateKernels, scratchByteLength } from '../src/backends/host/wasm-kernels.js';
import { median } from './measure.js';

interface Shape {
  readonly name: string;
  /** outer, groups, middle, channels, inner */
  readonly sizes: readonly [number, number, number, number, number];
}

const SHAPES: readonly Shape[] = [
  { name: '32×28×28×64', sizes: [1, 1, 32 * 28 * 28, 64, 1] },
  { name: '32×7×7×512', sizes: [1, 1, 32 * 7 * 7, 512, 1] },
  { name: '32×56×56×64', sizes: [1, 1, 32 * 56 * 56, 64, 1] },
  { name: '32×64×28×28, axis 1', sizes: [1, 1, 32, 64, 28 * 28] },
];
/** What rotates, in bytes per array: several times the largest cache. */
const ROTATION = 160 * 2 ** 20;
const MEASURED_MS = 3000;
/** Rounds before times count: until then the module is not optimized. */
const WARM_UP = 5;
/** Where a state or coefficients stand, behind centres at 0. */
const TABLES = 65_536;
const PAGE = 65_536;

interface Contender {
  /** How many arrays it reads or writes. */
  readonly arrays: number;
  readonly run: (turn: number) => void;
}

const measuresModule = new WebAssembly.Module(
  new Uint8Array(
    compile('assembly/measures.ts', [
      ...['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--noExportMemory'],
      ...['--use', 'abort=', '--enable', 'simd'],
    ]),
  ),
);

function makeContenders({ sizes }: Shape, bytes: number) {
  const [, groups, middle, channels, inner] = sizes;
  const numbers = groups * channels;
  const own = TABLES + 24 * numbers + scratchByteLength(middle, channels, inner);
  const start = Math.ceil(own / PAGE) * PAGE;
  const count = Math.ceil(ROTATION / bytes);
  const memory = new WebAssembly.Memory({ initial: (start + 3 * count * bytes) / PAGE + 1 });
  new Float32Array(memory.buffer, start).forEach((_, i, values) => {
    values[i] = ((i * 7919) % 1009) / 256 - 2;
  });
  new Float32Array(memory.buffer, TABLES, 4 * numbers).fill(0.5);

  const kernels = instantiateKernels(memory);
  const measures = new WebAssembly.Instance(measuresModule, { env: { memory } }).exports as unknown as {
    read(from: number, byteLength: number): number;
    copy(from: number, to: number, byteLength: number): void;
  };
  const x = (turn: number) => start + (turn % count) * bytes;
  const y = (turn: number) => x(turn) + count * bytes;
  const dy = (turn: number) => y(turn) + count * bytes;
  const zeroState = () => new Uint8Array(memory.buffer, TABLES, 24 * numbers).fill(0);
  return {
    read: { arrays: 1, run: (turn) => measures.read(x(turn), bytes) },
    copy: {
      arrays: 2,
      run: (turn) => {
        measures.copy(x(turn), y(turn), bytes);
      },
    },
    moments: {
      arrays: 1,
      run: (turn) => {
        zeroState();
        kernels.moments(x(turn), 0, 1, ...sizes, TABLES);
      },
    },
    normalize: {
      arrays: 2,
      run: (turn) => {
        kernels.normalize(x(turn), y(turn), ...sizes, TABLES);
      },
    },
    gradientSums: {
      arrays: 2,
      run: (turn) => {
        zeroState();
        kernels.gradientSums(dy(turn), x(turn), ...sizes, 0, TABLES);
      },
    },
    gradientNormalize: {
      arrays: 3,
      run: (turn) => {
        kernels.gradientNormalize(dy(turn), x(turn), y(turn), 0, 1, ...sizes, TABLES);
      },
    },
  } satisfies Record<string, Contender>;
}

function measure(shape: Shape) {
  const bytes = 4 * shape.sizes.reduce((a, b) => a * b);
  const contenders = Object.entries<Contender>(makeContenders(shape, bytes)).map(([name, contender]) => ({
    ...contender,
    name,
    times: [] as number[],
  }));
  const until = performance.now() + MEASURED_MS;
  let turn = 0;
  for (let round = 0; performance.now() < until || round < 2 * WARM_UP; round++) {
    for (const { run, times } of contenders) {
      const before = performance.now();
      run(turn++);
      if (round >= WARM_UP) times.push(performance.now() - before);
    }
  }
  const speeds = contenders.map(({ name, arrays, times }): [string, number] => [
    name,
    (arrays * bytes) / median(times) / 1e6,
  ]);
  const { read, copy, moments, normalize, gradientSums, gradientNormalize } = Object.fromEntries(
    speeds,
  ) as Record<keyof ReturnType<typeof makeContenders>, number>;
  return {
    shape: shape.name,
    'read GB/s': read,
    'copy GB/s': copy,
    moments: moments / read,
    normalize: normalize / copy,
    gradientSums: gradientSums / read,
    gradientNormalize: gradientNormalize / copy,
  };
}

export type PassesRow = ReturnType<typeof measure>;

/** Each pass at each shape, as a ratio to reading or copying. */
export const measurePasses = (): PassesRow[] => SHAPES.map(measure);
