/** @file A layer's configuration as TF.js builds from it. */

/** A layer as TF.js builds it. Containers hold `layers` in the order of the file. */
export interface LayerConfig {
  className: string;
  /** The class in the file, where it was one of its own. */
  savedClass?: string;
  /** The name in the file; TF.js' own may have had to change. */
  savedName: string;
  config: Record<string, unknown> & { name: string; layers?: LayerConfig[]; layer?: LayerConfig };
  /** The penalty on what the layer gives, which TF.js refuses as a setting. */
  activityRegularizer?: unknown;
  /** Of a layer in a functional model. */
  name?: string;
  inboundNodes?: unknown[];
  /** When TF.js is to call it, among the layers of that model: after those that it takes from. */
  turn?: number;
}

export const CONTAINERS = ['Sequential', 'Functional'];

export const isContainer = ({ className }: LayerConfig): boolean => CONTAINERS.includes(className);

/** The layers within a layer: those of a container, and what a wrapper or a recurrent layer holds. */
export function innerConfigs({ config }: LayerConfig): LayerConfig[] {
  const { layers, layer, cell, cells } = config as LayerConfig['config'] & {
    cell?: LayerConfig;
    cells?: LayerConfig[];
  };
  return [layers ?? [], layer ?? [], cell ?? [], cells ?? []].flat();
}
