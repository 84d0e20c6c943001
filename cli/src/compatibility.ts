/** @file What `evenkeel inspect --compatibility` prints: whether a model loads, and all that keeps it from loading. */
import { escapeControls } from '../../src/text/show.js';
import type { KerasModelCheck } from 'evenkeel/keras';
import { type Context, naming, withTensorFlow } from './context.js';
import { EXIT_CODES } from './exit-codes.js';
import { type BackendSettings, type OutputSettings, refuseOptions } from './options.js';
import type { PrintedJson } from './printed-json.js';
import { formatEntries, formatTable } from './tables.js';
import type { Terminal } from './terminal.js';
import { formatJson, listNames } from './text.js';
import { plural } from '../../shared/numbers.js';

interface CompatibilitySettings extends BackendSettings, OutputSettings {
  readonly data?: string;
  readonly moments?: string;
  readonly html?: string;
  readonly failOn?: string;
}

/** @throws UsageError for options that look into the model, which is not made here */
export async function checkCompatibility(
  path: string,
  settings: CompatibilitySettings,
  context: Context,
): Promise<void> {
  refuseOptions(
    settings,
    { data: '--data', moments: '--moments', html: '--html', failOn: '--fail-on' },
    (flag) => `--compatibility does not make the model, so ${flag} has nothing to look at.`,
  );
  const check = await withTensorFlow(settings, async () => {
    const { checkKerasModel } = await import('evenkeel/keras');
    return naming(path, () => checkKerasModel(path, { limits: settings.limit }));
  });
  context.terminal.out(
    settings.json
      ? formatJson(check satisfies PrintedJson['inspect --compatibility --json'])
      : formatCheck(path, check, context.terminal),
  );
  if (check.blockers.length > 0) context.setExitCode(EXIT_CODES.found);
}

const LABEL_WIDTH = 9;

function formatCheck(
  path: string,
  { format, kerasVersion, layers, blockers, notes }: KerasModelCheck,
  { paint, width }: Terminal,
): string {
  const blocked = new Map<string, number>();
  for (const { className, layers: names } of blockers) {
    blocked.set(className, (blocked.get(className) ?? 0) + names.length);
  }
  const count = Object.values(layers).reduce((sum, number) => sum + number, 0);
  const writer = kerasVersion === '' ? '' : `, of Keras ${kerasVersion}`;
  const head = `${escapeControls(path)}: .${format}${escapeControls(writer)}, ${plural(count, 'layer')}.`;
  const rows = Object.entries(layers)
    .sort(
      ([one, some], [other, more]) =>
        (blocked.has(other) ? 1 : 0) - (blocked.has(one) ? 1 : 0) || more - some,
    )
    .map(([className, number]) => [className, String(number), String(blocked.get(className) ?? '')]);
  const entries = [
    ...blockers.map(({ className, layers: names, reason }) => {
      const about = `${paint('bold', escapeControls(className))} in ${listNames(names)}:`;
      return [paint('red', 'blocked'), `${about} ${escapeControls(reason)}`] as const;
    }),
    ...notes.map((note) => [paint('cyan', 'note'), escapeControls(note)] as const),
  ];
  const total = [...blocked.values()].reduce((sum, number) => sum + number, 0);
  return `${[
    head,
    formatTable(['class', 'layers', 'do not load'], rows),
    ...(entries.length > 0 ? [formatEntries(entries, LABEL_WIDTH, width)] : []),
    total > 0 ? `${plural(total, 'layer')} to replace before it loads.` : 'It loads.',
  ].join('\n\n')}\n`;
}
