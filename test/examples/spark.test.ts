/** @file The example for Spark, on a cluster of two workers with a core each. */
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { collectUndos } from '../after-all.js';
import { makeFolder, readWeights } from '../cli/files.js';
import { ROOT } from '../docs/blocks.js';
import { inNamespace } from '../../shared/namespace.js';
import { bundleCommand, makeCommand, runProgram } from './command.js';
import { OPTIONS, type Task, makeTask, recalibrateAlone } from './shards.js';

/** A Python that has pyspark. */
const python = process.env.EVENKEEL_SPARK;

describe.skipIf(!python)('Spark', { tags: ['spark'] }, () => {
  const undoAfterAll = collectUndos();
  let task: Task;
  let program: string;

  beforeAll(async () => {
    task = await makeTask(makeFolder(undoAfterAll));
    program = await bundleCommand(undoAfterAll);
  });

  it(
    'gives the bits of one process, layer by layer, though a process is killed',
    { timeout: 600_000 },
    async () => {
      const folder = makeFolder();
      const repaired = join(folder, 'repaired.h5');
      const { env, hasDied } = makeCommand(folder, program, 'itself');
      const [unshare, ...args] = inNamespace(
        ...[join(dirname(python!), 'spark-submit'), '--master', 'local-cluster[2,1,1024]'],
        ...[
          join(ROOT, 'examples/spark/recalibrate.py'),
          task.model,
          repaired,
          task.shards,
          join(folder, 'work'),
        ],
        ...OPTIONS,
      );
      const { code, output } = await runProgram(unshare, args, {
        ...env,
        PYSPARK_PYTHON: python,
        // The machine's own name leads to an interface that is not up.
        SPARK_LOCAL_IP: '127.0.0.1',
        SPARK_LOCAL_HOSTNAME: 'localhost',
      });
      expect(code, output).toBe(0);
      expect(hasDied()).toBe(true);
      expect(await readWeights(repaired)).toEqual(await recalibrateAlone(task));
    },
  );
});
