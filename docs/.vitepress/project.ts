/** @file Where the project is: its folder, and its address, which package.json alone says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Manifest {
  readonly description: string;
  readonly repository: { readonly url: string };
}

export const MANIFEST = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Manifest;

/** Where people read the repository, without a slash at its end. */
export const REPOSITORY = MANIFEST.repository.url.replace(/^git\+|\.git$/g, '');

/** The path below which the site stands on its server, with a slash at both ends. */
export const BASE = process.env.SITE_BASE ?? '/';

if (!/^\/([^/]+\/)*$/.test(BASE)) {
  throw new Error(`SITE_BASE is '${BASE}': give a path with a slash at both ends, such as /evenkeel/.`);
}
