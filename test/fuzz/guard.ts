/** @file Watches what a case may not touch: other files, the network, prototypes, and the console beyond a few words. */
import { createRequire } from 'node:module';
import { resolve, sep } from 'node:path';
import type { Finding } from './finding.js';

/** More than this is noise in which nobody reads the first one. */
const MOST_WARNINGS = 300;
const LONGEST_WARNING = 4000;

const PROTOTYPES = [Object, Array, Map, Set, String, Number, Function, Promise, Uint8Array].map(
  (one) => one.prototype as object,
);

const ownKeys = () => PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length).join();

/** By which of Node's functions files are read and written. */
const OPENING = ['readFile', 'open', 'writeFile', 'rename', 'rm', 'unlink'] as const;

type Opens = (path: unknown, ...others: unknown[]) => unknown;

export class Guard {
  #folder = '';
  #touched: string[] = [];
  #warnings = 0;
  #longest = '';
  #keys = ownKeys();

  constructor() {
    const files = createRequire(import.meta.url)('node:fs/promises') as Record<
      (typeof OPENING)[number],
      Opens
    >;
    for (const name of OPENING) {
      const original = files[name];
      files[name] = (path, ...others) => {
        if (typeof path === 'string') this.#note(name, path);
        return original(path, ...others);
      };
    }
    globalThis.fetch = (address) => {
      this.#touched.push(`fetch ${address instanceof Request ? address.url : String(address)}`);
      return Promise.reject(new TypeError('fetch failed'));
    };
    for (const name of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      console[name] = (...words: unknown[]) => {
        this.#warnings++;
        const text = words.map(String).join(' ');
        if (text.length > this.#longest.length) this.#longest = text;
      };
    }
  }

  #note(name: string, path: string): void {
    const place = resolve(path);
    if (this.#folder !== '' && !place.startsWith(this.#folder + sep) && place !== this.#folder) {
      this.#touched.push(`${name} ${path}`);
    }
  }

  /** From now on, files are those of this folder. */
  begin(folder: string): void {
    this.#folder = folder;
    this.#touched = [];
    this.#warnings = 0;
    this.#longest = '';
  }

  /** What was touched since {@link begin}. */
  end(): Finding[] {
    const findings: Finding[] = [];
    this.#folder = '';
    for (const touched of new Set(this.#touched)) {
      findings.push({
        signature: `touched: ${touched.split(' ')[0]!}`,
        what: `Outside its folder: ${touched.slice(0, 300)}`,
      });
    }
    if (this.#warnings > MOST_WARNINGS) {
      findings.push({
        signature: 'many warnings',
        what: `${this.#warnings} warnings, such as ${this.#longest.slice(0, 300)}`,
      });
    }
    if (this.#longest.length > LONGEST_WARNING) {
      findings.push({
        signature: 'a long warning',
        what: `A warning of ${this.#longest.length} characters: ${this.#longest.slice(0, 300)}`,
      });
    }
    const keys = ownKeys();
    if (keys !== this.#keys) {
      findings.push({
        signature: 'polluted prototype',
        what: `Prototypes have other properties: ${keys} for ${this.#keys}`,
      });
      this.#keys = keys;
    }
    return findings;
  }
}
