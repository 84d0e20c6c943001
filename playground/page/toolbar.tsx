/** @file Start, pause, step, reset; and how far the run is. */
import { useState } from 'preact/hooks';
import { formatCount } from '../../shared/numbers.js';
import { announcement, isPreparing, isRunning, progress, reset, setup, step, tell, toggle } from './state.js';

function Share() {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setIsCopied(true);
      setTimeout(() => {
        setIsCopied(false);
      }, 2000);
    } catch {
      tell('The link cannot be copied from here; it is what the address bar shows.');
    }
  };
  return (
    <button type="button" onClick={() => void copy()}>
      {isCopied ? 'Copied' : 'Copy link'}
    </button>
  );
}

export function Toolbar() {
  const isIdle = setup.value === null || isPreparing.value;
  const { step: done, rate } = progress.value;
  return (
    <div class="toolbar" role="group" aria-label="Training">
      <button type="button" class="primary" disabled={isIdle} onClick={() => void toggle()}>
        {isRunning.value ? 'Pause' : 'Start'}
      </button>
      <button type="button" disabled={isIdle || isRunning.value} onClick={() => void step()}>
        Step
      </button>
      <button type="button" disabled={isIdle} onClick={() => void reset()}>
        Reset
      </button>
      <Share />
      <p aria-hidden="true">
        <b data-testid="step">step {formatCount(done)}</b>
        {isRunning.value && rate > 0 && <span>{rate < 10 ? rate.toFixed(1) : rate.toFixed(0)} / s</span>}
        {isPreparing.value && <span>preparing…</span>}
      </p>
      <p class="unseen" role="status">
        {announcement.value}
      </p>
    </div>
  );
}
