/** @file Starts a worker, of the page or of another worker. */
import type { WorkerName } from './connection.js';

/**
 * The worker's script in a blob, since a worker that is made of one has the page's Content-Security-Policy. One from an
 * address has only what the server sends with it.
 *
 * @param script its whole address
 */
export function makeWorker(name: WorkerName, script: string): Worker {
  const code = `import ${JSON.stringify(script)};`;
  const address = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const worker = new Worker(address, { type: 'module', name });
  // The script is fetched by its first message, or never.
  const forget = () => {
    URL.revokeObjectURL(address);
  };
  worker.addEventListener('message', forget, { once: true });
  worker.addEventListener('error', forget, { once: true });
  return worker;
}
