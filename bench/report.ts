/** @file What a run of `npm run bench` finds: the parts that it ran, when, where, and of which commit. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { raceFit } from './fit.js';
import { type InferenceName, type InferenceRow, raceInference } from './inference/race.js';
import { type LayerRow, raceLayer } from './layer.js';
import { raceLoading, type LoadingRow } from './loading.js';
import { type NetworkName } from './networks/networks.js';
import { type NetworkRow, raceNetwork } from './networks/race.js';
import { type PassesRow, measurePasses } from './passes.js';
import { torchStepMs } from './peers/torch.js';
import { type RanksRow, raceRanks } from './ranks/race.js';
import { type VariantRow, raceVariants } from './variants.js';

type OnBackend<Row> = Row & { backend: string };

/** When and where a run was, and of what. */
export interface Origin {
  /** What `git describe` says: the commit's hash, with '-dirty' where files were changed. */
  commit: string;
  date: string;
  machine: { cpu: string; cores: number; node: string };
  /** The version of TF.js. */
  against: string;
}

export interface Report extends Origin {
  networks?: NetworkRow[];
  inference?: InferenceRow[];
  layer?: OnBackend<LayerRow>[];
  /** PyTorch's milliseconds of a step by shape, or why there are none. */
  torch?: Record<string, number> | string;
  variants?: OnBackend<VariantRow>[];
  fit?: OnBackend<{ evenkeelMs: number; stockMs: number; timesAsFast: number }>[];
  loading?: LoadingRow[];
  passes?: PassesRow[];
  ranks?: RanksRow[];
}

export const PARTS = [
  'networks',
  'inference',
  'layer',
  'variants',
  'fit',
  'loading',
  'passes',
  'ranks',
] as const;
export type Part = (typeof PARTS)[number];

export interface Settings {
  readonly only: readonly Part[];
  readonly backends: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  readonly networks: readonly NetworkName[];
  readonly models: readonly InferenceName[];
  readonly batches: readonly number[];
}

/** @param name of the file in `results` */
export function writeResults(name: string, report: Origin): void {
  const folder = new URL('results/', import.meta.url);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(new URL(name, folder), `${JSON.stringify(report, null, 2)}\n`);
}

const commitHash = () =>
  execFileSync('git', ['describe', '--always', '--exclude=*', '--dirty'], {
    cwd: new URL('.', import.meta.url),
    encoding: 'utf8',
  }).trim();

export const originOfRun = (): Origin => ({
  commit: commitHash(),
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: os.cpus()[0]?.model ?? 'unknown', cores: os.cpus().length, node: process.version },
  against: `@tensorflow/tfjs ${tf.version.tfjs}`,
});

/** Runs the parts, one after the other. */
export async function run(settings: Settings, say: (what: string) => void): Promise<Report> {
  const { only, backends, shapes, networks, models, batches } = settings;
  const onBackends = async <Row extends object>(name: string, measure: () => Row[] | Promise<Row[]>) => {
    const rows: OnBackend<Row>[] = [];
    for (const backend of backends) {
      await tf.setBackend(backend);
      say(`${name} on ${backend}`);
      rows.push(...(await measure()).map((row) => ({ backend, ...row })));
    }
    return rows;
  };
  const parts: Record<Part, () => Promise<Partial<Report>>> = {
    networks: async () => {
      const rows: NetworkRow[] = [];
      for (const name of networks) rows.push(...(await raceNetwork(name, backends, say)));
      return { networks: rows };
    },
    inference: async () => {
      const rows: InferenceRow[] = [];
      // On cpu one prediction takes longer than all the rest.
      for (const model of models) rows.push(...(await raceInference(backends[0]!, model, batches, say)));
      return { inference: rows };
    },
    layer: async () => ({
      layer: await onBackends('layer', () => shapes.flatMap((shape) => raceLayer(shape))),
      torch: torchStepMs(shapes),
    }),
    variants: async () => ({ variants: await onBackends('variants', raceVariants) }),
    fit: async () => ({
      fit: await onBackends('fit', async () => {
        const fit = await raceFit();
        return [{ ...fit, timesAsFast: fit.stockMs / fit.evenkeelMs }];
      }),
    }),
    loading: async () => {
      say('loading');
      return { loading: await raceLoading() };
    },
    passes: () => {
      say('passes');
      return Promise.resolve({ passes: measurePasses() });
    },
    ranks: () => Promise.resolve({ ranks: raceRanks(say) }),
  };
  const report: Report = originOfRun();
  for (const part of PARTS) if (only.includes(part)) Object.assign(report, await parts[part]());
  return report;
}
