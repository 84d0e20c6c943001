/**
 * @file What moments were taken of, so that only moments of the same are merged: three SHA-256 in hexadecimal, joined
 * by '-'. The first is of the model: its layers' classes, settings and weights. The second is of the round: the order,
 * the kind of statistics, and the moments that the layers before had been given. The third is of how the data was
 * prepared.
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isContainer, layersOf } from '../model/graph.js';
import { ownWeightsOf } from '../model/tensorflow-internals.js';
import { ValueError } from '../text/value-error.js';

/** The form of an origin. */
export const ORIGIN = /^[0-9a-f]{64}(-[0-9a-f]{64}){2}$/;

const PARTS = ['model', 'round', 'preparation'] as const;

/** What differs, for a message. */
const DIFFERENCES: Readonly<Record<(typeof PARTS)[number], string>> = {
  model: 'of another model, or of the same with other weights or settings',
  round:
    'of another round: of another order or kind of statistics, or with other moments given for the layers before',
  preparation: 'of data that was prepared otherwise',
};

/**
 * In what two origins differ; null where they do not.
 *
 * @param compared what is held against each other; the preparation is known to who has the data only
 */
export function differenceOf(
  origin: string,
  other: string,
  compared: readonly (typeof PARTS)[number][] = PARTS,
): string | null {
  const [own, others] = [origin.split('-'), other.split('-')];
  const part = compared.find((one) => own[PARTS.indexOf(one)] !== others[PARTS.indexOf(one)]);
  return part === undefined ? null : DIFFERENCES[part];
}

/** The origin of moments of a model, by whose weights it is made once. */
export class MomentsOrigin {
  private constructor(private readonly model: string) {}

  /** @throws ValueError where the platform has no SHA-256 */
  static async of(model: LayersModel): Promise<MomentsOrigin> {
    const lines: string[] = [];
    for (const { layer } of layersOf(model)) {
      // A container's settings are its layers, by their names.
      if (!isContainer(layer))
        lines.push(layer.getClassName(), JSON.stringify(layer.getConfig(), omitHistory));
      for (const weight of ownWeightsOf(layer)) {
        const { buffer, byteOffset, byteLength } = await weight.read().data();
        const digest = await digestOf(new Uint8Array(buffer, byteOffset, byteLength));
        lines.push(JSON.stringify([weight.dtype, weight.shape, digest]));
      }
    }
    return new MomentsOrigin(await digestOfText(lines.join('\n')));
  }

  /**
   * @param round what the moments of a round have in common
   * @param preparation how the data was prepared
   */
  async in(round: unknown, preparation: string): Promise<string> {
    return [this.model, await digestOfText(JSON.stringify(round)), await digestOfText(preparation)].join('-');
  }
}

/** Names, which TF.js counts on, and how weights came to be or are trained: no output depends on these. */
const HISTORY = /^(name|trainable)$|(Initializer|Regularizer|Constraint)$/;

const omitHistory = (key: string, value: unknown): unknown => (HISTORY.test(key) ? undefined : value);

const digestOfText = (text: string): Promise<string> => digestOf(new TextEncoder().encode(text));

async function digestOf(bytes: Uint8Array): Promise<string> {
  // Browsers keep it from pages that came by http.
  const { subtle } = (globalThis as { crypto?: { subtle?: SubtleCrypto } }).crypto ?? {};
  if (!subtle) {
    throw new ValueError(
      'Moments are marked by SHA-256 (crypto.subtle), which is missing here. Use Node 20 or later, or a page that comes ' +
        'by https or from localhost.',
    );
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
