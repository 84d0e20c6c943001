/** @file Copies what reports are made of, besides code, to where the compiled command looks for it: beside that code. */
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

for (const folder of ['cli/src/report', 'shared/report']) {
  cpSync(pathOf(`../${folder}`), pathOf(`dist/${folder}`), {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  });
}
