/** @file The workflows of GitHub: they call the scripts that everybody calls, and actions of others by their commit. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ROOT, readText } from '../docs/blocks.js';

const FOLDER = '.github/workflows';

const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };

describe.each(readdirSync(`${ROOT}${FOLDER}`))('%s', (name) => {
  const text = readText(`${FOLDER}/${name}`);

  test('has no rights but those to read, where it does not ask for others', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n\n/m);
  });

  test('names the commit of every action', () => {
    const actions = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action);
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40} # v[\d.]+$/);
  });

  test('runs scripts and tests that there are', () => {
    for (const [, script] of text.matchAll(/npm run ([\w:]+)/g))
      expect(Object.keys(scripts)).toContain(script);
    for (const [path] of text.matchAll(/(?<=[ \n])(\.ci|test)\/[\w-]+/g))
      expect(existsSync(`${ROOT}${path}`), path).toBe(true);
  });
});
