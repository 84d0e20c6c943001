/**
 * @file A worker: collects the moments of shards and merges them, as jobs in Redis ask for. Start any number of them,
 * on any machines, before or after recalibrate.ts. If one dies, its jobs go to the others; what it had begun counts for
 * nothing.
 *
 *     REDIS_URL=redis://10.0.0.5:6379 npx tsx work.ts
 *
 * It needs `npm install bullmq ioredis tsx`, and `npm install --global evenkeel-cli`: the command computes in a process
 * of its own, so that this one is free to tell Redis that it lives.
 */
import { availableParallelism } from 'node:os';
import { type Job, Queue, Worker } from 'bullmq';
import { type CollectData, type MergeData, QUEUE, connection, evenkeel, withFile } from './jobs.js';

/** After so many milliseconds without a word of a worker, its jobs go to others. */
const patience = Number(process.env.PATIENCE ?? 30_000);

const queue = new Queue(QUEUE, { connection });

/** The lines of all rounds before. They lie in Redis once, as what the last merge gave. */
async function linesOf(given: string | undefined): Promise<string> {
  if (given === undefined) return '';
  const merge = (await queue.getJob(given)) as Job<MergeData, string> | undefined;
  if (!merge)
    throw new Error(`Job ${given}, which has what the rounds before gave, is not in Redis any more.`);
  return merge.returnvalue;
}

const collect = async ({ model, shard, options, given }: CollectData): Promise<string> =>
  withFile(await linesOf(given), (path) =>
    evenkeel(
      'moments',
      model,
      '--data',
      shard,
      ...(given === undefined ? [] : ['--given', path]),
      ...options,
    ),
  );

async function merge(job: Job<MergeData>): Promise<string> {
  const { shards, given } = job.data;
  const lines = Object.values(await job.getChildrenValues<string>());
  const merged = await withFile(lines.join(''), (path) =>
    evenkeel('merge', path, '--shards', String(shards)),
  );
  return (await linesOf(given)) + merged;
}

const worker = new Worker(
  QUEUE,
  (job: Job): Promise<string> =>
    job.name === 'merge' ? merge(job as Job<MergeData>) : collect((job as Job<CollectData>).data),
  {
    connection,
    concurrency: availableParallelism(),
    lockDuration: patience,
    stalledInterval: patience,
    // A shard may lose its worker so often.
    maxStalledCount: 3,
  },
);
worker.on('failed', (job, error) => {
  console.error(`${job?.id ?? 'A job'}: ${error.message}`);
});
worker.on('error', (error) => {
  console.error(error.message);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // What it has begun is finished first.
  process.once(signal, () => void worker.close().then(() => queue.close()));
}
