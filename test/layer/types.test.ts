/** @file What TypeScript says of mistakes: each error stands at the argument that is wrong, and names it. */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { ROOT } from '../docs/blocks.js';

const START = `
import type * as tf from '@tensorflow/tfjs';
import { BatchNormalization, layerBatchNormalization } from 'evenkeel';
declare const [model, x, symbolic, layer]: [tf.Sequential, tf.Tensor2D, tf.SymbolicTensor, tf.layers.Layer];
`;

const NO_STRING = "Type 'string' is not assignable to type 'number'.";
const NO_SUCH_NAME =
  "'momentun' does not exist in type 'BatchNormalizationArgs'. Did you mean to write 'momentum'?";

/** A line of code, where in it the error is to stand, and how its last sentence ends. */
const MISTAKES: readonly [code: string, at: string, ending: string][] = [
  ["layerBatchNormalization({ momentum: '0.9' });", 'momentum:', NO_STRING],
  ["new BatchNormalization({ momentum: '0.9' });", 'momentum:', NO_STRING],
  ["layerBatchNormalization(null, { momentum: '0.9' });", 'momentum:', NO_STRING],
  ["layerBatchNormalization(model, { momentum: '0.9' });", 'momentum:', NO_STRING],
  ["layerBatchNormalization(x, { momentum: '0.9' });", 'momentum:', NO_STRING],
  ["layerBatchNormalization(symbolic, { momentum: '0.9' });", 'momentum:', NO_STRING],
  ["layerBatchNormalization(layer, { momentum: '0.9' });", 'momentum:', NO_STRING],
  ['layerBatchNormalization({ momentun: 0.9 });', 'momentun:', "Did you mean to write 'momentum'?"],
  ['layerBatchNormalization(model, { momentun: 0.9 });', 'momentun:', NO_SUCH_NAME],
  ['layerBatchNormalization(x, { momentun: 0.9 });', 'momentun:', NO_SUCH_NAME],
  ['layerBatchNormalization({ axis: null });', 'axis:', "type 'number | readonly number[] | undefined'."],
  [
    "layerBatchNormalization({ renormClipping: { rmax: '3' } });",
    'rmax:',
    "'number | Tensor<Rank> | null | undefined'.",
  ],
];

test('each mistake is reported where it is', () => {
  const file = `${ROOT}mistakes.ts`;
  const text = START + MISTAKES.map(([code]) => code).join('\n');
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, version) =>
    path === file ? ts.createSourceFile(path, text, version) : getSourceFile(path, version);
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file)!;
  const found = program.getSemanticDiagnostics(source).map(({ start, messageText }) => {
    const { line, character } = source.getLineAndCharacterOfPosition(start!);
    return [line, character, ts.flattenDiagnosticMessageText(messageText, '\n')] as const;
  });
  const first = START.split('\n').length - 1;
  expect(found.map(([line, character]) => [line, character])).toEqual(
    MISTAKES.map(([code, at], i) => [first + i, code.indexOf(at)]),
  );
  for (const [i, [, , ending]] of MISTAKES.entries()) {
    expect(found[i]![2].slice(-ending.length)).toBe(ending);
  }
});
