/** @file Each network's normalization: the layer's arguments, with the documentation of the layer's own source. */
import { useState } from 'preact/hooks';
import { ARGUMENTS, type ArgumentDocumentation } from 'virtual:argument-documentation';
import { type LayerArguments, NETWORKS, type NetworkName, TITLES } from '../shared/settings.js';
import { Control } from './control.js';
import { change, latest, settings, setup } from './state.js';

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
  DataType: ['float32', 'int32', 'bool'],
};

/** What is different here. */
const REMARKS: Readonly<Record<string, string>> = {
  adjustment:
    'Here { "scale": s, "bias": b }: a scale drawn per channel from 1 − s to 1 + s, and a bias of deviation b.',
  renormClipping: 'Here as JSON: { "rmax": 3, "rmin": 0.333, "dmax": 5 }.',
  weights: 'Here as JSON, for every hidden layer the same.',
};

/** All but what follows from the number of threads. */
const OFFERED = ARGUMENTS.filter(({ name }) => name !== 'synchronized');

const BOOLEAN_CHOICES = [
  ['', 'default'],
  ['true', 'true'],
  ['false', 'false'],
] as const;

const asText = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** Numbers, lists and objects as JSON; anything else is a word. The layer itself checks it. */
function fromText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function withArgument(args: LayerArguments, name: string, text: string): LayerArguments {
  const rest = Object.fromEntries(Object.entries(args).filter(([key]) => key !== name));
  return text.trim() === '' ? rest : { ...rest, [name]: fromText(text) };
}

interface ArgumentProps {
  readonly network: NetworkName;
  readonly args: LayerArguments;
  readonly documentation: ArgumentDocumentation;
}

function Argument({ network, args, documentation: { name, type, text } }: ArgumentProps) {
  const [isExplained, setIsExplained] = useState(false);
  const id = `${network}.${name}`;
  const explanation = `${id}-explanation`;
  return (
    <li class={args[name] === undefined ? undefined : 'given'}>
      <Control
        id={id}
        label={name}
        value={asText(args[name])}
        choices={type === 'boolean' ? BOOLEAN_CHOICES : undefined}
        suggestions={SUGGESTIONS[type.split(' ')[0]!]}
        description={explanation}
        onChange={(given) =>
          change(id, (before) => ({
            ...before,
            layers: { ...before.layers, [network]: withArgument(before.layers[network] ?? {}, name, given) },
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
        {text} {REMARKS[name]} <code>{type}</code>
      </p>
    </li>
  );
}

/** The arguments as a program would give them. */
const asCode = (args: LayerArguments): string => {
  const entries = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `layerBatchNormalization(${entries.length > 0 ? `{ ${entries.join(', ')} }` : ''})`;
};

function LayerForm({ network }: { readonly network: NetworkName }) {
  const args = settings.value.layers[network];
  const description = setup.value?.networks[network];
  const reading = latest.value?.[network];
  const execution = description?.execution;
  return (
    <section class={`network ${network}`} aria-labelledby={`${network}-title`}>
      <h2 id={`${network}-title`}>{TITLES[network]}</h2>
      {reading && (
        <p class="numbers">
          <b data-testid={`${network}-accuracy`}>{(100 * reading.accuracy).toFixed(1)} %</b> right, loss{' '}
          {reading.testLoss.toFixed(3)}
        </p>
      )}
      <Control
        id={`${network}.normalization`}
        label="Normalization"
        value={args === null ? 'none' : 'batch'}
        choices={[
          ['none', 'none'],
          ['batch', 'batch normalization'],
        ]}
        onChange={(choice) =>
          change(`${network}.normalization`, (before) => ({
            ...before,
            layers: { ...before.layers, [network]: choice === 'none' ? null : {} },
          }))
        }
      />
      {args !== null && (
        <>
          <p class="code">
            <code data-testid={`${network}-code`}>{asCode(args)}</code>
          </p>
          <details>
            <summary>Arguments of the layer</summary>
            <ul class="arguments">
              {OFFERED.map((documentation) => (
                <Argument
                  key={documentation.name}
                  network={network}
                  args={args}
                  documentation={documentation}
                />
              ))}
            </ul>
          </details>
        </>
      )}
      <p class="note" data-testid={`${network}-execution`}>
        {description?.parameters.toLocaleString('en')} parameters. {execution?.reason}{' '}
        {execution && execution.kernels.length > 0 && `In use: ${execution.kernels.join(', ')}.`}
      </p>
    </section>
  );
}

export function LayerForms() {
  return (
    <div class="pair">
      {NETWORKS.map((network) => (
        <LayerForm key={network} network={network} />
      ))}
    </div>
  );
}
