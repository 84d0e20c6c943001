/** @file What the networks decide all over the plane, beneath the points that they are tested on. */
import { useEffect, useRef } from 'preact/hooks';
import { EXTENT, GRID, type Points } from '../shared/protocol.js';
import { NETWORK_KEYS } from '../shared/settings.js';
import { latest, names, setup } from './state.js';

/** Pixels of a picture's side. */
const SIDE = 384;

type Color = readonly [red: number, green: number, blue: number];
/** Of the two classes; distinguished without colour by the points' shapes. */
const CLASS_COLORS: readonly [Color, Color] = [
  [217, 119, 6],
  [37, 99, 235],
];
/** Where neither class is more probable. */
const UNDECIDED: Color = [245, 245, 245];

/** The probability (0 to 255) of the second class as a colour. */
function mix(probability: number): Color {
  const certainty = Math.abs(probability / 127.5 - 1);
  const color = CLASS_COLORS[probability < 127.5 ? 0 : 1];
  return UNDECIDED.map((from, i) => from + 0.75 * certainty * (color[i]! - from)) as unknown as Color;
}

function drawGround(context: CanvasRenderingContext2D, decisions: Uint8Array): void {
  const image = new ImageData(GRID, GRID);
  decisions.forEach((probability, i) => {
    image.data.set([...mix(probability), 255], 4 * i);
  });
  const small = new OffscreenCanvas(GRID, GRID);
  small.getContext('2d')!.putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, SIDE, SIDE);
}

function drawPoints(context: CanvasRenderingContext2D, { coordinates, labels }: Points): void {
  const scale = SIDE / (2 * EXTENT);
  context.strokeStyle = '#ffffff';
  context.lineWidth = 1;
  labels.forEach((label, i) => {
    const [x, y] = [(coordinates[2 * i]! + EXTENT) * scale, (EXTENT - coordinates[2 * i + 1]!) * scale];
    context.fillStyle = `rgb(${CLASS_COLORS[label === 0 ? 0 : 1].join(' ')})`;
    context.beginPath();
    if (label === 0) context.arc(x, y, 4, 0, 2 * Math.PI);
    else context.rect(x - 3.5, y - 3.5, 7, 7);
    context.fill();
    context.stroke();
  });
}

function Picture({ index, name }: { readonly index: number; readonly name: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const reading = latest.value?.readings[index];
  const points = setup.value?.points;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !reading?.decisions || !points) return;
    drawGround(context, reading.decisions);
    drawPoints(context, points);
  }, [reading, points]);
  const right = reading
    ? `${(100 * reading.accuracy).toFixed(0)} % of the test points on the right side`
    : '';
  return (
    <figure class="decisions">
      <figcaption>{name}</figcaption>
      <canvas
        ref={canvas}
        width={SIDE}
        height={SIDE}
        role="img"
        aria-label={`Which class is decided for where, ${name}: ${right}.`}
        data-testid={`${NETWORK_KEYS[index]}-decisions`}
      />
    </figure>
  );
}

export function Decisions() {
  return (
    <section aria-labelledby="decisions-title">
      <h2 id="decisions-title">Decisions</h2>
      <p class="note">
        Circles are of the first class, squares of the second; the background shows the class each network
        predicts there.
      </p>
      <div class="networks">
        {names.value.map((name, i) => (
          <Picture key={name} index={i} name={name} />
        ))}
      </div>
    </section>
  );
}
