/** @file What the networks run on. */
import { latest, setup } from './state.js';

export function Machine() {
  if (setup.value === null) return null;
  const { settings, tensorflow } = setup.value;
  return (
    <p>
      Backend <span data-testid="backend">{settings.backend}</span>, TF.js {tensorflow},{' '}
      <span data-testid="tensors">{latest.value?.tensors} tensors</span>.
    </p>
  );
}
