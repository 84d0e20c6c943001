import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^evenkeel\/core$/, replacement: source('core/index.ts') },
      { find: /^evenkeel\/tools$/, replacement: source('tools/index.ts') },
      { find: /^evenkeel\/keras$/, replacement: source('keras/index.ts') },
      { find: /^evenkeel$/, replacement: source('index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
