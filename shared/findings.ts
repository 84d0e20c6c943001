/**
 * @file What `inspect` found, in words: the command, its reports and the doctor say it alike.
 *
 * Channels are numbered from 0 wherever they are shown, as the indices of the weights' arrays are.
 */
import type { Finding, InspectReport, Severity } from 'evenkeel/tools';
import { formatCount, formatNumber, formatRange, plural } from './numbers.js';

/** The worst first. */
const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];

/** `'1 error, 2 warnings'`, what many layers have counted once; `''` where there is nothing. */
export function countSeverities(findings: readonly Pick<Finding, 'severity' | 'name'>[]): string {
  const kindsOf = (severity: Severity) =>
    new Set(findings.filter((finding) => finding.severity === severity).map(({ name }) => name)).size;
  return SEVERITIES.filter((severity) => kindsOf(severity) > 0)
    .map((severity) => plural(kindsOf(severity), severity))
    .join(', ');
}

/** Runs of neighbours that are listed. */
const MOST_RUNS = 8;

/**
 * `'channel 3'`, `'channels 0–5, 9 and 40 more'`; `''` for none.
 *
 * @param isCut whether these are only the first of them
 */
export function describeChannels(channels: readonly number[], isCut = false): string {
  const runs: [first: number, last: number][] = [];
  for (const channel of channels) {
    const run = runs.at(-1);
    if (run && run[1] === channel - 1) run[1] = channel;
    else runs.push([channel, channel]);
  }
  if (runs.length === 0) return '';
  const shown = runs.slice(0, MOST_RUNS);
  const others = channels.length - shown.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const listed = shown
    .map(([first, last]) => (first === last ? String(first) : `${first}–${last}`))
    .join(', ');
  const more = others > 0 ? ` and ${formatCount(others)} more` : isCut ? ' and more' : '';
  return `channel${channels.length === 1 ? '' : 's'} ${listed}${more}`;
}

/** The numbers behind findings of one kind: of each its value, or what it reaches over. */
export function describeEvidence(findings: readonly Pick<Finding, 'evidence'>[]): string {
  const names = [...new Set(findings.flatMap(({ evidence }) => Object.keys(evidence)))];
  return names
    .map((name) => {
      const values = findings.map(({ evidence }) => evidence[name]).filter((value) => value !== undefined);
      const numbers = values.filter((value) => typeof value === 'number');
      if (numbers.length === values.length) return `${name} ${formatRange(numbers)}`;
      const texts = [
        ...new Set(values.map((value) => (typeof value === 'number' ? formatNumber(value) : value))),
      ];
      return `${name} ${texts.slice(0, MOST_RUNS).join(', ')}${texts.length > MOST_RUNS ? ', …' : ''}`;
    })
    .join(', ');
}

/** Findings of one kind and severity, told once. */
export interface FindingGroup extends Pick<Finding, 'name' | 'severity' | 'message' | 'cure'> {
  /** The layers concerned; null for the model as a whole. */
  readonly layers: readonly (string | null)[];
  /** Which layer the message is of, where those of other layers say something else; null where all say the same. */
  readonly example: string | null;
  readonly evidence: string;
}

/** @param findings as `groupFindings` puts them together, at least one */
export function summarizeGroup(findings: readonly Finding[]): FindingGroup {
  const { name, severity, layer, message, cure } = findings[0]!;
  return {
    name,
    severity,
    message,
    cure,
    layers: findings.map((finding) => finding.layer),
    example: findings.some((finding) => finding.message !== message) ? (layer ?? 'the model') : null,
    evidence: describeEvidence(findings),
  };
}

/** How much data an inspection has looked at. */
export function describeData(data: InspectReport['data']): string {
  if (!data) return 'no data';
  const batches = data.batches === 1 ? '1 batch' : `${formatCount(data.batches)} batches`;
  return data.samples === null ? `moments of ${batches}` : `${plural(data.samples, 'sample')} in ${batches}`;
}

/** What an inspection has looked at. */
export function describeScope({ data, layers }: Pick<InspectReport, 'data' | 'layers'>): string {
  const weights = `settings and weights of ${plural(layers.length, 'batch normalization')}`;
  const modes = data?.samples == null ? '' : ', each in training and in inference mode';
  return data ? `${weights}, and ${describeData(data)}${modes}` : `${weights}; no data`;
}

/** What an inspection could not look for; '' where it has looked for all. */
export function describeUntold({ data, layers, untold }: InspectReport): string {
  if (layers.length === 0 || untold.length === 0) return '';
  return `${data ? 'Moments do not tell' : 'Without data, nothing tells'} of ${untold.join(', ')}.`;
}

/** What to say where there is no finding: of what there is none. */
export function describeHealth({ data, layers, untold }: InspectReport): string {
  if (layers.length === 0) return 'The model has no batch normalization, so there was nothing to look at.';
  const source = untold.length > 0 ? 'moments' : 'data';
  return `Nothing is wrong, as far as ${data ? `weights, options and ${source}` : 'weights and options'} tell.`;
}

/** What an inspection comes to, in a sentence or two. */
export function summarizeReport(report: InspectReport): string {
  const { layers, findings } = report;
  if (layers.length === 0) return describeHealth(report);
  const subject = plural(layers.length, 'batch normalization');
  return findings.length > 0
    ? `${subject}: ${countSeverities(findings)}.`
    : `${subject}. ${describeHealth(report)}`;
}
