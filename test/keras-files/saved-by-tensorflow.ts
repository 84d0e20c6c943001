/** @file Models as TF.js saves them. */
import * as tf from '@tensorflow/tfjs';
import type { NamedFile } from 'evenkeel/keras';

/** A model as TF.js saves it, in two shards. */
export async function savedByTensorFlow(model: tf.LayersModel): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  await model.save(
    tf.io.withSaveHandler(({ modelTopology, weightSpecs, weightData }) => {
      const data = new Uint8Array(weightData as ArrayBuffer);
      const paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
      const weightsManifest = [{ paths, weights: weightSpecs }];
      files.push(
        {
          name: 'model.json',
          bytes: new TextEncoder().encode(JSON.stringify({ modelTopology, weightsManifest })),
        },
        { name: paths[0]!, bytes: data.slice(0, 30) },
        { name: paths[1]!, bytes: data.slice(30) },
      );
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } });
    }),
  );
  return files;
}
