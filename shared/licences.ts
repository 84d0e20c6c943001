/** @file Licences of the packages that a bundle holds, which ask to go where the bundle goes. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The folders of the packages that modules are from. */
function packagesOf(modules: Iterable<string>): string[] {
  const folders = Array.from(modules, (id) => /^[^\0].*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]);
  return [...new Set(folders)].filter((folder) => folder !== undefined).sort();
}

/** @throws Error where the package names none, and so may not be published in a bundle */
function licenceOf(folder: string): string {
  const name = folder.replace(/^.*\/node_modules\//, '');
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  if (file !== undefined) return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  const { license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { license?: string };
  if (license !== undefined) return `${name}\n\n${license}\n`;
  throw new Error(`${folder} has no licence, and may not go into what is published.`);
}

/** The text of a file for the packages that these modules are from, `/…/node_modules/pako/dist/pako.mjs` and the like. */
export const licencesOf = (modules: Iterable<string>): string =>
  packagesOf(modules)
    .map(licenceOf)
    .join(`\n${'-'.repeat(80)}\n\n`);

type Bundle = Readonly<Record<string, { readonly type: string; readonly moduleIds?: readonly string[] }>>;

interface Context {
  emitFile(file: { type: 'asset'; fileName: string; source: string }): string;
}

/** Plugins of Vite, of any version: one for the workers of a page, one for the page, which writes `licences.txt` for all. */
export function licencesPlugins() {
  const modules = new Set<string>();
  const collect = (bundle: Bundle) => {
    for (const { moduleIds = [] } of Object.values(bundle)) for (const id of moduleIds) modules.add(id);
  };
  return {
    ofWorkers: {
      name: 'licences of workers',
      generateBundle(_: unknown, bundle: Bundle) {
        collect(bundle);
      },
    },
    // Workers are bundled before the page that begins them.
    ofPage: {
      name: 'licences',
      generateBundle(this: Context, _: unknown, bundle: Bundle) {
        collect(bundle);
        this.emitFile({ type: 'asset', fileName: 'licences.txt', source: licencesOf(modules) });
      },
    },
  };
}
