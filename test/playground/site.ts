/** @file The playground as it is published: built into a folder, and served from a path by a server that only knows files. */
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { build } from 'vite';
import { ISOLATING_HEADERS } from '../../shared/isolating-headers.js';
import { ROOT } from '../docs/blocks.js';

/** Where the folder stands on the server: not at its root. */
export const BASE = '/some/where/';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
};

export interface Site {
  readonly url: string;
  /** The same, isolated from other sites by its server. */
  readonly isolatedUrl: string;
  /** What a file of it holds; the page itself where no name is given. */
  read(file: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** A folder that is served. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

export async function serve(folder: string, headers: Readonly<Record<string, string>> = {}): Promise<Served> {
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url!, 'http://localhost');
    const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : null;
    const file = path === null ? '' : join(folder, normalize(path.replace(/(^|\/)$/, '$1index.html')));
    if (path === null || !file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      ...headers,
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function publish(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-playground-'));
  await build({
    configFile: join(ROOT, 'playground/vite.config.ts'),
    logLevel: 'error',
    define: { 'import.meta.env.VITE_SITE': JSON.stringify('../') },
    build: { outDir: folder, reportCompressedSize: false },
  });
  const servers = await Promise.all([serve(folder), serve(folder, ISOLATING_HEADERS)]);
  return {
    url: servers[0].url,
    isolatedUrl: servers[1].url,
    read: (file) => readFile(join(folder, file || 'index.html')),
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      rmSync(folder, { recursive: true });
    },
  };
}
