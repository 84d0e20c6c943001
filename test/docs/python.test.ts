/** @file The Python in the documents runs in real tf-keras, and prints what it says: the comment after a `print`, or below it. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { findPython } from '../python.js';
import { DOCUMENTS, blocksOf } from './blocks.js';

const blocks = DOCUMENTS.flatMap((path) => blocksOf(path, 'python'));
const python = findPython();

/** All in one process, for TensorFlow takes seconds to start. Reads the blocks' code, and writes what each prints or raises. */
const PROGRAM = `
import contextlib, io, json, sys, traceback
import numpy as np, tensorflow as tf, tf_keras as keras

outputs = []
for code in json.load(sys.stdin):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            exec(code, {"np": np, "tf": tf, "keras": keras})
        except Exception:
            traceback.print_exc(file=output)
    outputs.append(output.getvalue())
print(json.dumps(outputs))
`;

/** The lines that a block says it prints. */
function promised(code: string): string {
  const lines = code.split('\n');
  const printed = lines.flatMap((line, i) => {
    if (!/^\s*print\(/.test(line)) return [];
    const comment = / {2}# (.*)$/.exec(line) ?? /^# (.*)$/.exec(lines[i + 1] ?? '');
    return [`${comment?.[1] ?? 'nothing is said about what this prints'}\n`];
  });
  return printed.join('');
}

test.skipIf(python === null)('Python prints what it says', { tags: ['keras'] }, () => {
  expect(blocks.length).toBeGreaterThan(20);
  const { stdout, stderr } = spawnSync(python!, ['-c', PROGRAM], {
    input: JSON.stringify(blocks.map(({ code }) => code)),
    encoding: 'utf8',
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', CUDA_VISIBLE_DEVICES: '' },
  });
  expect(stdout, stderr).not.toBe('');
  const outputs = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as string[];
  const told = (texts: readonly string[]) => texts.map((text, i) => `${blocks[i]!.place}\n${text}`);
  expect(told(outputs)).toEqual(told(blocks.map(({ code }) => promised(code))));
});
