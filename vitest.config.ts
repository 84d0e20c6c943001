import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { NEEDS } from './test/needs.js';
import SkippedTests from './test/summary.js';

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^evenkeel\/(\w+)$/, replacement: source('$1/index.ts') },
      { find: /^evenkeel$/, replacement: source('index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // By default one core is left to what watches, which with two is half of them.
    maxWorkers: '100%',
    tags: [...NEEDS],
    reporters: ['default', new SkippedTests()],
    // TF.js' advice to install another backend.
    onConsoleLog: (log) => !log.includes('Hi, looks like you are running TensorFlow.js in Node.js'),
  },
});
