/** @file What went wrong, said aloud to screen readers too. */
import { dismiss, problems } from './state.js';

export function Problems() {
  return (
    <div class="problems" role="alert">
      {problems.value.map((problem) => (
        <p key={problem.text}>
          <span>{problem.text}</span>
          <button
            type="button"
            aria-label={`Dismiss: ${problem.text}`}
            onClick={() => {
              dismiss(problem);
            }}
          >
            ×
          </button>
        </p>
      ))}
    </div>
  );
}
