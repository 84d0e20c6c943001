/** @file What the command says of itself, and that it is true: its examples run as they stand, in a folder with a model. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { expect, describe, it } from 'vitest';
import { EXIT_CODE_MEANINGS } from '../../cli/src/exit-codes.js';
import { readText } from '../docs/blocks.js';
import { commandProgram } from '../docs/command.js';
import { dataOf, evenkeel, goldenModel, makeFolder } from './files.js';

const NAMES = commandProgram().commands.map((command) => command.name());

const helpOf = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await evenkeel(args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

/** The examples of a command's help. */
const examplesOf = (help: string): string[] =>
  [...help.split('\nExamples:\n')[1]!.matchAll(/^ {2}evenkeel (.*)$/gm)].map(([, example]) => example!);

/** Of a pattern such as parts/*.jsonl. */
const filesLike = (pattern: string): string[] =>
  readdirSync(dirname(pattern))
    .filter((name) => extname(name) === extname(pattern))
    .sort()
    .map((name) => `${dirname(pattern)}/${name}`);

/** Runs a line as a shell does: quotes, patterns of files, and where the output goes. */
async function runLine(line: string) {
  const [words = '', operator, target = ''] = line.split(/ (>>?) /);
  const args = words
    .split(' ')
    .flatMap((word) => (/^[\w-]+\/\*\./.test(word) ? filesLike(word) : [word.replaceAll("'", '')]));
  const outcome = await evenkeel(args);
  if (operator !== undefined) writeFileSync(target, outcome.stdout, { flag: operator === '>' ? 'w' : 'a' });
  return outcome;
}

describe('help', () => {
  it.each(NAMES)('of %s has examples, which run as they stand in a folder with a model', async (name) => {
    const examples = examplesOf(await helpOf('help', name));
    expect(examples.some((example) => example.startsWith(name))).toBe(true);
    const before = process.cwd();
    process.chdir(makeFolder());
    try {
      writeFileSync('model.h5', goldenModel('tf-keras-mlp.h5'));
      mkdirSync('shards');
      for (const path of ['x_train.npy', 'shards/1.npy', 'shards/2.npy']) {
        writeFileSync(path, dataOf([64, 6]));
      }
      for (const example of examples) {
        const { code, stderr } = await runLine(example);
        expect([code, stderr], example).toEqual([0, '']);
      }
    } finally {
      process.chdir(before);
    }
  });

  it.each(NAMES)('of %s is shown by -h, by --help and by help', async (name) => {
    const help = await helpOf(name, '--help');
    expect(help).toMatch(new RegExp(`^Usage: evenkeel ${name} `));
    expect(await helpOf(name, '-h')).toBe(help);
    expect(await helpOf('help', name)).toBe(help);
  });

  it('of the command itself lists its commands, and every exit code', async () => {
    const help = await helpOf('-h');
    expect(await helpOf('--help')).toBe(help);
    expect(await helpOf('help')).toBe(help);
    for (const name of NAMES) expect(help).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    const words = help.replaceAll(/\s+/g, ' ');
    for (const [codes, meaning] of EXIT_CODE_MEANINGS) expect(words).toContain(` ${codes} ${meaning}`);
  });

  it.each([
    [['help', 'nothing'], "unknown command 'nothing'\nSee evenkeel --help."],
    [['help', 'inspct'], "unknown command 'inspct' (Did you mean inspect?)"],
    [['inspct'], "unknown command 'inspct' (Did you mean inspect?)"],
    [['--hepl'], "unknown option '--hepl' (Did you mean --help?)"],
    [['inspect', 'model.h5', '--dta', 'x.npy'], "unknown option '--dta' (Did you mean --data?)"],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish.'],
  ])('is named where %j asks for what there is not', async (args, message) => {
    const { code, stdout, stderr } = await evenkeel(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/\nSee evenkeel (\w+ )?--help\.\n$/);
  });
});

it.each(['-V', '--version'])('%s prints the version', async (flag) => {
  const { version } = JSON.parse(readText('cli/package.json')) as { version: string };
  expect(await helpOf(flag)).toBe(`${version}\n`);
});

it('makes the folders of outputs, once there is something to write', async () => {
  const folder = makeFolder();
  writeFileSync(`${folder}/model.h5`, goldenModel('tf-keras-mlp.h5'));
  const output = `${folder}/a/b/model.h5`;
  expect((await evenkeel(['convert', `${folder}/none.h5`, output])).code).toBe(3);
  expect(existsSync(`${folder}/a`)).toBe(false);
  expect((await evenkeel(['convert', `${folder}/model.h5`, output])).code).toBe(0);
  expect(readFileSync(output).length).toBeGreaterThan(0);
});
