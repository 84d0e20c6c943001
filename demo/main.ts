/** @file `npm start`: reads the command line, runs the experiment, and says what came out, in words and by exit code. */
import { type Interruption, listenForSignals } from '../shared/interrupt.js';
import { watchOutput } from '../shared/output-streams.js';
import { UsageError } from '../shared/usage-error.js';
import { ValueError } from '../src/text/value-error.js';
import { showProgress } from './progress.js';
import { prepareReport } from './report.js';
import { formatCount, formatTable } from './results.js';
import { parseCommandLine } from './settings.js';

const EXIT_CODES = { done: 0, usage: 2, data: 3, fault: 1 } as const;

async function main(args: readonly string[]): Promise<number> {
  const settings = parseCommandLine(args);
  if (settings === undefined) return EXIT_CODES.done;
  const signal = listenForSignals();
  const report = prepareReport(settings.out, settings.data);

  // Not imported above, because TensorFlow.js takes a second to load, which is long for a refusal or for help.
  const { runExperiment } = await import('./experiment.js');
  const findings = await runExperiment(settings, () => showProgress(settings.steps, settings.quiet), signal);
  await report.write(findings);

  const isStopped = findings.stepsDone < settings.steps;
  if (settings.json) {
    process.stdout.write(`${JSON.stringify({ ...findings, report: report.path }, null, 2)}\n`);
  } else {
    if (isStopped) {
      console.log(
        `Stopped after ${formatCount(findings.stepsDone)} of ${formatCount(settings.steps)} steps.`,
      );
    }
    console.log(formatTable(findings.results));
    console.log(`Report: ${report.path}`);
  }
  return isStopped ? (signal.reason as Interruption).exitCode : EXIT_CODES.done;
}

const exitCodeOf = watchOutput(EXIT_CODES.data);
try {
  process.exitCode = exitCodeOf(await main(process.argv.slice(2)));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\nSee npm start -- --help.`);
    process.exitCode = EXIT_CODES.usage;
  } else if (error instanceof ValueError) {
    console.error(error.message);
    process.exitCode = EXIT_CODES.data;
  } else {
    console.error(error);
    process.exitCode = EXIT_CODES.fault;
  }
}
