/** @file What the last thing that was done to the model has changed. */
import { EXPLANATIONS } from '../../../shared/explanations.js';
import { countSeverities } from '../../../shared/findings.js';
import { formatCount, formatNumber } from '../../../shared/numbers.js';
import type { Examination, Folding } from '../../shared/doctor-protocol.js';
import { earlier, folding } from './actions.js';
import { offBy } from './off-by.js';

/** How near the outputs of training and inference mode are, of the output where they are the least so. */
function describeOutputs({ report: { outputs } }: Examination): string {
  if (outputs.length === 0) return '–';
  const agreements = outputs.map(({ agreement }) => agreement).filter((one) => one !== null);
  const differences = outputs.map(({ relativeDifference }) => relativeDifference);
  const difference = `${formatNumber(Math.max(...differences))} σ apart`;
  return agreements.length === 0
    ? difference
    : `${difference}, the same answer for ${formatNumber(100 * Math.min(...agreements))} %`;
}

/** What is compared, in words and numbers. */
const ROWS: readonly (readonly [title: string, of: (examined: Examination) => string])[] = [
  ['Findings', ({ report }) => countSeverities(report.findings) || 'none'],
  ['Batch normalizations', ({ counts }) => formatCount(counts.layers)],
  ['of which frozen', ({ report }) => formatCount(report.layers.filter(({ isFrozen }) => isFrozen).length)],
  ['Parameters', ({ parameters }) => formatCount(parameters)],
  [
    'Off by, at most',
    ({ report }) => {
      const all = report.layers.map(offBy).filter((one) => one !== null);
      return all.length > 0 ? `${formatNumber(Math.max(...all))} σ` : '–';
    },
  ],
  ['Outputs in training and inference mode', describeOutputs],
];

/** The kinds of findings that one has and the other has not, by their titles. */
const lacking = (one: Examination, other: Examination): string[] => {
  const names = new Set(other.report.findings.map(({ name }) => name));
  return [...new Set(one.report.findings.map(({ name }) => name))]
    .filter((name) => !names.has(name))
    .map((name) => EXPLANATIONS[name].title);
};

function FoldingView({ folded, kept, counts, ...compared }: Folding) {
  const { largestDifference, largestOutput, comparedOn, warnings } = compared;
  return (
    <>
      <p data-testid="folding">
        {counts.folded} folded, {counts.kept} kept. Outputs differ by at most{' '}
        {largestDifference.toExponential(1)}, the largest being {largestOutput.toPrecision(3)} (compared on{' '}
        {comparedOn}).
      </p>
      {warnings.map((warning) => (
        <p key={warning} role="alert" data-testid="folding-warning">
          {warning}
        </p>
      ))}
      <ul class="note">
        {folded.map(({ name, into }) => (
          <li key={name}>
            <b>{name}</b> into {into.join(', ')}
          </li>
        ))}
        {kept.map(({ name, reason }) => (
          <li key={name}>
            <b>{name}</b> stays: {reason}
          </li>
        ))}
      </ul>
    </>
  );
}

export function Changes({ now }: { readonly now: Examination }) {
  const before = earlier.value.at(-1);
  if (!before) return null;
  const rows = ROWS.map(([title, of]) => [title, of(before), of(now)] as const).filter(
    ([, was, is]) => was !== '–' || is !== '–',
  );
  const [gone, added] = [lacking(before, now), lacking(now, before)];
  return (
    <section aria-labelledby="changes-title">
      <h2 id="changes-title">What changed: {now.steps.at(-1)?.what}</h2>
      <div class="wide" tabIndex={0} role="region" aria-label="Before and after">
        <table data-testid="changes">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([title, was, is]) => (
              <tr key={title} class={was === is ? undefined : 'changed'}>
                <th scope="row">{title}</th>
                <td>{was}</td>
                <td>{is}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {gone.length > 0 && <p>No longer found: {gone.join('; ')}.</p>}
      {added.length > 0 && <p>Found since: {added.join('; ')}.</p>}
      {folding.value && <FoldingView {...folding.value} />}
    </section>
  );
}
