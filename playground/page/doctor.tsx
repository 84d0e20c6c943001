/** @file The doctor: drop a model, read what is wrong with it, repair it, take it away. Loaded when it is first shown. */
import { examination } from './doctor/actions.js';
import { Changes } from './doctor/changes.js';
import { Findings } from './doctor/findings.js';
import { Layers } from './doctor/layers.js';
import { Reading } from './doctor/reading.js';
import { Repairs } from './doctor/repairs.js';
import { announcement } from './state.js';
import './doctor.css';

export default function Doctor() {
  const examined = examination.value;
  return (
    <div class="content doctor">
      <Reading />
      {examined && (
        <>
          <Findings {...examined} />
          <Repairs {...examined} />
          <Changes now={examined} />
          <Layers {...examined} />
        </>
      )}
      <p class="unseen" role="status">
        {announcement.value}
      </p>
    </div>
  );
}
