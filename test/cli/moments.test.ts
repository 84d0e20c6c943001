/**
 * @file The commands for data that no machine holds: moments of shards, merged and made statistics, as one process
 * makes them; and whatever an engine may do to its tasks: run them twice, kill them, forget them, start them somewhere
 * else.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import { layerBatchNormalization } from 'evenkeel';
import { saveKerasModel } from 'evenkeel/keras';
import type { InspectReport, LayerMoments, RecalibrateReport } from 'evenkeel/tools';
import { beforeAll, describe, expect, it } from 'vitest';
import { run as runCommand } from '../../cli/src/program.js';
import { ROOT } from '../docs/blocks.js';
import { evenkeel, makeFolder, makeTerminal, npy, numbers, readWeights } from './files.js';

const LAYERS = ['first', 'second', 'third'];

let model: Uint8Array;

beforeAll(async () => {
  await tf.ready();
  const dense = (seed: number) =>
    tf.layers.dense({
      units: 5,
      activation: 'relu',
      kernelInitializer: tf.initializers.glorotUniform({ seed }),
    });
  const layers = LAYERS.flatMap((name, i) => [dense(i + 1), layerBatchNormalization({ name })]);
  const inputs = tf.input({ shape: [6] });
  const outputs = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, inputs);
  model = await saveKerasModel(tf.model({ inputs, outputs }), null, { for: 'tf-keras', format: 'h5' });
});

/** Rows of 6 numbers for each shard. Only the last cuts a batch short, as it is where all are one file. */
const ROWS = { 'a.npy': 64, 'b.npy': 32, 'c.npy': 96, 'd.npy': 40 } as const;

const bytesOf = (values: Float32Array, rows: number) =>
  npy('<f4', [rows, 6], new Uint8Array(values.buffer, values.byteOffset, values.byteLength));

/** A folder with a model of three normalizations, shards of some data, and all of it as one file. */
function makeWorkplace() {
  const folder = makeFolder();
  const at = (...names: string[]) => join(folder, ...names);
  writeFileSync(at('model.h5'), model);
  mkdirSync(at('shards'));
  const all = numbers(6 * Object.values(ROWS).reduce<number>((sum, rows) => sum + rows, 0));
  let start = 0;
  for (const [name, rows] of Object.entries(ROWS)) {
    writeFileSync(at('shards', name), bytesOf(all.subarray(6 * start, 6 * (start + rows)), rows));
    start += rows;
  }
  writeFileSync(at('all.npy'), bytesOf(all, start));
  return { folder, at, shards: Object.keys(ROWS).map((name) => at('shards', name)) };
}

/** Runs a command that should end well. */
async function run(args: readonly string[], input?: Iterable<string>): Promise<string> {
  const { code, stdout, stderr } = await evenkeel(args, undefined, input);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const parse = (lines: string) =>
  lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LayerMoments);

describe('evenkeel moments, merge and recalibrate --moments', () => {
  it('give the weights that one process gives, round after round', async () => {
    const { at, shards } = makeWorkplace();
    const rounds = Number(await run(['moments', at('model.h5'), '--count']));
    expect(rounds).toBe(LAYERS.length);
    let state = '';
    for (let round = 1; round <= rounds; round++) {
      for (const [i, shard] of shards.entries()) {
        const output = at(`round-${round}`, `${i}.jsonl`);
        const printed = await run([
          ...['moments', at('model.h5'), '--data', shard],
          // There is no such file before the first round.
          ...['--given', at('state.jsonl'), '--output', output],
        ]);
        expect(printed).toContain(`Written: ${output}\n`);
      }
      const parts = readdirSync(at(`round-${round}`)).map((name) => at(`round-${round}`, name));
      state += await run(['merge', ...parts, '--shards', '4']);
      writeFileSync(at('state.jsonl'), state);
    }
    expect(await run(['moments', at('model.h5'), '--count', '--given', at('state.jsonl')])).toBe('0\n');
    const json = await run([
      ...['recalibrate', at('model.h5'), at('repaired.h5'), '--moments', at('state.jsonl')],
      ...['--shards', '4', '--json'],
    ]);
    await run(['recalibrate', at('model.h5'), at('expected.h5'), '--data', at('all.npy')]);
    expect(await readWeights(at('repaired.h5'))).toEqual(await readWeights(at('expected.h5')));
    const report = JSON.parse(json) as RecalibrateReport & { written: string[] };
    expect(report.written).toEqual([at('repaired.h5')]);
    expect(report.layers).toHaveLength(rounds);
    expect(report.layers.map(({ layer, count }) => [layer, count[0]])).toEqual(
      LAYERS.map((one) => [one, 232]),
    );
  });

  it('in one pass take the names of shards from standard input, and print a line for each shard and layer', async () => {
    const { at, shards } = makeWorkplace();
    expect(await run(['moments', at('model.h5'), '--count', '--one-pass', '--json'])).toBe(
      '{\n  "rounds": 1\n}\n',
    );
    const input = [
      `${shards[0]!}\r\n${shards[1]!}\n\n${shards[2]!.slice(0, 9)}`,
      `${shards[2]!.slice(9)}\n${shards[3]!}`,
    ];
    const lines = await run(['moments', at('model.h5'), '--one-pass'], input);
    expect(parse(lines).map(({ layer, shards: [shard] }) => [shard, layer])).toEqual(
      Object.keys(ROWS).flatMap((shard) => LAYERS.map((layer) => [shard, layer])),
    );
    writeFileSync(at('moments.jsonl'), lines);
    await run([
      'recalibrate',
      at('model.h5'),
      at('repaired.h5'),
      '--moments',
      at('moments.jsonl'),
      '--shards',
      '4',
    ]);
    await run(['recalibrate', at('model.h5'), at('expected.h5'), '--data', at('all.npy'), '--one-pass']);
    expect(await readWeights(at('repaired.h5'))).toEqual(await readWeights(at('expected.h5')));
  });

  it('take several shards as --data, and print nothing where an engine has none for a worker', async () => {
    const { at, shards } = makeWorkplace();
    const lines = await run(['moments', at('model.h5'), '--data', ...shards, '--batch-size', '16']);
    expect(parse(lines).map((one) => one.layer)).toEqual(['first', 'first', 'first', 'first']);
    // A name that comes again, as of a task that is run again, is looked at once.
    expect(
      await run(['moments', at('model.h5'), '--batch-size', '16', '--data', shards[0]!, shards[0]!]),
    ).toBe(lines.split('\n')[0]! + '\n');
    expect(await run(['moments', at('model.h5')], [])).toBe('');
    expect(
      await evenkeel(['moments', at('model.h5'), '--output', at('out.jsonl')], undefined, ['\n']),
    ).toEqual({
      code: 3,
      stdout: '',
      stderr: 'Standard input names no shard, so there is nothing to write.\n',
    });
    expect(existsSync(at('out.jsonl'))).toBe(false);
  });

  it('say with --json what they wrote', async () => {
    const { at, shards } = makeWorkplace();
    const options = [
      '--data',
      ...shards,
      '--one-pass',
      '--output',
      at('new', 'folder', 'out.jsonl'),
      '--json',
    ];
    const { layers, written } = JSON.parse(await run(['moments', at('model.h5'), ...options])) as {
      layers: object[];
      written: string[];
    };
    expect(written).toEqual([at('new', 'folder', 'out.jsonl')]);
    expect(layers).toHaveLength(12);
    expect(layers[0]).toEqual({ layer: 'first', shards: ['a.npy'], batches: 2, count: [64, 64, 64, 64, 64] });
    const output = at('merged', 'out.jsonl');
    const merged = await run(['merge', written[0]!, '--output', output]);
    expect(merged).toMatch(/first +│ +4 │ +8 │ +232 /);
    expect(merged).toContain(`Written: ${output}`);
    expect(parse(readFileSync(output, 'utf8')).map((one) => one.layer)).toEqual(LAYERS);
  });
});

describe('evenkeel inspect --moments', () => {
  it('says what moments tell of the statistics, and of what they do not', async () => {
    const { at, shards } = makeWorkplace();
    const [moments, page] = [at('moments.jsonl'), at('report.html')];
    await run(['moments', at('model.h5'), '--one-pass', '--data', ...shards, '--output', moments]);
    const args = ['inspect', at('model.h5'), '--moments', moments, '--shards', '4'];
    const text = await run([...args, '--html', page]);
    expect(text).toMatch(/: 3 batch normalizations, moments of 8 batches\.\n/);
    expect(text).toMatch(/untrained-statistics/);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'Moments do not tell of small-batch, unshuffled-batches, output-gap. To look for these too, give samples: --data <file>.',
    );
    expect(readFileSync(page, 'utf8')).toContain('Moments do not tell of small-batch');
    const report = JSON.parse(await run([...args, '--json'])) as InspectReport;
    expect(report.layers.map(({ inputs }) => inputs!.count[0])).toEqual([232, 232, 232]);
    expect(await evenkeel([...args, '--fail-on', 'warning', '--quiet'])).toMatchObject({ code: 1 });
    expect(await evenkeel(['inspect', at('model.h5'), '--moments', moments, '--shards', '5'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/some are missing/) as string,
    });
    const loaded = await run(['inspect', at('model.h5')]);
    expect(loaded).not.toContain('do not tell');
  });
});

describe('shards', () => {
  it('that come twice, from another machine with another path, count once', async () => {
    const { at, shards } = makeWorkplace();
    mkdirSync(at('mnt'));
    copyFileSync(shards[0]!, at('mnt', 'a.npy'));
    const take = async (output: string, ...files: string[]) => {
      await run(['moments', at('model.h5'), '--one-pass', '--data', ...files, '--output', at(output)]);
      return at(output);
    };
    const once = await take('once.jsonl', ...shards);
    const again = await take('again.jsonl', at('mnt', 'a.npy'));
    const merged = await run(['merge', once, '--shards', '4']);
    expect(await run(['merge', again, once, once, '--shards', '4'])).toBe(merged);
  });

  it('of the same name are told apart by --root', async () => {
    const { at, shards } = makeWorkplace();
    for (const day of ['monday', 'tuesday']) mkdirSync(at('shards', day));
    const files = [at('shards', 'monday', 'x.npy'), at('shards', 'tuesday', 'x.npy')] as const;
    files.forEach((file, i) => {
      copyFileSync(shards[i]!, file);
    });
    const args = ['moments', at('model.h5'), '--data', ...files];
    expect(await evenkeel(args)).toMatchObject({
      code: 3,
      stderr:
        `'${files[0]}' and '${files[1]}' would both be the shard 'x.npy'. Give --root <folder>, and shards are named by ` +
        'their path from there.\n',
    });
    const lines = await run([...args, '--root', at('shards')]);
    expect(parse(lines).flatMap((one) => one.shards)).toEqual(['monday/x.npy', 'tuesday/x.npy']);
    const { code, stderr } = await evenkeel([...args, '--root', at('shards', 'monday')]);
    expect([code, stderr]).toEqual([
      3,
      `'${files[1]}' does not lie in '${at('shards', 'monday')}', which --root names.\n`,
    ]);
    // Looked at by different commands, they are refused when they are merged.
    const apart = await Promise.all(
      files.map(async (file, i) => {
        writeFileSync(at(`${i}.jsonl`), await run(['moments', at('model.h5'), '--data', file]));
        return at(`${i}.jsonl`);
      }),
    );
    expect(await evenkeel(['merge', ...apart])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(
        /1\.jsonl, line 1: The shard 'x\.npy' comes twice .* with different numbers/,
      ) as string,
    });
  });
});

describe('what is refused, by 3, with nothing printed and nothing written:', () => {
  /** A workplace with the moments of all shards. */
  async function makeMoments() {
    const place = makeWorkplace();
    const { at, shards } = place;
    const lines = await run(['moments', at('model.h5'), '--data', ...shards]);
    writeFileSync(at('good.jsonl'), lines);
    return { ...place, lines: lines.trimEnd().split('\n') };
  }

  async function expectRefused(args: readonly string[], message: RegExp | string): Promise<void> {
    const { code, stdout, stderr } = await evenkeel(args);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(message);
  }

  it('a line that was cut off, and what is no JSON, no text or nothing', async () => {
    const { at, lines } = await makeMoments();
    const bad = (text: string | Uint8Array) => {
      writeFileSync(at('bad.jsonl'), text);
      return ['merge', at('good.jsonl'), at('bad.jsonl')];
    };
    await expectRefused(
      bad(`${lines[0]!}\n${lines[1]!.slice(0, -20)}`),
      /bad\.jsonl, line 2: it is no JSON, or was cut off/,
    );
    await expectRefused(bad(`${lines[0]!}\n\n${lines[1]!}\n`), /bad\.jsonl, line 2: it is no JSON/);
    await expectRefused(bad(Uint8Array.of(0xff, 0xfe, 10)), /bad\.jsonl, line 1: it is no JSON/);
    // In a shard's name, which would be another's then.
    const changed = Buffer.from(lines[0]!);
    changed[changed.indexOf('a.npy')] = 0xff;
    await expectRefused(bad(changed), /bad\.jsonl, line 1: it is no JSON/);
    await expectRefused(
      bad(''),
      /bad\.jsonl is empty: who was to write moments into it has not\. Run its shards again/,
    );
    await expectRefused(bad('[1]\n'), /bad\.jsonl, line 1: moments: expected an object/);
    await expectRefused(
      bad(lines[0]!.replace('"count":[64', '"count":[-1')),
      /bad\.jsonl, line 1: moments of .*count\[0\]/,
    );
    await expectRefused(['merge', at('none.jsonl')], /^Cannot read '.*none\.jsonl': ENOENT/);
    await expectRefused(
      ['merge', at('shards')],
      /^Cannot read '.*shards': it is a folder, a device or a pipe\./,
    );
    await expectRefused(['merge', '/dev/zero'], /^Cannot read '\/dev\/zero'/);
    execFileSync('mkfifo', [at('pipe')]);
    await expectRefused(['merge', at('pipe')], /^Cannot read '.*pipe'/);
    expect(existsSync(at('merged.jsonl'))).toBe(false);
  });

  it('a whole last line without its end is whole', async () => {
    const { at, lines } = await makeMoments();
    writeFileSync(at('last.jsonl'), lines.join('\n'));
    expect(await run(['merge', at('last.jsonl')])).toBe(await run(['merge', at('good.jsonl')]));
  });

  it('a shard that is missing, and one too many', async () => {
    const { at, lines } = await makeMoments();
    writeFileSync(at('less.jsonl'), `${lines.slice(1).join('\n')}\n`);
    await expectRefused(
      ['merge', at('less.jsonl'), '--shards', '4', '--output', at('merged.jsonl')],
      /^The moments of the layer 'first' are of 3 shards, and those of 4 are expected: some are missing\./,
    );
    await expectRefused(['merge', at('good.jsonl'), '--shards', '3'], /some are too many\./);
    expect(existsSync(at('merged.jsonl'))).toBe(false);
  });

  it('a shard whose data has changed', async () => {
    const { at, shards } = await makeMoments();
    writeFileSync(shards[0]!, bytesOf(numbers(60), 10));
    await run(['moments', at('model.h5'), '--data', shards[0]!, '--output', at('changed.jsonl')]);
    await expectRefused(
      ['merge', at('good.jsonl'), at('changed.jsonl')],
      /changed\.jsonl, line 1: The shard 'a\.npy' comes twice .* with different numbers/,
    );
  });

  it('moments of another model, another round or data that was prepared otherwise', async () => {
    const { at, shards } = await makeMoments();
    const other = async (name: string, ...options: string[]) => {
      await run(['moments', at('model.h5'), '--data', shards[0]!, '--output', at(name), ...options]);
      return ['merge', at('good.jsonl'), at(name)];
    };
    await expectRefused(await other('divided.jsonl', '--divide-by', '2'), /line 1: .* prepared otherwise/);
    await expectRefused(await other('pass.jsonl', '--one-pass'), /line 1: .* of another round/);
    await run(['merge', at('good.jsonl'), '--output', at('state.jsonl')]);
    const recalibrate = ['recalibrate', at('model.h5'), at('out.h5'), '--moments'];
    await expectRefused(
      [...recalibrate, at('state.jsonl')],
      /state\.jsonl: There are no moments of 2 normalizations: \['second', 'third'\]/,
    );
    await run(['recalibrate', at('model.h5'), at('model2.h5'), '--data', at('all.npy')]);
    copyFileSync(at('model2.h5'), at('model.h5'));
    await expectRefused(await other('model.jsonl'), /line 1: .* of another model/);
    await expectRefused([...recalibrate, at('state.jsonl')], /of another model/);
    const given = ['moments', at('model.h5'), '--data', shards[0]!, '--given', at('state.jsonl')];
    await expectRefused(given, /of another model/);
    expect(existsSync(at('out.h5'))).toBe(false);
  });

  it('a round where none is left, a shard that does not fit, and an output that is read', async () => {
    const { at, shards } = makeWorkplace();
    let state = '';
    for (let round = 0; round < LAYERS.length; round++) {
      state += await run(['moments', at('model.h5'), '--data', shards[0]!, '--given', at('state.jsonl')]);
      writeFileSync(at('state.jsonl'), state);
    }
    const args = ['moments', at('model.h5'), '--data', shards[0]!];
    await expectRefused(
      [...args, '--given', at('state.jsonl')],
      /state\.jsonl holds .* there is no round left\.$/m,
    );
    await expectRefused([...args, '--output', shards[0]!], /it is a file that is read|a file that is read/);
    await expectRefused([...args, '--output', at('model.h5', 'out.jsonl')], /^Cannot write/);
    writeFileSync(at('wide.npy'), npy('<f4', [2, 7], new Uint8Array(56)));
    await expectRefused(['moments', at('model.h5'), '--data', at('wide.npy')], /wide\.npy/);
    writeFileSync(at('one.npy'), npy('<f4', [1, 6], new Uint8Array(24)));
    await expectRefused(
      ['moments', at('model.h5'), '--data', at('one.npy')],
      /one\.npy.*one value per channel/,
    );
  });
});

it.each<[string[], string]>([
  [['moments', 'm.h5'], 'Which shards? Give them as --data, or write their names to standard input.'],
  [
    ['moments', 'm.h5', '--count', '--data', 'a.npy'],
    '--count looks at no data, so --data has nothing to say.',
  ],
  [
    ['moments', 'm.h5', '--one-pass', '--given', 's', '--data', 'a'],
    '--one-pass takes the moments of all layers at once',
  ],
  [['merge'], "missing required argument 'files'"],
  [
    ['merge', 'a.jsonl', '--shards', '0'],
    "option '--shards <number>' argument '0' is invalid. It must be a whole number",
  ],
  [
    ['recalibrate', 'm.h5', 'o.h5', '--data', 'a', '--moments', 'b'],
    'Statistics come from --data, or from --moments',
  ],
  [['recalibrate', 'm.h5', 'o.h5', '--data', 'a', '--shards', '2'], '--shards needs --moments.'],
  [['recalibrate', 'm.h5', 'o.h5', '--moments', 'a', '--one-pass'], '--one-pass needs --data.'],
  [['recalibrate', 'm.h5', 'o.h5', '--moments', 'a', '--divide-by', '2'], '--divide-by needs --data.'],
])('evenkeel %j is a wrong command line', async (args, message) => {
  const { code, stdout, stderr } = await evenkeel(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
  expect(stderr).toContain(`See evenkeel ${args[0]!} --help.`);
});

describe('a task', () => {
  /** Starts the command as an engine does. */
  function start(...args: string[]) {
    const child = spawn(process.execPath, ['--import', 'tsx', 'cli/src/main.ts', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve) => {
      child.on('close', (code, signal) => {
        resolve({ code, signal, stderr });
      });
    });
    return { child, ended };
  }

  it('that is killed half-way leaves no file, and gives the same bits when it is run again', async () => {
    const { at, shards } = makeWorkplace();
    const output = at('round-1', 'all.jsonl');
    writeFileSync(at('shards', 'large.npy'), bytesOf(numbers(6 * 200_000), 200_000));
    const args = ['moments', at('model.h5'), '--one-pass', '--output', output, '--data'];
    const { child, ended } = start(...args, ...shards, at('shards', 'large.npy'));
    // The large shard takes long.
    await wait(5000);
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    expect(existsSync(output)).toBe(false);
    expect(await start(...args, ...shards).ended).toEqual({ code: 0, signal: null, stderr: '' });
    expect(readdirSync(at('round-1'))).toEqual(['all.jsonl']);
    expect(readFileSync(output, 'utf8')).toBe(
      await run(['moments', at('model.h5'), '--one-pass', '--data', ...shards]),
    );
  }, 60_000);

  it('that is stopped leaves no file, and says so', async () => {
    const { at, shards } = makeWorkplace();
    const controller = new AbortController();
    function* names() {
      yield `${shards[0]!}\n`;
      controller.abort(new Error('enough'));
      yield `${shards[1]!}\n`;
    }
    const args = ['moments', at('model.h5'), '--backend', 'cpu', '--output', at('out.jsonl')];
    const stopped = await evenkeel(args, controller.signal, names());
    expect(stopped).toEqual({ code: 130, stdout: '', stderr: 'Stopped. Nothing was written.\n' });
    expect(existsSync(at('out.jsonl'))).toBe(false);
  });

  it('that is stopped after lines were printed says that they are not all', async () => {
    const { at, shards } = makeWorkplace();
    const controller = new AbortController();
    const written = { stdout: '', stderr: '' };
    const terminal = makeTerminal({
      out(text) {
        written.stdout += text;
        controller.abort(new Error('enough'));
      },
      note: (text) => (written.stderr += text),
    });
    const args = ['moments', at('model.h5'), '--data', ...shards];
    expect(await runCommand(args, terminal, controller.signal)).toBe(130);
    expect(parse(written.stdout)).toHaveLength(1);
    expect(written.stderr).toBe('Stopped. What was printed is not all.\n');
  });
});
