/** @file What the experiment found: the series of measurements, what follows from them, and the table. */
import Table from 'cli-table3';
import { NETWORKS, type Each, type Measurement, type NetworkName } from './train.js';

/** How one network did. Steps are those of the first measurement that reached the accuracy; null where none did. */
export interface Result {
  readonly stepsTo90: number | null;
  readonly stepsTo95: number | null;
  readonly finalAccuracy: number;
}

const TITLES: Each<string> = {
  plain: 'without batch normalization',
  normalized: 'with batch normalization',
};

export function resultOf(
  network: NetworkName,
  series: readonly Measurement[],
  finalAccuracy: number,
): Result {
  const stepsTo = (target: number): number | null =>
    series.find((measurement) => measurement[network].accuracy >= target)?.step ?? null;
  return { stepsTo90: stepsTo(0.9), stepsTo95: stepsTo(0.95), finalAccuracy };
}

export const formatCount = (count: number): string => count.toLocaleString('en');
export const formatPercent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

/** The table's cells: the heading, then a row for each network. */
export function tableRows(results: Each<Result>): string[][] {
  const formatSteps = (steps: number | null): string => (steps === null ? 'not reached' : formatCount(steps));
  const rows = NETWORKS.map((name) => {
    const { stepsTo90, stepsTo95, finalAccuracy } = results[name];
    return [TITLES[name], formatSteps(stepsTo90), formatSteps(stepsTo95), formatPercent(finalAccuracy)];
  });
  return [['', 'steps to 90 %', 'steps to 95 %', 'final accuracy'], ...rows];
}

/** The table for a terminal, without colours, which would be noise in a file. */
export function formatTable(results: Each<Result>): string {
  const [head, ...rows] = tableRows(results);
  const table = new Table({
    head: head!,
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  table.push(...rows);
  return table.toString();
}
