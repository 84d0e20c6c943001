/** @file A report as tables for a terminal. */
import Table from 'cli-table3';
import type { Profile } from './exclusive-times.js';
import { NETWORK_NAMES } from './networks/networks.js';
import type { NetworkRow } from './networks/race.js';
import type { Report } from './report.js';

function table(head: string[], lines: readonly (readonly string[])[]): string {
  const made = new Table({ head, style: { head: [], border: [] } });
  made.push(...lines.map((line) => [...line]));
  return made.toString();
}

const optional = (value: number | null | undefined, digits: number) => value?.toFixed(digits) ?? '-';

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

const whereTimeGoes = ({ kernels = [], outsideShare }: Partial<Profile>): string =>
  [
    ...kernels.map(({ kernel, share }) => `${kernel} ${percent(share)}`),
    ...(outsideShare === undefined ? [] : [`outside kernels ${percent(outsideShare)}`]),
  ].join(', ');

/** All contenders of each network, as times of the first one, which is evenkeel on wasm. */
function networkLines(rows: readonly NetworkRow[]): string[][] {
  return NETWORK_NAMES.flatMap((name) => {
    const contenders = rows.filter(({ network }) => network === name);
    const first = contenders[0]?.stepMs;
    return contenders.map(({ contender, stepMs, forwardMs, why, ...profile }) => [
      ...[name, contender, optional(stepMs, 2), optional(forwardMs, 2)],
      optional(stepMs != null && forwardMs != null ? stepMs / forwardMs : null, 2),
      optional(stepMs != null && first != null ? stepMs / first : null, 2),
      why ?? whereTimeGoes(profile),
    ]);
  });
}

function torchTables(torch: Record<string, number>, layer: Required<Report>['layer']): string[] {
  const ours = (shape: string) =>
    layer.find((row) => row.backend === 'wasm' && row.shape === shape && row.what === 'step')?.evenkeelMs;
  const ratios = Object.entries(torch).map(([shape, ms]) => {
    const own = ours(shape);
    return { shape, ms, ratio: own === undefined ? undefined : own / ms };
  });
  const images = ratios.flatMap(({ shape, ratio }) =>
    ratio !== undefined && shape.split('x').length > 2 ? [Math.log(ratio)] : [],
  );
  const mean = Math.exp(images.reduce((sum, log) => sum + log, 0) / images.length);
  return [
    table(
      ['shape', 'PyTorch, one thread, step ms', 'evenkeel on wasm, times that'],
      ratios.map(({ shape, ms, ratio }) => [shape, ms.toFixed(3), optional(ratio, 2)]),
    ),
    ...(images.length > 0 ? [`Images: ${mean.toFixed(2)} times PyTorch's time, geometric mean.`] : []),
  ];
}

export function tablesOf(report: Report): string {
  const { networks, inference, layer, torch, variants, fit, loading, passes, ranks } = report;
  const { machine, against, commit } = report;
  const parts = [
    networks &&
      table(
        ['network', 'contender', 'step ms', 'forward ms', 'step/forward', "times evenkeel's", 'most time in'],
        networkLines(networks),
      ),
    inference &&
      table(
        ['backend', 'model', 'batch', 'contender', 'ms', 'CPU ms', 'times as fast', 'most time in'],
        inference.map(({ backend, network, batch, contender, ms, cpuMs, timesAsFast, ...profile }) => [
          ...[backend, network, String(batch), contender],
          ...[ms.toFixed(1), cpuMs.toFixed(1), timesAsFast.toFixed(2), whereTimeGoes(profile)],
        ]),
      ),
    layer &&
      table(
        ['backend', 'shape', '', 'evenkeel ms', 'stock ms', 'times as fast'],
        layer.map(({ backend, shape, what, evenkeelMs, stockMs, timesAsFast }) => [
          ...[backend, shape, what],
          ...[evenkeelMs.toFixed(3), stockMs.toFixed(3), timesAsFast.toFixed(2)],
        ]),
      ),
    ...(layer && typeof torch === 'object' ? torchTables(torch, layer) : []),
    variants &&
      table(
        ['backend', 'step at 32x28x28x64', 'ms', 'times the plain one'],
        variants.map(({ backend, variant, ms, timesPlain }) => [
          ...[backend, variant, ms.toFixed(2), timesPlain.toFixed(2)],
        ]),
      ),
    fit &&
      table(
        ['backend', 'an epoch of fit, evenkeel ms', 'stock ms', 'times as fast'],
        fit.map(({ backend, evenkeelMs, stockMs, timesAsFast }) => [
          ...[backend, evenkeelMs.toFixed(1), stockMs.toFixed(1), timesAsFast.toFixed(2)],
        ]),
      ),
    loading &&
      table(
        ['model', 'loaded from', 'ms', 'ms a layer', 'longest block, ms'],
        loading.map(({ model, format, ms, msPerLayer, longestBlockMs }) => [
          ...[model, format, ms.toFixed(0), msPerLayer.toFixed(2), longestBlockMs.toFixed(0)],
        ]),
      ),
    passes &&
      table(
        Object.keys(passes[0]!),
        passes.map(({ shape, ...numbers }) => [
          shape,
          ...Object.values(numbers).map((value) => value.toFixed(2)),
        ]),
      ),
    ranks &&
      table(
        ['ranks', 'engine', 'step ms', 'times as fast', 'CPU ms', 'in sums ms', 'gradients ms', 'moments ms'],
        ranks.map((row) => [
          ...[
            String(row.ranks),
            row.engine,
            row.why ?? optional(row.stepMs, 1),
            optional(row.timesAsFast, 2),
          ],
          ...[optional(row.cpuMs, 1), optional(row.sumsMs, 2)],
          ...[optional(row.gradientsMs, 2), optional(row.momentsMs, 2)],
        ]),
      ),
    `${machine.cpu}, ${machine.cores} cores, ${machine.node}; peer: ${against}; commit ${commit}`,
  ];
  return parts.filter((part) => part !== undefined).join('\n');
}
