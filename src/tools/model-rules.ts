/** @file All that is wrong with a model: what its layers show each by itself, and what only all of them show. */
import { type Finding, type OutputGap, type Severity, type Subject, diagnose, round } from './findings.js';
import { LAYER_RULES } from './layer-rules.js';
import { STATISTICS_RULES } from './statistics-rules.js';
import { THRESHOLDS } from './thresholds.js';

/** Of batches that are not shuffled there is one finding, for the layer that shows it most. */
function unshuffledBatches(subjects: readonly Subject[]): Finding[] {
  const candidates = subjects.flatMap(({ name, inputs }) => {
    if (!inputs?.inference || inputs.batchSize === null) return [];
    if (inputs.inference.batches < THRESHOLDS.fewestBatches) return [];
    const shares = inputs.inference.shareBetweenBatches();
    const share = shares.reduce((total, one) => total + one, 0) / shares.length;
    return [{ name, share, times: share * inputs.batchSize }];
  });
  const worst = candidates.sort((a, b) => b.share - a.share)[0];
  if (!worst || worst.times < THRESHOLDS.unshuffled || worst.share < THRESHOLDS.unshuffledShare) return [];
  const found = diagnose('unshuffled-batches', 'warning', {
    evidence: { shareBetweenBatches: round(worst.share), timesExpected: round(worst.times) },
    message:
      `${(100 * worst.share).toFixed(0)} % of the variance lies between batches, at least ` +
      `${worst.times.toFixed(0)} times as much as where samples are drawn at random: the batches are sorted in some way.`,
    cure: 'Shuffle samples before they are put into batches, in training above all.',
  });
  return [{ ...found, layer: worst.name }];
}

function outputGaps(gaps: readonly OutputGap[]): Finding[] {
  return gaps.flatMap(({ output, relativeDifference, agreement }): Finding[] => {
    if (relativeDifference < THRESHOLDS.outputGap) return [];
    const classes =
      agreement === null
        ? ''
        : ` The largest value is the same in ${(100 * agreement).toFixed(0)} % of the samples.`;
    const found = diagnose('output-gap', 'warning', {
      evidence: {
        output,
        relativeDifference: round(relativeDifference),
        ...(agreement !== null && { agreement: round(agreement) }),
      },
      message:
        `The output '${output}' differs between training and inference mode by ${relativeDifference.toFixed(1)} of ` +
        `its deviations.${classes}`,
      cure: "Fix the layers' findings first, beginning with the first layer; recalibrate; inspect again.",
    });
    return [{ ...found, layer: null }];
  });
}

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];

/** All findings, the most severe first, and within a severity in the order of the graph. */
export function findingsOf(subjects: readonly Subject[], outputs: readonly OutputGap[]): Finding[] {
  const ofLayers = subjects.flatMap((subject) =>
    [...LAYER_RULES, ...STATISTICS_RULES].flatMap((rule) => {
      const finding = rule(subject);
      return finding ? [{ ...finding, layer: subject.name }] : [];
    }),
  );
  const all = [...ofLayers, ...unshuffledBatches(subjects), ...outputGaps(outputs)];
  return SEVERITIES.flatMap((severity) => all.filter((finding) => finding.severity === severity));
}
