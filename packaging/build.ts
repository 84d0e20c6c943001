/** @file Adds to `dist`, which the compiler has filled with modules, what is for other ways of loading them. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildScript } from './script-file.js';
import { makeCommonJs } from './common-js.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

await makeCommonJs(ROOT);
await buildScript(join(ROOT, 'dist'));
