/** @file Findings as a person wants to read them: what ails many layers is told once. */
import type { Finding } from './findings.js';

/**
 * The findings of one kind and severity together, in the order of the first of each.
 *
 * @example
 * ```ts
 * const model = tf.sequential();
 * layerBatchNormalization(model, { name: 'a', inputShape: [2], movingVarianceInitializer: 'zeros' });
 * layerBatchNormalization(model, { name: 'b', movingVarianceInitializer: 'zeros' });
 * const { findings } = await inspect(model);
 * console.log(groupFindings(findings).map((group) => group.map(({ layer }) => layer))); // [ [ 'a', 'b' ] ]
 * ```
 */
export function groupFindings(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const kind = `${finding.severity} ${finding.name}`;
    groups.set(kind, [...(groups.get(kind) ?? []), finding]);
  }
  return [...groups.values()];
}
