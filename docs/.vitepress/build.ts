/** @file Builds the site into a folder: the pages of the API, all pages, and the playground. `--out` names another folder. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build as buildPlayground } from 'vite';
import { build as buildPages } from 'vitepress';
import { makeApiPages } from './api.js';
import { ROOT } from './project.js';

const { out = `${ROOT}docs/.vitepress/dist` } = parseArgs({ options: { out: { type: 'string' } } }).values;
const outDir = resolve(out);

await makeApiPages();
await buildPages(`${ROOT}docs`, { outDir });

// From its header lead links to the pages.
process.env.VITE_SITE = '../';
await buildPlayground({
  configFile: `${ROOT}playground/vite.config.ts`,
  logLevel: 'warn',
  build: { outDir: join(outDir, 'playground'), reportCompressedSize: false },
});
