/** @file Says where a list is only its beginning. */
import { formatCount } from '../../../shared/numbers.js';

export function Beginning(props: {
  readonly of: readonly unknown[];
  readonly count: number;
  readonly what: string;
}) {
  const { of: shown, count, what } = props;
  if (shown.length === count) return null;
  return (
    <p class="note">
      These are the first {formatCount(shown.length)} of {formatCount(count)} {what}.
    </p>
  );
}
