/** @file The tables of errors of docs/how/kernels.md, made of the last run of `npm run bench:accuracy`. */
import type { Errors } from '../../bench/accuracy/case.js';
import type { AccuracyReport } from '../../bench/accuracy/report.js';
import { powerOfTen } from '../../docs/pictures/svg.js';
import { readText } from './blocks.js';
import { table } from './table.js';

const WHAT: Readonly<Record<keyof Errors, string>> = {
  y: 'Largest error of y in training; y has a deviation of 1:',
  dx: 'Largest error of the gradient dx, of its largest magnitude:',
  inference: 'Largest error of y in inference:',
};

export const readAccuracy = (): AccuracyReport =>
  JSON.parse(readText('bench/results/accuracy.json')) as AccuracyReport;

/** With a minus sign, at which no line is broken. */
const errorText = (error: number) => error.toExponential(1).replace('-', '−');

export function accuracyLines({
  rows,
  means,
  shape,
  epsilon,
  machine,
  against,
  commit,
  date,
}: AccuracyReport): string[] {
  const head = ['mean, in deviations', ...means.map((mean) => (mean === 0 ? '0' : powerOfTen(mean)))];
  const tables = (Object.keys(WHAT) as (keyof Errors)[]).flatMap((what) => [
    WHAT[what],
    '',
    ...table(
      head,
      rows.map(({ contender, errors, why }) => [
        contender.startsWith('evenkeel') ? `**${contender}**` : contender,
        ...(errors
          ? errors.map((one) => errorText(one[what]))
          : [why ?? '', ...means.slice(1).map(() => '')]),
      ]),
    ),
    '',
  ]);
  return [
    ...tables,
    `Input ${shape.join('×')} in float32, normal with a deviation of 1; epsilon ${epsilon}. webgpu is SwiftShader, a device of software. ` +
      `${machine.cpu}, Node ${machine.node.slice(1)}, ${against}, commit ${commit}, ${date}.`,
  ];
}
