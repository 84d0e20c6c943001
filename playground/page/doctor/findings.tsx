/** @file What is wrong with the model, each kind once, and what it means. */
import type { FindingName } from 'evenkeel/tools';
import { EXPLANATIONS } from '../../../shared/explanations.js';
import {
  type FindingGroup,
  describeScope,
  summarizeGroup,
  summarizeReport,
} from '../../../shared/findings.js';
import { formatCount, plural } from '../../../shared/numbers.js';
import { groupFindings } from '../../../src/tools/group-findings.js';
import type { Examination } from '../../shared/doctor-protocol.js';
import { layerLookedAt } from './actions.js';
import { Beginning } from './beginning.js';

/** Layers that are named where many have the same finding; the table has them all. */
const MOST_LAYERS = 12;

function More({ name }: { readonly name: FindingName }) {
  const site = import.meta.env.VITE_SITE;
  const { meaning } = EXPLANATIONS[name];
  return (
    <p>
      {meaning} {site !== undefined && <a href={`${site}findings.html#${name}`}>More on {name}</a>}
    </p>
  );
}

function FindingView({
  group,
  layers,
}: {
  readonly group: FindingGroup;
  readonly layers: readonly string[];
}) {
  const { name, severity, message, cure, example, evidence } = group;
  const named = group.layers.slice(0, MOST_LAYERS);
  const others = group.layers.length - named.length;
  return (
    <li class="finding" data-severity={severity}>
      <h3>
        <strong>{severity}:</strong> {EXPLANATIONS[name].title}
      </h3>
      <p>
        <code>{name}</code> in {group.layers.length > 1 && `${plural(group.layers.length, 'layer')}: `}
        {named.map((layer, i) => (
          <span key={layer}>
            {i > 0 && ', '}
            {layer === null ? (
              'the model as a whole'
            ) : (
              <a
                href="#layers-title"
                onClick={(event) => {
                  // An address after # is the page's state.
                  event.preventDefault();
                  layerLookedAt.value = Math.max(0, layers.indexOf(layer));
                  document.getElementById('layers-title')?.scrollIntoView();
                }}
              >
                {layer}
              </a>
            )}
          </span>
        ))}
        {others > 0 && ` and ${others} more`}
      </p>
      <p>
        {example !== null && `For example ${example}: `}
        {message}
      </p>
      <More name={name} />
      <p>
        <strong>Cure:</strong> {cure}
      </p>
      {evidence && <p class="note">Evidence: {evidence}</p>}
    </li>
  );
}

export function Findings({ report, counts, parameters, tensors }: Examination) {
  const groups = groupFindings(report.findings).map(summarizeGroup);
  const layers = report.layers.map(({ layer }) => layer);
  return (
    <section aria-labelledby="findings-title">
      <h2 id="findings-title">{report.model}</h2>
      <p data-testid="summary" class="summary">
        {summarizeReport(report)}
      </p>
      <p class="note">
        Looked at: {describeScope(report)}.{' '}
        {report.data === null && 'Drop data below, and it looks at statistics, batches and outputs too.'}
      </p>
      <p class="note">{formatCount(parameters)} parameters</p>
      {/* For who looks for a leak; it tells a visitor nothing. */}
      <data hidden data-testid="doctor-tensors" value={tensors}>
        {tensors}
      </data>
      <Beginning of={report.findings} count={counts.findings} what="findings" />
      <ul>
        {groups.map((group) => (
          <FindingView key={`${group.severity} ${group.name}`} group={group} layers={layers} />
        ))}
      </ul>
    </section>
  );
}
