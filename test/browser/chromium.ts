/** @file Finds a Chromium and starts it without a window and without a GPU: SwiftShader stands in for one. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** The names under which Chromium and its relatives are installed. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const FLAGS = [
  // Containers seldom allow what its sandbox needs. The pages are our own.
  '--no-sandbox',
  ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  ...['--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The path of the Chromium to test in: that of the environment variable EVENKEEL_CHROMIUM, or the first on PATH; null
 * if there is none.
 *
 * @throws if the variable names what cannot be executed: who asks for a browser is not to be left without the tests
 */
export function findChromium(): string | null {
  const { EVENKEEL_CHROMIUM: named, PATH = '' } = process.env;
  if (named) {
    if (!isExecutable(named))
      throw new Error(`EVENKEEL_CHROMIUM is ${named}, which cannot be executed. It is a path.`);
    return named;
  }
  const paths = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return paths.find(isExecutable) ?? null;
}

/** Starts a Chromium. */
export const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: FLAGS });
