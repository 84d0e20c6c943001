/** @file `npm start` as its user meets it: what it prints, writes, refuses, and does on Ctrl-C. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { drawDigits } from '../../shared/digits.js';
import { UsageError } from '../../shared/usage-error.js';
import type { Findings } from '../../demo/experiment.js';
import { Random } from '../../shared/random.js';
import { renderReport } from '../../demo/report.js';
import { parseCommandLine } from '../../demo/settings.js';
import { NETWORKS } from '../../demo/train.js';
import { makeFindings, makeFolder, writeSet } from './files.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the demo; `meanwhile` may send it signals. */
async function start(
  args: readonly string[],
  meanwhile?: (child: ChildProcess) => Promise<void>,
): Promise<Outcome> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'demo/main.ts', ...args], { cwd: ROOT });
  const outcome = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (outcome.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (outcome.stderr += chunk.toString()));
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  await meanwhile?.(child);
  const code = await closed;
  return { ...outcome, code };
}

const readReport = (folder: string): string => readFileSync(join(folder, 'report.html'), 'utf8');

function findingsIn(report: string): Findings {
  const [, json] = /<script type="application\/json" id="findings">(.*?)<\/script>/s.exec(report)!;
  return JSON.parse(json!) as Findings;
}

/** The elements that load something from elsewhere; links do not. What scripts could load, the page's policy forbids. */
function loads(page: string): string[] {
  expect(page).toContain(`content="default-src 'none'; script-src 'sha256-`);
  expect(page).not.toContain('unsafe-inline');
  const [, ...elements] = page.replace(/(<script\b[^>]*>).*?<\/script>/gs, '$1').split('<');
  return elements.filter(
    (element) => /^(?!a\b)[^>]*\b(?:src|href)=/.test(element) || element.includes('url('),
  );
}

describe('npm start', () => {
  it('prints the table, and writes a report that needs nothing from elsewhere', async () => {
    const out = join(makeFolder(), 'made', 'for it');
    const { code, stdout, stderr } = await start(['--quiet', '--steps', '60', '--out', out]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/│ +│ steps to 90 % │ steps to 95 % │ final accuracy │/);
    expect(stdout).toMatch(/│ without batch normalization │ +not reached │ +not reached │ +\d+\.\d % │/);
    expect(stdout).toMatch(/│ with batch normalization {4}│ +not reached │ +not reached │ +\d+\.\d % │/);
    expect(stdout.split('\n').slice(-2)).toEqual([`Report: ${join(out, 'report.html')}`, '']);

    expect(readdirSync(out)).toEqual(['report.html']);
    const report = readReport(out);
    expect(loads(report)).toEqual([]);
    expect(report).toContain('Neither network recognized 90&nbsp;% of the test digits within 60 steps.');
    expect(report).toContain('digits drawn by the demo: 8,000 to train, 2,000 to test');
    expect(report).not.toMatch(/\{\{\w+\}\}/);
    const { series } = findingsIn(report);
    expect(series.map(({ step }) => step)).toEqual([0, 10, 20, 30, 40, 50, 60]);
  });

  it('prints one JSON document with --json, with the same series for the same seed', async () => {
    const [data, out] = [makeFolder(), makeFolder()];
    writeSet(data, 'train', drawDigits(400, new Random(3, 'digits')), true);
    const args = ['--data', data, '--steps', '25', '--seed', '5', '--out', out];
    const { code, stdout, stderr } = await start([
      ...args,
      '--quiet',
      '--json',
      '--options',
      '{"momentum":0.9}',
    ]);
    expect([code, stderr]).toEqual([0, '']);
    const findings = JSON.parse(stdout) as Findings & { report: string };
    expect(findings.report).toBe(join(out, 'report.html'));
    expect(findings.settings).toMatchObject({
      steps: 25,
      seed: 5,
      backend: 'wasm',
      options: { momentum: 0.9 },
    });
    expect(findings.data).toMatchObject({ trainingDigits: 320, testDigits: 80, measuredDigits: 80 });
    expect(findings.series.map(({ step }) => step)).toEqual([0, 10, 20, 25]);

    await start([...args, '--quiet', '--options', '{"momentum":0.9}']);
    expect(findingsIn(readReport(out)).series).toEqual(findings.series);
  });

  it('runs on the cpu backend, of which TensorFlow.js would advise against', async () => {
    const [data, out] = [makeFolder(), makeFolder()];
    writeSet(data, 'train', drawDigits(100, new Random(3, 'digits')), false);
    const { code, stderr } = await start([
      '--data',
      data,
      '--backend',
      'cpu',
      '--quiet',
      '--steps',
      '2',
      '--out',
      out,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(findingsIn(readReport(out)).settings.backend).toBe('cpu');
  });

  it('draws the same curves on several threads, whose parts of a batch are of several sizes', async () => {
    const [data, out] = [makeFolder(), makeFolder()];
    writeSet(data, 'train', drawDigits(400, new Random(3, 'digits')), true);
    const args = ['--data', data, '--steps', '20', '--backend', 'cpu', '--out', out, '--quiet', '--json'];
    const [alone, together] = [await start(args), await start([...args, '--threads', '7'])];
    expect([together.code, together.stderr]).toEqual([0, '']);
    const [expected, findings] = [alone, together].map(({ stdout }) => JSON.parse(stdout) as Findings);
    expect(findings!.settings).toMatchObject({ threads: 7, options: { synchronized: true } });
    expect(findings!.stepsDone).toBe(20);
    expect(findings!.results).toEqual(expected!.results);
    expect(findings!.series.map(({ step }) => step)).toEqual([0, 10, 20]);
    findings!.series.forEach((measurement, i) => {
      for (const name of NETWORKS) {
        const [one, other] = [measurement[name], expected!.series[i]![name]];
        expect(one.accuracy).toBe(other.accuracy);
        one.percentiles.forEach((value, j) => {
          expect(Math.abs(value - other.percentiles[j]!)).toBeLessThan(2e-6);
        });
      }
    });
    expect(readReport(out)).toContain('cpu backend, 7 threads, in ');
  });

  it.each([
    ['SIGINT', 130, '1'],
    ['SIGTERM', 143, '1'],
    ['SIGINT', 130, '2'],
  ] as const)(
    'leaves a report of what was done so far on %s, and says so by %i, with %s threads',
    async (signal, expected, threads) => {
      const out = join(makeFolder(), 'out');
      const args = ['--steps', '1000000', '--threads', threads, '--out', out];
      const { code, stdout } = await start(args, async (child) => {
        while (!existsSync(out)) await wait(50);
        await wait(1500);
        child.kill(signal);
        // npm passes on what the terminal has sent already.
        child.kill(signal);
      });
      expect(code).toBe(expected);
      expect(stdout).toMatch(/^Stopped after \d+ of 1,000,000 steps\.\n┌/);
      const { stepsDone, series } = findingsIn(readReport(out));
      expect(series.at(-1)!.step).toBe(stepsDone);
    },
  );

  it('refuses what the layer refuses, with its words and no stack, by 2', async () => {
    const { code, stdout, stderr } = await start(['--options', '{"renrom":true}', '--out', makeFolder()]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^--options: Unknown argument 'renrom'\. Did you mean 'renorm'\?.*\nSee npm start -- --help\.\n$/,
    );
  });

  it('refuses a data file by 3', async () => {
    const [data, out] = [makeFolder(), makeFolder()];
    writeFileSync(join(data, 'train-images-idx3-ubyte'), 'no images');
    expect(await start(['--data', data, '--out', out])).toEqual({
      code: 3,
      stdout: '',
      stderr: `${data}/train-images-idx3-ubyte is there, but ${data}/train-labels-idx1-ubyte(.gz) is missing.\n`,
    });
  });

  it('refuses to write its report over its data', async () => {
    const folder = makeFolder();
    writeSet(folder, 'train', drawDigits(100, new Random(3, 'digits')), false);
    symlinkSync('train-labels-idx1-ubyte', join(folder, 'report.html'));
    const { code, stderr } = await start(['--data', folder, '--out', folder]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^--out: Cannot write '.*report\.html': it is .*a file that is read\. Give another name/,
    );
  });

  it('refuses a folder that it cannot write to, before it trains', async () => {
    const file = join(makeFolder(), 'file');
    writeFileSync(file, '');
    const { code, stderr } = await start(['--out', file]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `--out: ${file}/report.html cannot be written: EEXIST: file already exists, mkdir '${file}'\n` +
        'See npm start -- --help.\n',
    );
  });
});

describe('the command line', () => {
  it('has defaults', () => {
    expect(parseCommandLine([])).toEqual({
      steps: 5000,
      seed: 1,
      backend: 'wasm',
      threads: 1,
      options: {},
      out: 'out',
      json: false,
      quiet: false,
    });
  });

  it('takes every option', () => {
    const args =
      '--steps 7 --seed 0 --backend cpu --threads 60 --data d --options {"axis":[1]} --out o --json --quiet';
    expect(parseCommandLine(args.split(' '))).toEqual({
      steps: 7,
      seed: 0,
      backend: 'cpu',
      threads: 60,
      data: 'd',
      options: { axis: [1] },
      out: 'o',
      json: true,
      quiet: true,
    });
  });

  const invalid = (option: string, value: string, why: string): [string[], string] => [
    [option.split(' ')[0]!, value],
    `option '${option}' argument '${value}' is invalid. ${why}`,
  ];
  const steps = (value: string) =>
    invalid('--steps <number>', value, 'It must be a whole number, at least 1.');
  const seed = (value: string) =>
    invalid('--seed <number>', value, 'It must be a whole number from 0 to 4294967295.');
  const threads = (value: string) =>
    invalid(
      '--threads <number>',
      value,
      'It must be a whole number from 1 to 60, since that many digits are a batch.',
    );
  const options = (value: string) =>
    invalid('--options <json>', value, `It must be a JSON object, such as '{"renorm":true}'.`);

  it.each([
    ...['0', '-1', '1.5', 'abc', '1e3', ''].map(steps),
    ...['-1', '4294967296', 'x'].map(seed),
    ...['0', '61', '-1', '1.5', 'all'].map(threads),
    ...['{renorm:true}', '[1]', 'null', '3', ''].map(options),
    invalid('--backend <name>', 'webgl', 'Allowed choices are wasm, cpu.'),
    [['--data'], "option '--data <folder>' argument missing"],
    [['--sed', '3'], "unknown option '--sed'\n(Did you mean --seed?)"],
    [['mnist'], 'too many arguments. Expected 0 arguments but got 1.'],
  ])('refuses %j by name', (args, message) => {
    expect(() => parseCommandLine(args)).toThrow(new UsageError(message));
  });
});

describe('the report', () => {
  it('shows what a user typed as text', () => {
    const page = renderReport(makeFindings({ name: '</script><img src=x>$&' }, '<b>'));
    expect(loads(page)).toEqual([]);
    expect(page).toContain('&lt;b&gt;: 60 to train');
    expect(page).toContain('{&quot;name&quot;:&quot;&lt;/script&gt;&lt;img src=x&gt;$&amp;&quot;}');
    expect(findingsIn(page).settings.options).toEqual({ name: '</script><img src=x>$&' });
    expect(page).toContain('3 of 10, then stopped');
    expect(page).toContain('after 3 steps; without it, 3 steps were not enough.');
  });
});
