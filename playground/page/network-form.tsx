/** @file What each network has for itself: its normalization, whose arguments are grouped by what they do. */
import { ARGUMENTS } from 'virtual:argument-documentation';
import { formatCount } from '../../shared/numbers.js';
import { ARGUMENT_GROUPS, type ArgumentGroup } from '../shared/argument-groups.js';
import { FROZEN_AFTER, type LayerArguments, NETWORK_KEYS, parseNumber } from '../shared/settings.js';
import { Argument } from './argument.js';
import { Control } from './control.js';
import {
  addNetwork,
  changeNetwork,
  fieldOf,
  identityOf,
  names,
  removeNetwork,
  settings,
  setup,
} from './state.js';

/** The arguments as a program would give them. */
const asCode = (args: LayerArguments): string => {
  const entries = Object.entries(args).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `layerBatchNormalization(${entries.length > 0 ? `{ ${entries.join(', ')} }` : ''})`;
};

interface GroupProps {
  readonly index: number;
  readonly group: ArgumentGroup;
  readonly args: LayerArguments;
}

function Group({ index, group, args }: GroupProps) {
  const given = group.names.filter((name) => args[name] !== undefined).length;
  return (
    <details open={given > 0}>
      <summary>
        {group.title} {given > 0 && <span class="note">({given} changed)</span>}
      </summary>
      <ul class="arguments">
        {group.names.map((name) => (
          <Argument
            key={name}
            index={index}
            args={args}
            documentation={ARGUMENTS.find((one) => one.name === name)!}
          />
        ))}
      </ul>
    </details>
  );
}

function Freezing(props: { readonly index: number; readonly frozenAfter: number | null }) {
  const { index, frozenAfter } = props;
  const label = 'Freeze after step';
  return (
    <Control
      id={fieldOf(index, 'frozenAfter')}
      label={label}
      value={String(frozenAfter ?? '')}
      placeholder="never"
      isNumber
      onChange={(text) => {
        const after = text.trim() === '' ? null : parseNumber(label, text, FROZEN_AFTER);
        return changeNetwork('frozenAfter', index, (network) => ({ ...network, frozenAfter: after }));
      }}
    />
  );
}

function NetworkForm({ index, name }: { readonly index: number; readonly name: string }) {
  const { layer, frozenAfter } = settings.value.networks[index]!;
  const id = NETWORK_KEYS[index]!;
  const description = setup.value?.networks[index];
  const execution = description?.execution;
  return (
    <section class={`network ${id}`} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>{name}</h3>
      <Control
        id={fieldOf(index, 'normalization')}
        label="Normalization"
        value={layer === null ? 'none' : 'batch'}
        choices={[
          ['none', 'none'],
          ['batch', 'batch normalization'],
        ]}
        onChange={(choice) =>
          changeNetwork('normalization', index, () => ({
            layer: choice === 'none' ? null : {},
            frozenAfter: null,
          }))
        }
      />
      {layer !== null && (
        <>
          <p class="code">
            <code data-testid={`${id}-code`}>{asCode(layer)}</code>
          </p>
          {ARGUMENT_GROUPS.map((group) => (
            <Group key={group.title} index={index} group={group} args={layer} />
          ))}
          <Freezing index={index} frozenAfter={frozenAfter} />
        </>
      )}
      <p class="note" data-testid={`${id}-execution`}>
        {description && formatCount(description.parameters)} parameters. {execution?.reason}{' '}
        {execution && execution.kernels.length > 0 && `In use: ${execution.kernels.join(', ')}.`}
      </p>
      {names.value.length > 1 && (
        <button
          type="button"
          aria-label={`Remove the network ${name}`}
          onClick={() => void removeNetwork(index)}
        >
          Remove
        </button>
      )}
    </section>
  );
}

export function NetworkForms() {
  const called = names.value;
  return (
    <section aria-labelledby="networks-title">
      <h2 id="networks-title">The networks</h2>
      <p class="note">
        They differ in their normalization alone: data, batches and initial weights are the same.
      </p>
      <div class="networks">
        {called.map((name, i) => (
          <NetworkForm key={identityOf(settings.value.networks[i]!)} index={i} name={name} />
        ))}
      </div>
      {called.length < NETWORK_KEYS.length && (
        <button type="button" onClick={() => void addNetwork()}>
          Add a network
        </button>
      )}
    </section>
  );
}
