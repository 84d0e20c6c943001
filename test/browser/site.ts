/** @file The page as a user would have it: bundled by Vite with the package as npm installs it, and served. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, build, preview } from 'vite';
import { ISOLATING_HEADERS } from '../../shared/isolating-headers.js';
import { ROOT } from '../docs/blocks.js';
import { type Installed, installLibrary } from '../package/installed.js';

const PAGE = fileURLToPath(new URL('page', import.meta.url));

/** Has the page import the package from the project that has installed it, by the package's `exports`. */
const fromInstalled = ({ folder }: Installed): Plugin => ({
  name: 'evenkeel from where it is installed',
  enforce: 'pre',
  async resolveId(source) {
    if (!/^evenkeel(\/|$)/.test(source)) return null;
    // As if that file imported it. Vite wants one that exists, or it looks for the package elsewhere.
    const found = await this.resolve(source, join(folder, 'package.json'));
    if (!found?.id.startsWith(folder))
      throw new Error(`${source} is found at ${found?.id}, not in ${folder}.`);
    return found;
  },
});

/** A site that is served. */
export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Bundles the page.
 *
 * @param place an empty folder
 * @returns the folder to be served
 */
export async function bundlePage(place: string): Promise<string> {
  const outDir = join(place, 'site');
  await build({
    ...{ root: PAGE, configFile: false, logLevel: 'error', base: './' },
    publicDir: join(ROOT, 'test/golden'),
    plugins: [fromInstalled(installLibrary(place))],
    build: {
      ...{ outDir, target: 'esnext', chunkSizeWarningLimit: 10_000 },
      // `compress` would break TF.js' threads, whose workers get the text of a function: it takes for granted there that
      // a variable of the function's surroundings is declared. docs/limits.md tells users.
      rolldownOptions: { output: { minify: { compress: false, mangle: true, codegen: true } } },
    },
  });
  return outDir;
}

/** Serves a folder, isolated from other sites or not. */
export async function serve(outDir: string, isIsolated: boolean): Promise<Site> {
  const server = await preview({
    ...{ root: PAGE, configFile: false, logLevel: 'error' },
    build: { outDir },
    preview: { port: 0, headers: isIsolated ? ISOLATING_HEADERS : {} },
  });
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() };
}
