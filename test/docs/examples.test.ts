/**
 * @file Runs every example of the documents and of the comments in `src`, and compares what it prints with what it says
 * it prints: the comment after a `console.log`, on its line or alone on the next.
 *
 * Each example is checked by the TypeScript compiler first, and runs in a folder of its own that holds `model/`, a saved
 * model with renorm, and `model.h5`, one that tf-keras wrote, for those that load a model from files, and `x_train.npy`;
 * and `examples/`, the repository's.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { format, promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import * as evenkeel from 'evenkeel';
import * as core from 'evenkeel/core';
import * as distributed from 'evenkeel/distributed';
import * as keras from 'evenkeel/keras';
import * as threads from 'evenkeel/threads';
import * as tools from 'evenkeel/tools';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MPIEXEC, mpiCommand } from '../../shared/mpi-job.js';
import { splitModel } from '../../shared/tfjs-files.js';
import { npy } from '../cli/files.js';
import { type Packed, unpack } from '../golden/index.js';
import { modelNamed, readModel } from '../keras-files/golden.js';
import { type Block, DOCUMENTS, ROOT, blocksOf, examplesOf, sourceFiles } from './blocks.js';

/** Within the repository, so that the examples find its packages; one for each run, since two may go on at once. */
mkdirSync(`${ROOT}out`, { recursive: true });
const FOLDER = mkdtempSync(`${ROOT}out/examples-`);

interface Example extends Block {
  /** The code as a module of its own. */
  readonly module: string;
  readonly file: string;
}

/** Comments in `src` leave out the imports, which a reader of that file can do without; a module cannot. */
function withImports({ place, code }: Block): string {
  if (/^import /m.test(code)) return code;
  const isCore = place.startsWith('src/core/');
  const entries: Record<string, object> = isCore
    ? { 'evenkeel/core': core }
    : {
        evenkeel,
        'evenkeel/distributed': distributed,
        'evenkeel/keras': keras,
        'evenkeel/threads': threads,
        'evenkeel/tools': tools,
      };
  const libraries = Object.entries(entries).map(([entry, exported]) => {
    const names = Object.keys(exported).filter((name) => new RegExp(`\\b${name}\\b`).test(code));
    return names.length > 0 ? `import { ${names.join(', ')} } from '${entry}';\n` : '';
  });
  return (isCore ? '' : `import * as tf from '@tensorflow/tfjs';\n`) + libraries.join('') + code;
}

const documented = DOCUMENTS.flatMap((path) => blocksOf(path, 'ts', 'js')).filter(
  ({ only }) => only !== 'shown',
);
const commented = sourceFiles('src').flatMap(examplesOf);
const examples: Example[] = [...documented, ...commented].map((block, i) => ({
  ...block,
  module: withImports(block),
  file: `${FOLDER}/example${i}.ts`,
}));

/** The lines that an example says it prints. */
function promised(code: string): string[] {
  const lines = code.split('\n');
  return lines.flatMap((line, i) => {
    if (!line.includes('console.log(')) return [];
    // A call of several lines ends where a bracket stands as far in as the call.
    const end = line.endsWith('(') ? lines.indexOf(`${/^ */.exec(line)![0]});`, i) : i;
    const comment = /; \/\/ (.*)$/.exec(lines[end]!) ?? /^\/\/ (.*)$/.exec(lines[end + 1] ?? '');
    return [comment?.[1] ?? 'nothing is said about what this prints'];
  });
}

async function saveModel(folder: string): Promise<void> {
  const model = tf.sequential();
  evenkeel.layerBatchNormalization(model, { renorm: true, inputShape: [4] });
  const { shards, topology } = await splitModel(model);
  const name = 'group1-shard1of1.bin';
  writeFileSync(`${folder}/model.json`, topology([name]));
  writeFileSync(`${folder}/${name}`, shards[0]!);
}

const nested = (packed: Packed) => tf.tensor([...unpack(packed)], packed.shape).arraySync();

/** Models that tf-keras wrote, and what it computed: predictions by the one, a training that goes on by the other. */
function saveKerasFiles(folder: string): void {
  const model = modelNamed('tf-keras-mlp-renorm.h5');
  const trained = modelNamed('tf-keras-adam.h5');
  const [x, y] = [model.inputs[0]!, model.outputs[0]!].map(nested);
  const [inputs, targets] = [trained.inputs[0]!, trained.targets![0]!].map(nested);
  writeFileSync(`${folder}/model.h5`, readModel(model));
  writeFileSync(`${folder}/check.json`, JSON.stringify({ x, y }));
  writeFileSync(`${folder}/trained.h5`, readModel(trained));
  writeFileSync(`${folder}/trained.json`, JSON.stringify({ x: inputs, y: targets, losses: trained.resumed }));
}

const before = process.cwd();

beforeAll(async () => {
  mkdirSync(`${FOLDER}/model`);
  for (const { file, module } of examples) writeFileSync(file, module);
  await saveModel(`${FOLDER}/model`);
  saveKerasFiles(FOLDER);
  writeFileSync(`${FOLDER}/x_train.npy`, npy('<f4', [100, 2], new Uint8Array(800)));
  symlinkSync(`${ROOT}examples`, `${FOLDER}/examples`);
  process.chdir(FOLDER);
});

afterAll(() => {
  process.chdir(before);
  rmSync(FOLDER, { recursive: true });
});

test('there are examples: in the README, of the layer and of the core', () => {
  expect(documented.length).toBeGreaterThanOrEqual(6);
  expect(commented.filter(({ place }) => place.startsWith('src/layer/')).length).toBeGreaterThanOrEqual(3);
  expect(commented.filter(({ place }) => place.startsWith('src/core/')).length).toBeGreaterThanOrEqual(3);
});

/** Examples of a group of threads or processes are programs, which run several times at once. */
const isOfThreads = ({ code }: Block) => code.includes('trainOnThreads(');
const isOfProcesses = ({ code }: Block) => code.includes("'evenkeel/mpi'");
/** One that chooses a backend would choose it for those after it. */
const isProgram = (block: Block) => isOfThreads(block) || block.code.includes('setBackend(');

async function linesOfProgram({ file }: Example, ranks: number): Promise<string[]> {
  const args = ['--import', 'tsx', file];
  const {
    program,
    args: all,
    env,
  } = ranks ? mpiCommand(MPIEXEC!, ranks, args) : { program: process.execPath, args, env: process.env };
  const { stdout } = await promisify(execFile)(program, all, { env });
  return stdout.trimEnd().split('\n');
}

/** What an example prints. */
async function linesOf(example: Example): Promise<string[]> {
  if (isProgram(example)) return linesOfProgram(example, 0);
  if (isOfProcesses(example)) return linesOfProgram(example, 2);
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
    printed.push(format(...values));
  });
  try {
    await import(/* @vite-ignore */ example.file);
  } finally {
    log.mockRestore();
  }
  return printed;
}

describe.each(examples.filter(({ only }) => only === undefined))('the example at $place', (example) => {
  const needs = isOfProcesses(example) ? ['mpi'] : [];
  test.skipIf(needs.length > 0 && !MPIEXEC)('prints what it says', { tags: needs }, async () => {
    expect(await linesOf(example)).toEqual(promised(example.code));
  });
});

test('the compiler accepts every example', () => {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  // An example may name something without using it.
  const compilerOptions = { ...config.compilerOptions, noUnusedLocals: false };
  const { options } = ts.parseJsonConfigFileContent({ compilerOptions, files: [] }, ts.sys, ROOT);
  const files = examples.map(({ file }) => file);
  const program = ts.createProgram(files, options);
  // Of the examples alone: `npm run check:types` checks `src`, which they import.
  const problems = files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
  expect(
    problems.map(({ file, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      return `${examples.find((example) => example.file === file?.fileName)?.place ?? ''}: ${text}`;
    }),
  ).toEqual([]);
});
