/** @file A process that tries one case after another, and says how each went. Whoever started it watches its time and memory. */
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { makeCase } from './cases.js';
import { type Finding, framesIn } from './finding.js';
import { MAKING, type Request, type Response } from './runner.js';
import type { tryCase } from './trial.js';

const [, , trialPath, folder] = process.argv;
const trial = (await import(pathToFileURL(trialPath!).href)) as { tryCase: typeof tryCase };

const say = (response: Response) => process.send!(response);
const peak = () => process.resourceUsage().maxRSS * 1024;

/** What ends a user's process too. */
const rejections: Finding[] = [];
process.on('unhandledRejection', (error) => {
  const { stack = String(error) } = error as Error;
  const signature = `an unhandled rejection at ${framesIn(stack.split('\n'))}`;
  rejections.push({ signature, what: `An unhandled rejection: ${stack}` });
});

async function serve(request: Request): Promise<void> {
  say({ step: MAKING });
  const one = request.case ?? (await makeCase(request.seed, request.number));
  const bytes = one.files.reduce((sum, file) => sum + file.bytes.byteLength, 0);
  const rest = process.memoryUsage.rss();
  const peakBefore = peak();
  say({ step: 'begin', bytes, recipe: one.recipe });
  const findings = await trial.tryCase(one, join(folder!, 'case'), (step) => say({ step }));
  await breathe();
  // The peak of the process is that of this case, if it is a new one.
  const took = peak() > peakBefore ? peak() - rest : 0;
  say({ done: true, findings: [...findings, ...rejections.splice(0)], took, peak: peak() });
}

process.on('message', (request: Request) => {
  serve(request).catch((error: unknown) => {
    // A fault of this program's own.
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`, () => process.exit(1));
  });
});

// Whoever started this may have ended.
process.on('disconnect', () => {
  process.exit();
});
say({ step: 'ready' });
