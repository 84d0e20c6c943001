/** @file What went wrong, said aloud to screen readers too; what is about a field of the page stands there. */
import { signal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { dismiss, problems } from './state.js';

/** The fields that show what is said of them. */
const fields = signal<readonly string[]>([]);

export function Problems() {
  return (
    <div class="problems" role="alert">
      {problems.value
        .filter(({ about }) => about === null || !fields.value.includes(about))
        .map((problem) => (
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

/** What was refused at a field, beside it. */
export function Refusal({ about }: { readonly about: string }) {
  const problem = problems.value.find((one) => one.about === about);
  useLayoutEffect(() => {
    fields.value = [...fields.value, about];
    return () => {
      fields.value = fields.value.filter((one) => one !== about);
    };
  }, [about]);
  return (
    <span class="refusal" id={`${about}-problem`} role="alert">
      {problem?.text}
    </span>
  );
}
