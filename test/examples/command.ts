/** @file The command as the examples call it: by its name, from PATH. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { ROOT } from '../docs/blocks.js';

/**
 * Bundles the command as it is now, for the tests of a file: it starts twice as fast as its many sources do.
 *
 * @param removeAfter calls its argument when the tests are done
 * @returns the program's path, within the repository, where it finds the packages that it needs
 */
export async function bundleCommand(removeAfter: (remove: () => void) => void): Promise<string> {
  mkdirSync(join(ROOT, 'out'), { recursive: true });
  const outDir = mkdtempSync(join(ROOT, 'out/command-'));
  removeAfter(() => {
    rmSync(outDir, { recursive: true });
  });
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    resolve: { tsconfigPaths: true },
    build: { ssr: join(ROOT, 'cli/src/main.ts'), outDir, emptyOutDir: false },
  });
  return join(outDir, 'main.js');
}

/** Who dies with the first process that collects moments. */
export type Casualty = 'nobody' | 'itself' | 'its parent';

export interface CommandFolder {
  /** With the folder on PATH. */
  readonly env: NodeJS.ProcessEnv;
  /** Whether a process has died. */
  readonly hasDied: () => boolean;
}

/** Makes a folder on PATH that holds the command. */
export function makeCommand(folder: string, program: string, casualty: Casualty = 'nobody'): CommandFolder {
  const bin = join(folder, 'bin');
  const mark = join(folder, 'died');
  mkdirSync(bin);
  const killing = fileURLToPath(new URL('killed.js', import.meta.url));
  const [environment, flags] =
    casualty === 'nobody'
      ? ['', '']
      : [`EVENKEEL_TEST_MARK='${mark}' EVENKEEL_TEST_CASUALTY='${casualty}' `, `--import '${killing}'`];
  const path = join(bin, 'evenkeel');
  writeFileSync(path, `#!/bin/sh\n${environment} exec '${process.execPath}' ${flags} '${program}' "$@"\n`);
  chmodSync(path, 0o755);
  return {
    env: { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) },
    hasDied: () => existsSync(mark),
  };
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end. */
export function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      resolve({ code, output });
    });
  });
}
