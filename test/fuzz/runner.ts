/** @file Runs cases in child processes within limits of time and memory. A child serves many cases, and is replaced when it ends. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Case } from './cases.js';
import { type Finding, framesIn, patternOf } from './finding.js';

export interface Request {
  readonly seed: number;
  readonly number: number;
  /** In place of the one that seed and number make. */
  readonly case?: Case;
}

/** What a child says: where it is, or how a case went. */
export type Response =
  | { readonly step: string; readonly bytes?: number; readonly recipe?: string }
  | {
      readonly done: true;
      readonly findings: readonly Finding[];
      /** Bytes of memory that the case took, beyond what was there before. */
      readonly took: number;
      readonly peak: number;
    };

export interface Outcome {
  readonly recipe: string;
  readonly findings: readonly Finding[];
  readonly ms: number;
}

export interface Limits {
  /** For each step, of the processor's time. */
  readonly ms: number;
  /** Besides, for each megabyte of the files. */
  readonly msPerMegabyte: number;
  /** By the clock, for a child that does nothing and waits. A busy machine lets it wait as well. */
  readonly idleMs: number;
  /** Beyond what the process had before the case. */
  readonly memoryBytes: number;
}

export const LIMITS: Limits = { ms: 5000, msPerMegabyte: 1000, idleMs: 30_000, memoryBytes: 2 ** 30 };

/** A child that used less of the processor did nothing. */
const IDLE_SHARE = 0.01;
const WATCH_MS = 50;
/** A child that has grown beyond this is replaced, so that the next peak is seen. */
const WORN_BYTES = 700 * 2 ** 20;
const HEAP_MEGABYTES = 768;
/** TF.js counts names and variables for ever. */
const CASES_PER_CHILD = 3000;
/** Of a stack that is asked for while JavaScript runs. */
const REPORT_MS = 1500;
/** What a child does first. */
export const MAKING = 'make the case';
const MAKING_MS = 30_000;

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const TRIAL = fileURLToPath(new URL('trial.ts', import.meta.url));

/** Ticks per second of /proc, on every Linux. */
const TICKS = 100;
const PAGE = 4096;

/** Milliseconds of the processor; null where the system does not say. */
function processorMs(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS;
  } catch {
    return null;
  }
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE;
  } catch {
    return 0;
  }
}

export class Runner {
  readonly #folder = mkdtempSync(join(tmpdir(), 'evenkeel-fuzz-'));
  #child: ChildProcess | null = null;
  #stderr = '';
  #cases = 0;

  constructor(
    private readonly limits: Limits = LIMITS,
    /** The module that has `tryCase`. */
    private readonly trial = TRIAL,
  ) {}

  async #start(): Promise<ChildProcess> {
    mkdirSync(this.#folder, { recursive: true });
    const child = fork(CHILD, [this.trial, this.#folder], {
      execArgv: [
        ...['--import', 'tsx', '--no-warnings', `--max-old-space-size=${HEAP_MEGABYTES}`],
        ...['--report-on-signal', '--report-exclude-network', `--report-directory=${this.#folder}`],
      ],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#stderr = '';
    this.#cases = 0;
    child.stderr!.on('data', (text: Buffer) => {
      this.#stderr = (this.#stderr + text.toString()).slice(-4000);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => {
        resolve();
      });
      child.once('exit', () => {
        reject(new Error(`A child did not start: ${this.#stderr}`));
      });
    });
    child.removeAllListeners('exit');
    return child;
  }

  /** Where a child is that says nothing: the innermost functions. */
  async #stackOf(child: ChildProcess): Promise<string> {
    child.kill('SIGUSR2');
    await wait(REPORT_MS);
    const name = readdirSync(this.#folder).find((one) => one.startsWith('report.'));
    if (name === undefined) return '';
    try {
      const report = JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as {
        javascriptStack: { stack?: string[] };
      };
      return framesIn(
        (report.javascriptStack.stack ?? []).map((line) => `    ${line}`),
        3,
      );
    } catch {
      return '';
    }
  }

  /** Runs one case to its end, or to its limits. */
  async run(request: Request): Promise<Outcome> {
    const child = (this.#child ??= await this.#start());
    this.#cases++;
    const pid = child.pid!;
    let step = MAKING;
    let recipe = request.case?.recipe ?? '';
    let allowed = MAKING_MS;
    let memoryBefore = residentBytes(pid);
    const clock = () => ({ processor: processorMs(pid), wall: performance.now() });
    let stepStart = clock();
    const isLate = () => {
      const now = clock();
      const wall = now.wall - stepStart.wall;
      if (now.processor === null || stepStart.processor === null) return wall > allowed;
      const used = now.processor - stepStart.processor;
      return used > allowed || (wall > this.limits.idleMs && used < IDLE_SHARE * wall);
    };
    const outcome = await new Promise<Outcome>((resolve) => {
      let isOver = false;
      const start = performance.now();
      const end = (findings: readonly Finding[]) => {
        isOver = true;
        clearInterval(timer);
        child.removeAllListeners();
        resolve({ recipe, findings, ms: performance.now() - start });
      };
      const stop = async (kind: string) => {
        clearInterval(timer);
        isOver = true;
        const where = await this.#stackOf(child);
        this.#kill();
        end([
          {
            signature: `${kind}: ${step}: ${where === '' ? patternOf(recipe) : where}`,
            what: `${kind}: ${step}, at ${where}`,
          },
        ]);
      };
      const timer = setInterval(() => {
        // That is this program's own, which is told as what it is.
        const isMaking = step === MAKING;
        if (residentBytes(pid) - memoryBefore > this.limits.memoryBytes && !isMaking) {
          void stop(`more than ${this.limits.memoryBytes} bytes of memory`);
        } else if (isLate()) void stop(`more than ${Math.round(allowed)} ms`);
      }, WATCH_MS);
      child.on('message', (response: Response) => {
        if (isOver) return;
        if ('step' in response) {
          step = response.step;
          if (response.bytes !== undefined) {
            allowed = this.limits.ms + (this.limits.msPerMegabyte * response.bytes) / 1e6;
            memoryBefore = residentBytes(pid);
          }
          recipe = response.recipe ?? recipe;
          stepStart = clock();
          return;
        }
        const { findings, took, peak } = response;
        const isLarge = took > this.limits.memoryBytes;
        const large = {
          signature: `memory: ${patternOf(recipe)}`,
          what: `It took ${took} bytes of memory`,
        };
        end(isLarge ? [...findings, large] : findings);
        if (peak > WORN_BYTES || this.#cases >= CASES_PER_CHILD) this.#kill();
      });
      child.on('exit', (code, signal) => {
        if (isOver) return;
        this.#child = null;
        const lines = this.#stderr.split('\n');
        const said = lines.find((line) => /^\w*Error: |^FATAL ERROR/.test(line)) ?? lines.at(-2) ?? '';
        end([
          {
            signature: `crash: ${step}: ${patternOf(said)} at ${framesIn(lines)}`,
            what: `crash in ${step} (${code ?? signal!}): ${this.#stderr.slice(-2000)}`,
          },
        ]);
      });
      child.send(request);
    });
    return outcome;
  }

  #kill(): void {
    const child = this.#child;
    this.#child = null;
    if (!child) return;
    child.removeAllListeners();
    child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  close(): void {
    this.#kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
