/** @file Finds a Chromium and starts it without a window and without a GPU: SwiftShader stands in for one. */
import { type Browser, chromium } from 'playwright-core';
import { findProgram } from '../programs.js';

/** The names under which Chromium and its relatives are installed. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const FLAGS = [
  // Containers seldom allow what its sandbox needs. The pages are our own.
  '--no-sandbox',
  ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  ...['--use-angle=swiftshader', '--enable-unsafe-swiftshader'],
];

/** The path of the Chromium to test in, which EVENKEEL_CHROMIUM may name; null if there is none. */
export const findChromium = (): string | null => findProgram('EVENKEEL_CHROMIUM', ...NAMES);

/** Starts a Chromium. */
export const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: FLAGS });
