/** @file Runs the AssemblyScript compiler. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * The module that `entry`, a path from the repository's folder, compiles to.
 *
 * The compiler runs as a program: imported, its types would change those of arrays for every file of the project.
 */
export function compile(entry: string, options: readonly string[]): Uint8Array<ArrayBuffer> {
  const compiler = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  const folder = mkdtempSync(join(tmpdir(), 'kernels-'));
  const outFile = join(folder, 'kernels.wasm');
  try {
    const args = [entry, ...options, '--outFile', outFile];
    execFileSync(process.execPath, [compiler, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return readFileSync(outFile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
