/** @file What of Node is used to write files. */
import { nodeModule } from '../node-modules.js';

/** Of a file, with numbers that hold any device and inode. */
export interface Status {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly mtimeMs: bigint;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

interface Handle {
  writeFile(data: Uint8Array, options: { signal: AbortSignal | undefined }): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface FileSystem {
  readonly promises: { open(path: string, flags: 'r+'): Promise<Handle> };
  readonly constants: { readonly W_OK: number; readonly X_OK: number; readonly COPYFILE_EXCL: number };
  /** undefined where there is nothing. */
  statSync(path: string, options: { bigint: true; throwIfNoEntry: false }): Status | undefined;
  lstatSync(path: string, options: { bigint: true; throwIfNoEntry: false }): Status | undefined;
  readlinkSync(path: string): string;
  readonly realpathSync: { native(path: string): string };
  accessSync(path: string, mode: number): void;
  readdirSync(path: string): string[];
  openSync(path: string, flags: 'r'): number;
  readSync(file: number, into: Uint8Array): number;
  fsyncSync(file: number): void;
  closeSync(file: number): void;
  readFileSync(path: string, encoding: 'utf8' | 'latin1'): string;
  writeFileSync(path: string, data: string, options: { flag: 'wx'; mode?: number }): void;
  linkSync(from: string, to: string): void;
  copyFileSync(from: string, to: string, mode: number): void;
  renameSync(from: string, to: string): void;
  rmSync(path: string, options: { force: true }): void;
  chownSync(path: string, uid: number, gid: number): void;
  chmodSync(path: string, mode: number): void;
}

interface Hash {
  update(data: Uint8Array): Hash;
  digest(encoding: 'hex'): string;
}

/** The modules, by what this package calls them. */
interface Modules {
  readonly fs: FileSystem;
  readonly paths: {
    readonly sep: string;
    basename(path: string, suffix?: string): string;
    dirname(path: string): string;
    extname(path: string): string;
    isAbsolute(path: string): boolean;
    join(...parts: string[]): string;
  };
  readonly process: {
    readonly pid: number;
    kill(pid: number, signal: 0): void;
    on(event: 'exit', listener: () => void): void;
    off(event: 'exit', listener: () => void): void;
  };
  readonly os: { hostname(): string };
  readonly crypto: { createHash(algorithm: 'sha256'): Hash };
}

/**
 * @param path what they are needed for
 * @throws ValueError where there is no Node
 */
export const writingModules = (path: string): Modules => ({
  fs: nodeModule('node:fs', path) as FileSystem,
  paths: nodeModule('node:path', path) as Modules['paths'],
  process: nodeModule('node:process', path) as Modules['process'],
  os: nodeModule('node:os', path) as Modules['os'],
  crypto: nodeModule('node:crypto', path) as Modules['crypto'],
});

/** How files are asked for their status. */
export const STATUS = { bigint: true, throwIfNoEntry: false } as const;
