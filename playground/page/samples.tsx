/** @file Some of the test digits, and what each network takes them for. */
import { useEffect, useRef } from 'preact/hooks';
import { PIXELS, SIDE } from '../../shared/digits.js';
import type { Samples as SamplesOfSetup } from '../shared/protocol.js';
import { NETWORK_KEYS } from '../shared/settings.js';
import { isRunning, latest, names, setup } from './state.js';
import { wrongFirst } from './wrong-first.js';

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

/** Puts the wrong ones first, but not under the eyes of who watches the training. */
function useOrder(samples: SamplesOfSetup, guesses: readonly Uint8Array[]): readonly number[] {
  const order = useRef<{ readonly of: SamplesOfSetup; readonly shown: readonly number[] } | null>(null);
  if (!isRunning.value || order.current?.of !== samples) {
    order.current = { of: samples, shown: wrongFirst(samples.labels, guesses).slice(0, SHOWN) };
  }
  return order.current.shown;
}

function Strip({
  samples,
  guesses,
}: {
  readonly samples: SamplesOfSetup;
  readonly guesses: readonly Uint8Array[];
}) {
  const { images, labels } = samples;
  const shown = useOrder(samples, guesses);
  return (
    <>
      <ul class="legend">
        {names.value.map((name, i) => {
          const wrong = labels.reduce(
            (count, label, sample) => count + (guesses[i]![sample] === label ? 0 : 1),
            0,
          );
          return (
            <li key={name}>
              <i style={{ color: `var(--${NETWORK_KEYS[i]!})` }} />
              {name}: <b data-testid={`${NETWORK_KEYS[i]!}-wrong`}>{wrong.toLocaleString('en')}</b> of{' '}
              {labels.length.toLocaleString('en')} wrong
            </li>
          );
        })}
      </ul>
      <ol class="samples" data-testid="samples">
        {shown.map((sample) => (
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
      <p class="note">
        Below each digit stands what each network takes it for.{' '}
        {isRunning.value ? 'Pause, and the wrong ones come first.' : 'Wrong ones come first.'}
      </p>
      <Strip samples={samples} guesses={guesses} />
    </section>
  );
}
