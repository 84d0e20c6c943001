/** @file The files of a model as TF.js writes it: `model.json`, and shards with its weights. */
import type { io } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { ValueError } from 'evenkeel/core';

/** As large as tensorflowjs' converter makes them: browsers keep files of that size in their caches. */
const SHARD_BYTES = 4 * 2 ** 20;

/** JavaScript's JSON would have null instead, which is a setting's default. */
function refuseNotFinite(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  throw new ValueError(
    `The model has a setting '${key}' of ${value}, which a model.json cannot hold. Write an .h5 or .keras file.`,
  );
}

/** A model taken apart. */
export interface TfjsFiles {
  readonly shards: readonly Uint8Array[];
  /**
   * What model.json holds.
   *
   * @param paths what the shards are called
   * @throws ValueError for a model with a setting that JSON cannot hold
   */
  readonly topology: (paths: readonly string[]) => Uint8Array;
}

export async function splitModel(model: LayersModel): Promise<TfjsFiles> {
  let artifacts: io.ModelArtifacts | undefined;
  await model.save({
    save(saved) {
      artifacts = saved;
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    },
  });
  const { modelTopology, weightSpecs, weightData, format, generatedBy } = artifacts!;
  const weights = new Uint8Array(await new Blob([weightData ?? []].flat()).arrayBuffer());
  const count = Math.max(1, Math.ceil(weights.length / SHARD_BYTES));
  return {
    shards: Array.from({ length: count }, (_, i) => weights.subarray(i * SHARD_BYTES, (i + 1) * SHARD_BYTES)),
    topology(paths) {
      const weightsManifest = [{ paths, weights: weightSpecs }];
      const json = { format, generatedBy, convertedBy: null, modelTopology, weightsManifest };
      return new TextEncoder().encode(JSON.stringify(json, refuseNotFinite));
    },
  };
}
