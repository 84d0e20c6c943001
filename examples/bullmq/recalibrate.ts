/**
 * @file Recalibrates a model on many shards of data by BullMQ: adds a job for each shard, and one that merges them, for
 * each round. The workers, work.ts, do them.
 *
 *     REDIS_URL=redis://10.0.0.5:6379 npx tsx recalibrate.ts MODEL OUTPUT SHARDS [OPTION...]
 *
 * SHARDS is a folder of .npy files, which the workers must see by the same path; OPTION is one of `evenkeel moments`,
 * such as --one-pass, --divide-by 255, --batch-size 128.
 */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FlowProducer, QueueEvents } from 'bullmq';
import { type CollectData, type MergeData, QUEUE, connection, evenkeel, withFile } from './jobs.js';

const [model, output, folder, ...options] = process.argv.slice(2);
if (model === undefined || output === undefined || folder === undefined) {
  throw new Error('usage: recalibrate.ts MODEL OUTPUT SHARDS [OPTION...]');
}
const names = (await readdir(folder)).filter((name) => name.endsWith('.npy'));
const shards = names.map((name) => resolve(join(folder, name)));

const flows = new FlowProducer({ connection });
const events = new QueueEvents(QUEUE, { connection });
events.on('failed', ({ jobId, failedReason }) => {
  console.error(`Job ${jobId}: ${failedReason}`);
});

/** Adds the jobs of a round, and waits for the one that merges. */
async function runRound(given: string | undefined) {
  const { job } = await flows.add({
    name: 'merge',
    queueName: QUEUE,
    data: { shards: shards.length, given } satisfies MergeData,
    children: shards.map((shard) => ({
      name: 'collect',
      queueName: QUEUE,
      data: { model: resolve(model!), shard, options, given } satisfies CollectData,
      opts: { attempts: 3, backoff: { type: 'exponential', delay: 1000 }, failParentOnFailure: true },
    })),
  });
  try {
    return { merge: job, lines: (await job.waitUntilFinished(events)) as string };
  } catch (error) {
    await job.removeUnprocessedChildren();
    throw error;
  }
}

try {
  // One round for each batch normalization, since what it gets depends on those before it; with --one-pass only one.
  const rounds = Number(await evenkeel('moments', model, '--count', ...options));
  const merges = [];
  let lines = '';
  for (let round = 0; round < rounds; round += 1) {
    const done = await runRound(merges.at(-1)?.id);
    merges.push(done.merge);
    lines = done.lines;
  }
  await withFile(lines, (path) =>
    evenkeel('recalibrate', model, output, '--moments', path, '--shards', String(shards.length)),
  );
  // With all its shards. What failed stays, to be looked at.
  for (const merge of merges) await merge.remove({ removeChildren: true });
} finally {
  await events.close();
  await flows.close();
}
