import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { ISOLATING_HEADERS } from '../shared/isolating-headers.js';
import { licencesPlugins } from '../shared/licences.js';
import { argumentDocumentation } from './build/argument-documentation.js';
import { contentSecurityPolicy } from './build/content-security-policy.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** TF.js has chunks of its own, a backend each, so that the page's own size can be measured apart from theirs. */
const codeSplitting = {
  includeDependenciesRecursively: false,
  groups: [
    {
      debugName: 'tensorflow',
      test: /node_modules\/(@tensorflow|seedrandom|long|@webgpu)\//,
      name: (id: string) =>
        /@tensorflow\/(tfjs-[\w-]+)/.exec(id)?.[1]?.replace(/^/, 'tensorflow-') ?? 'tensorflow-core',
    },
  ],
};

const licences = licencesPlugins();

export default defineConfig({
  root: here('.'),
  // Relative, so that the folder works from any path.
  base: './',
  plugins: [argumentDocumentation(), contentSecurityPolicy(), licences.ofPage],
  resolve: {
    alias: [
      { find: /^evenkeel\/(\w+)$/, replacement: here('../src/$1/index.ts') },
      { find: /^evenkeel$/, replacement: here('../src/index.ts') },
    ],
  },
  server: { fs: { allow: ['..'] }, headers: ISOLATING_HEADERS },
  preview: { headers: ISOLATING_HEADERS },
  worker: {
    format: 'es',
    plugins: () => [licences.ofWorkers],
    rolldownOptions: { output: { codeSplitting } },
  },
  build: { target: 'es2023', emptyOutDir: true, chunkSizeWarningLimit: 2000 },
});
