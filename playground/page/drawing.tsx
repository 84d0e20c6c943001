/** @file A sheet to draw a digit on, by pointer or keyboard, and what the networks take it for. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { toDigit } from '../shared/ink.js';
import { NETWORK_KEYS } from '../shared/settings.js';
import { answers, ask, names } from './state.js';

/** Pixels of the sheet's side. */
const SIDE = 224;
const PEN = 18;
/** How far an arrow key moves the pen. */
const STRIDE = 8;

interface Point {
  readonly x: number;
  readonly y: number;
}

const MIDDLE: Point = { x: SIDE / 2, y: SIDE / 2 };

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -STRIDE, y: 0 },
  ArrowRight: { x: STRIDE, y: 0 },
  ArrowUp: { x: 0, y: -STRIDE },
  ArrowDown: { x: 0, y: STRIDE },
};

const within = (value: number): number => Math.min(SIDE, Math.max(0, value));

/** The sheet's ink, which is its opacity. */
function readInk(context: CanvasRenderingContext2D): Uint8Array {
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i + 3]!);
}

function Sheet() {
  const canvas = useRef<HTMLCanvasElement>(null);
  /** Where the pen is, and whether it touches the paper. */
  const [pen, setPen] = useState({ ...MIDDLE, isDown: false, isByKey: false });
  const context = (): CanvasRenderingContext2D =>
    canvas.current!.getContext('2d', { willReadFrequently: true })!;

  const look = () => {
    const digit = toDigit({ side: SIDE, ink: readInk(context()) });
    ask(digit);
  };
  const clear = () => {
    context().clearRect(0, 0, SIDE, SIDE);
    ask(null);
  };
  // A drawing does not outlive its sheet.
  useEffect(
    () => () => {
      ask(null);
    },
    [],
  );
  const stroke = (from: Point, to: Point) => {
    const paper = context();
    paper.lineCap = 'round';
    paper.lineWidth = PEN;
    paper.beginPath();
    paper.moveTo(from.x, from.y);
    paper.lineTo(to.x, to.y);
    paper.stroke();
    look();
  };
  const pointOf = (event: PointerEvent): Point => {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect();
    return { x: ((event.clientX - left) / width) * SIDE, y: ((event.clientY - top) / height) * SIDE };
  };
  const lift = () => {
    setPen({ ...pen, isDown: false });
  };
  const press = (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key];
    if (event.key === ' ') {
      const isDown = !pen.isDown;
      setPen({ ...pen, isDown, isByKey: true });
      if (isDown) stroke(pen, pen);
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      clear();
    } else if (arrow) {
      const to = { x: within(pen.x + arrow.x), y: within(pen.y + arrow.y) };
      if (pen.isDown) stroke(pen, to);
      setPen({ ...pen, ...to, isByKey: true });
    } else {
      return;
    }
    event.preventDefault();
  };
  return (
    <div class="sheet">
      <div class="paper">
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          tabIndex={0}
          role="application"
          aria-label="Draw a digit here. Arrow keys move the pen, the space bar lowers and lifts it, Delete clears."
          data-testid="sheet"
          onKeyDown={press}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            const point = pointOf(event);
            setPen({ ...point, isDown: true, isByKey: false });
            stroke(point, point);
          }}
          onPointerMove={(event) => {
            if (!pen.isDown || pen.isByKey) return;
            const point = pointOf(event);
            stroke(pen, point);
            setPen({ ...point, isDown: true, isByKey: false });
          }}
          onPointerUp={lift}
          onPointerCancel={lift}
        />
        <i
          class={pen.isDown ? 'pen down' : 'pen'}
          style={{ left: `${(100 * pen.x) / SIDE}%`, top: `${(100 * pen.y) / SIDE}%` }}
        />
      </div>
      <button type="button" onClick={clear}>
        Clear
      </button>
    </div>
  );
}

function Answer({ index, name }: { readonly index: number; readonly name: string }) {
  const key = NETWORK_KEYS[index]!;
  const answer = answers.value?.[index];
  // A network that diverged takes it for nothing.
  const probabilities = answer?.every(Number.isFinite) ? answer : undefined;
  const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : null;
  return (
    <div class={`answer ${key}`}>
      <p>
        {name}:{' '}
        <b data-testid={`${key}-answer`}>
          {best === null ? '–' : `${best} (${(100 * probabilities![best]!).toFixed(0)} %)`}
        </b>
      </p>
      <ol aria-hidden="true" start={0}>
        {Array.from({ length: 10 }, (_, numeral) => (
          <li key={numeral} class={numeral === best ? 'best' : undefined}>
            <i style={{ height: `${100 * (probabilities?.[numeral] ?? 0)}%` }} />
            <span>{numeral}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

export function Drawing() {
  return (
    <section aria-labelledby="drawing-title">
      <h2 id="drawing-title">Draw a digit</h2>
      <div class="drawing">
        <Sheet />
        {names.value.map((name, i) => (
          <Answer key={name} index={i} name={name} />
        ))}
      </div>
    </section>
  );
}
