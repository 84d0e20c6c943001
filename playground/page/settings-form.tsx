/** @file What all networks share: the data, their architecture, how they are trained, and on what. */
import { formatCount } from '../../shared/numbers.js';
import {
  ACCEPTED,
  type DataName,
  LABELS,
  type ValueName,
  hasImages,
  parseValue,
  withValue,
} from '../shared/settings.js';
import { Control } from './control.js';
import { DropZone } from './drop-zone.js';
import { change, settings, setup, takeFiles } from './state.js';

const GROUPS: readonly (readonly [title: string, names: readonly ValueName[]])[] = [
  ['Data', ['data', 'seed']],
  ['All networks', ['kind', 'depth', 'width', 'activation']],
  // Threads need memory that they share.
  [
    'Training',
    [
      'optimizer',
      'learningRate',
      'batchSize',
      'backend',
      ...(crossOriginIsolated ? (['threads'] as const) : []),
    ],
  ],
];

const DATA_TITLES: Readonly<Record<DataName, string>> = {
  digits: 'Drawn digits',
  circles: 'Circles',
  moons: 'Moons',
  xor: 'XOR',
  spirals: 'Spirals',
  files: 'Your files',
};

const TITLES: Readonly<Record<string, string>> = {
  ...DATA_TITLES,
  dense: 'Dense',
  convolutional: 'Convolutional',
  sgd: 'SGD',
  momentum: 'SGD, momentum 0.9',
  rmsprop: 'RMSProp',
  adagrad: 'Adagrad',
  adam: 'Adam',
};

function Setting({ name }: { readonly name: ValueName }) {
  const accepted = ACCEPTED[name];
  return (
    <Control
      id={name}
      label={LABELS[name]}
      value={String(settings.value[name])}
      choices={
        accepted.kind === 'choice'
          ? accepted.choices.map((one) => [one, TITLES[one] ?? one] as const)
          : undefined
      }
      isNumber={accepted.kind === 'number'}
      isDisabled={name === 'kind' && !hasImages(settings.value.data)}
      onChange={(text) => {
        const value = parseValue(name, text);
        return change(name, (before) => withValue(before, name, value));
      }}
    />
  );
}

export function SettingsForm() {
  return (
    <form
      class="settings"
      aria-label="Settings"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      {GROUPS.map(([title, names]) => (
        <fieldset key={title}>
          <legend>{title}</legend>
          {names.map((name) => (
            <Setting key={name} name={name} />
          ))}
          {title === 'Data' && (
            <>
              <DropZone
                id="files"
                label="Drop IDX files"
                hint="or choose them: images and labels, as MNIST is published"
                isForWholePage
                onFiles={(files) => void takeFiles(files)}
              />
              {setup.value && (
                <p class="note" data-testid="source">
                  {setup.value.source}: {formatCount(setup.value.trainingCount)} to train,{' '}
                  {formatCount(setup.value.testCount)} to test.
                </p>
              )}
            </>
          )}
        </fieldset>
      ))}
    </form>
  );
}
