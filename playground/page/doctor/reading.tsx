/** @file Where a model comes in: dropped, chosen, or the one at hand; and what the doctor is doing. */
import { DropZone } from '../drop-zone.js';
import { FIELDS, examination, open, openSample, progress, stop, task } from './actions.js';

function TaskView() {
  const doing = task.value;
  if (doing === null) return null;
  const { done = 0, total = null, step = '' } = progress.value ?? {};
  return (
    <p class="task" role="status">
      <span>
        {doing.what} {step && `(${step})`}
      </span>
      <progress aria-label={doing.what} {...(total === null ? {} : { max: total, value: done })} />
      <button
        type="button"
        onClick={() => {
          stop(doing);
        }}
      >
        Stop
      </button>
    </p>
  );
}

export function Reading() {
  return (
    <section class="reading" aria-label="Model">
      <DropZone
        id={FIELDS.model}
        label="Drop a model"
        hint="or choose it: .h5, .keras, or model.json with its shards"
        isForWholePage
        onFiles={(files) => void open(files)}
      />
      <p>
        <button type="button" disabled={task.value !== null} onClick={() => void openSample()}>
          Open the sample
        </button>{' '}
        a small network that reads digits, with digits to try it on. It learned well, and yet predicts badly.
      </p>
      {examination.value === null && (
        <p class="note">
          What the doctor does: it looks at the model’s batch normalizations, alone and with data, says what
          is wrong and on what evidence, and repairs what can be repaired without training.
        </p>
      )}
      <TaskView />
    </section>
  );
}
