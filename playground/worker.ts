/**
 * @file The script of all workers, which their names tell apart: one script, so that TF.js is there once for them. What
 * a worker needs is loaded when it starts.
 */
import { ALIVE, ALIVE_INTERVAL, type WorkerName, connect } from './shared/connection.js';
import type { DoctorFunctions, DoctorPageFunctions } from './shared/doctor-protocol.js';
import type { PageFunctions, TrainerFunctions } from './shared/protocol.js';

function serveTrainer(): void {
  const trainer = import('./training/trainer.js').then(
    ({ Trainer }) =>
      new Trainer(
        {
          measured: (measurement) => void page.measured(measurement),
          progressed: (step, rate) => void page.progressed(step, rate),
          failed: (message) => void page.failed(message),
        },
        import.meta.url,
      ),
  );
  const events = ['measured', 'progressed', 'failed'] as const;
  const page = connect<PageFunctions, TrainerFunctions>(self, trainer, events);
}

/** The trainer's second thread. */
function serveAssistant(): void {
  self.addEventListener(
    'message',
    ({ data }) => {
      import('./training/assistant.js')
        .then(({ assist }) => assist(data as Parameters<typeof assist>[0]))
        // So that the trainer hears of it.
        .catch(reportError);
    },
    { once: true },
  );
}

function serveDoctor(): void {
  const doctor = import('./doctor/doctor.js').then(
    ({ Doctor }) => new Doctor({ progressed: (progress) => void page.progressed(progress) }),
  );
  const page = connect<DoctorPageFunctions, DoctorFunctions>(self, doctor, ['progressed']);
}

const SERVE: Readonly<Record<WorkerName, () => void>> = {
  trainer: serveTrainer,
  assistant: serveAssistant,
  doctor: serveDoctor,
};

SERVE[self.name as WorkerName]();
setInterval(() => {
  self.postMessage(ALIVE);
}, ALIVE_INTERVAL);
