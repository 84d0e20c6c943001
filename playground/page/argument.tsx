/** @file One argument of a network's layer: its control, and its documentation from the layer's own source. */
import { useState } from 'preact/hooks';
import type { ArgumentDocumentation } from 'virtual:argument-documentation';
import type { LayerArguments } from '../shared/settings.js';
import { Control } from './control.js';
import { changeNetwork, fieldOf } from './state.js';

const INITIALIZERS = [
  'zeros',
  'ones',
  'randomNormal',
  'heNormal',
  '{"className":"Constant","config":{"value":0.1}}',
];

/** What to offer, by what an argument's type begins with. */
const SUGGESTIONS: Readonly<Record<string, readonly string[]>> = {
  Initializer: INITIALIZERS,
  Regularizer: ['l1', 'l2', 'l1l2', '{"className":"L2","config":{"l2":0.001}}'],
  Constraint: ['nonNeg', 'maxNorm', 'unitNorm', 'minMaxNorm'],
  RenormClipping: ['{"rmax":3,"rmin":0.333,"dmax":5}'],
  Adjustment: ['{"scale":0.1,"bias":0.1}'],
};

/** What is different here. */
const REMARKS: Readonly<Record<string, string>> = {
  adjustment:
    'Here { "scale": s, "bias": b }: a scale drawn per channel from 1 − s to 1 + s, and a bias of deviation b.',
  renormClipping: 'Here as JSON: { "rmax": 3, "rmin": 0.333, "dmax": 5 }.',
};

const asText = (value: unknown): string =>
  value == null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** Numbers, lists and objects as JSON; anything else is a word. The layer itself checks it. */
function fromText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The arguments with one of them changed; what is the default is left out. */
function withArgument(
  args: LayerArguments,
  { name, defaultText }: ArgumentDocumentation,
  text: string,
): LayerArguments {
  const others = Object.fromEntries(Object.entries(args).filter(([key]) => key !== name));
  const isDefault = text.trim() === '' || text.trim() === defaultText;
  return isDefault ? others : { ...others, [name]: fromText(text) };
}

/** Of an argument that is null where it is not given, null is a choice too. */
const choicesOf = (defaultText: string): (readonly [string, string])[] => [
  ...(defaultText === '' ? [['', 'null (default)'] as const] : []),
  ...['true', 'false'].map((word) => [word, word === defaultText ? `${word} (default)` : word] as const),
];

interface ArgumentProps {
  readonly index: number;
  readonly args: LayerArguments;
  readonly documentation: ArgumentDocumentation;
}

export function Argument({ index, args, documentation }: ArgumentProps) {
  const [isExplained, setIsExplained] = useState(false);
  const { name, type, text, defaultText, page } = documentation;
  const field = fieldOf(index, name);
  const explanation = `${field}-explanation`;
  const site = import.meta.env.VITE_SITE;
  return (
    <li class={args[name] === undefined ? undefined : 'given'}>
      <Control
        id={field}
        label={name}
        value={asText(args[name]) || defaultText}
        placeholder="none"
        choices={type === 'boolean' ? choicesOf(defaultText) : undefined}
        suggestions={SUGGESTIONS[type.split(' ')[0]!]}
        description={explanation}
        onChange={(given) =>
          changeNetwork(name, index, (network) => ({
            ...network,
            layer: withArgument(network.layer ?? {}, documentation, given),
          }))
        }
      >
        <button
          type="button"
          class="explain"
          aria-label={`What is ${name}?`}
          aria-expanded={isExplained}
          aria-controls={explanation}
          onClick={() => {
            setIsExplained(!isExplained);
          }}
        >
          ?
        </button>
      </Control>
      <p id={explanation} class="note" hidden={!isExplained}>
        {text} {REMARKS[name]} <code>{type}</code>{' '}
        {site !== undefined && <a href={`${site}${page}`}>More about {name}</a>}
      </p>
    </li>
  );
}
