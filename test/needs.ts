/**
 * @file What some tests need that not every machine has. A test that may skip bears the tag of what it needs, and the
 * summary at the end of a run says by the tag what would run it.
 */

/** A tag, as Vitest defines it. */
interface Need {
  readonly name: string;
  /** What it is, and what runs the tests with it. */
  readonly description: string;
}

/** From the general to the special: a test that needs several things counts as one that needs the last of them. */
export const NEEDS: readonly Need[] = [
  {
    name: 'browser',
    description:
      'Chromium or Chrome: sudo apt-get install chromium, or EVENKEEL_CHROMIUM=<its path> npm test',
  },
  {
    name: 'every-case',
    description:
      'some minutes, as webgpu and webgl are imitated: EVENKEEL_BROWSER=all npx vitest run test/browser',
  },
  {
    name: 'webgpu',
    description: "WebGPU in Node, on Debian's Chromium: sudo apt-get install chromium",
  },
  { name: 'gnu-parallel', description: 'GNU parallel: sudo apt-get install parallel' },
  { name: 'shells', description: 'zsh and fish: sudo apt-get install zsh fish' },
  { name: 'redis', description: "Redis' server: sudo apt-get install redis-server" },
  {
    name: 'spark',
    description:
      'Spark: EVENKEEL_SPARK=$(oracle/install.sh spark) npx vitest run test/examples/spark.test.ts',
  },
  { name: 'keras', description: 'real Keras, in Python: oracle/install.sh && npm test' },
  { name: 'mpi', description: 'MPICH: EVENKEEL_MPIEXEC=$(oracle/install.sh mpich) npm test' },
  { name: 'bun', description: 'Bun: npm install --no-save bun && npx vitest run test/package' },
  { name: 'deno', description: 'Deno: npm install --no-save deno && npx vitest run test/package' },
  { name: 'digits', description: "MNIST's four files: EVENKEEL_MNIST=<their folder> npm test" },
];
