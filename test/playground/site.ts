/** @file The playground as it is published: built into a folder, and served from a path by a server that only knows files. */
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { build } from 'vite';
import { ISOLATING_HEADERS } from '../../shared/isolating-headers.js';
import { ROOT } from '../docs/blocks.js';

/** Where the folder stands on the server: not at its root. */
const BASE = '/some/where/';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
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

function serve(folder: string, headers: Readonly<Record<string, string>>): Server {
  return createServer(({ url }, response) => {
    const { pathname } = new URL(url!, 'http://localhost');
    const path = pathname.startsWith(BASE) ? pathname.slice(BASE.length) || 'index.html' : null;
    const file = path === null ? '' : join(folder, normalize(path));
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
}

export async function publish(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-playground-'));
  await build({
    configFile: join(ROOT, 'playground/vite.config.ts'),
    logLevel: 'error',
    define: { 'import.meta.env.VITE_SITE': JSON.stringify('../') },
    build: { outDir: folder, reportCompressedSize: false },
  });
  const servers = [{}, ISOLATING_HEADERS].map((headers) => serve(folder, headers));
  const listening = servers.map(async (server) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;
  });
  const [url, isolatedUrl] = await Promise.all(listening);
  return {
    url: url!,
    isolatedUrl: isolatedUrl!,
    read: (file) => readFile(join(folder, file || 'index.html')),
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      rmSync(folder, { recursive: true });
    },
  };
}
