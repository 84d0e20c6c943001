/** @file What TF.js does not promise is named in one file, beside what concerns the memory of backends. */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { readText, sourceFiles } from '../docs/blocks.js';

const INTERNALS = 'src/model/tensorflow-internals.ts';

/** Fields of TF.js' classes that are private, or that no documentation names. */
const NAMES = new Set([
  ...[
    '_trainableWeights',
    '_nonTrainableWeights',
    '_addedWeightNames',
    'classNameMap',
    'activeTape',
    'dataIdMap',
  ],
  ...[
    'inboundNodes',
    'outboundLayer',
    'inputTensors',
    'outputTensors',
    'callArgs',
    'nodeIndex',
    'tensorIndex',
  ],
]);

/** Where a name is also a key of the configurations of TF.js, which is the same on disk. */
const KEYS: Record<string, readonly string[]> = {
  inboundNodes: ['layer-config', 'import-config', 'import-graph', 'order-graph', 'export-config'].map(
    (name) => `src/keras/${name}.ts`,
  ),
};

/** The names in a file's code, not in its comments. */
function namesIn(path: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isIdentifier(node) || ts.isStringLiteral(node)) names.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readText(path), ts.ScriptTarget.Latest));
  return names;
}

test("TF.js' internals are named in one file", () => {
  const others = sourceFiles('src').filter((path) => path !== INTERNALS && !path.startsWith('src/backends/'));
  const named = others.flatMap((path) =>
    namesIn(path)
      .filter((name) => NAMES.has(name) && !KEYS[name]?.includes(path))
      .map((name) => `${path}: ${name}`),
  );
  expect(namesIn(INTERNALS).filter((name) => NAMES.has(name)).length).toBeGreaterThan(5);
  expect(named).toEqual([]);
});
