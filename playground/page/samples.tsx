/** @file Some of the test digits, and what each network takes them for. */
import { useEffect, useRef } from 'preact/hooks';
import { PIXELS, SIDE } from '../../shared/digits.js';
import { formatCount } from '../../shared/numbers.js';
import type { Samples as SamplesOfSetup } from '../shared/protocol.js';
import { NETWORK_KEYS } from '../shared/settings.js';
import { isRunning, latest, names, setup } from './state.js';
import { type Chosen, wrongFirst } from './wrong-first.js';

/** How many are shown. */
const SHOWN = 24;

function Image({ images, sample }: { readonly images: Uint8Array; readonly sample: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const picture = new ImageData(SIDE, SIDE);
    images.subarray(sample * PIXELS, (sample + 1) * PIXELS).forEach((ink, i) => {
      picture.data.set([255 - ink, 255 - ink, 255 - ink, 255], 4 * i);
    });
    canvas.current!.getContext('2d')!.putImageData(picture, 0, 0);
  }, [images, sample]);
  return <canvas ref={canvas} width={SIDE} height={SIDE} aria-hidden="true" />;
}

/** What a network says of a digit. */
function Guess({
  index,
  guess,
  label,
}: {
  readonly index: number;
  readonly guess: number;
  readonly label: number;
}) {
  const isWrong = guess !== label;
  return (
    <span class={`guess ${NETWORK_KEYS[index]!}${isWrong ? ' wrong' : ''}`}>
      <span class="unseen">{names.value[index]}: </span>
      {guess < 10 ? guess : '–'}
      {isWrong && (
        <>
          <i aria-hidden="true">✗</i>
          <span class="unseen">, wrong</span>
        </>
      )}
    </span>
  );
}

/** Puts wrong ones first, but not under the eyes of who watches the training. */
function useOrder(samples: SamplesOfSetup, guesses: readonly Uint8Array[]): Chosen {
  const order = useRef<{ readonly of: SamplesOfSetup; readonly chosen: Chosen } | null>(null);
  if (!isRunning.value || order.current?.of !== samples) {
    order.current = { of: samples, chosen: wrongFirst(samples.labels, guesses, SHOWN) };
  }
  return order.current.chosen;
}

/** What is shown first, and why. */
function describeOrder({ samples, wrong }: Chosen): string {
  if (isRunning.value) return 'Pause, and wrong ones come first.';
  if (wrong === 0) return 'None is wrong.';
  const others = samples.length - wrong;
  return `The first ${wrong} are wrong ones; the other ${others} come as in the data.`;
}

/** Why not all test samples count. */
function describeMeasured(measured: number, all: number): string {
  if (measured === all) return '';
  const [some, every] = [measured, all].map(formatCount);
  return `Measured are ${some!} of the ${every!} to test: more would slow the training down.`;
}

function Strip({
  samples,
  guesses,
}: {
  readonly samples: SamplesOfSetup;
  readonly guesses: readonly Uint8Array[];
}) {
  const { images, labels } = samples;
  const chosen = useOrder(samples, guesses);
  return (
    <>
      <p class="note">
        Below each digit stands what each network takes it for. {describeOrder(chosen)}{' '}
        {describeMeasured(labels.length, setup.value!.testCount)}
      </p>
      <ul class="legend">
        {names.value.map((name, i) => {
          const isWrong = (sample: number) => guesses[i]![sample] !== labels[sample];
          const wrong = labels.reduce((count, _, sample) => count + (isWrong(sample) ? 1 : 0), 0);
          return (
            <li key={name}>
              <i style={{ color: `var(--${NETWORK_KEYS[i]!})` }} />
              {name}: <b data-testid={`${NETWORK_KEYS[i]!}-wrong`}>{formatCount(wrong)}</b> of{' '}
              {formatCount(labels.length)} wrong, {chosen.samples.filter(isWrong).length} of them among these{' '}
              {chosen.samples.length}
            </li>
          );
        })}
      </ul>
      <ol class="samples" data-testid="samples">
        {chosen.samples.map((sample) => (
          <li key={sample}>
            <Image images={images} sample={sample} />
            <span class="unseen">{labels[sample]}. </span>
            <span class="guesses">
              {guesses.map((of, i) => (
                <Guess key={i} index={i} guess={of[sample]!} label={labels[sample]!} />
              ))}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

export function Samples() {
  const samples = setup.value?.samples;
  const guesses = latest.value?.readings.map((reading) => reading.guesses).filter((of) => of !== null);
  if (!samples || !guesses || guesses.length < names.value.length) return null;
  return (
    <section aria-labelledby="samples-title">
      <h2 id="samples-title">Test digits</h2>
      <Strip samples={samples} guesses={guesses} />
    </section>
  );
}
