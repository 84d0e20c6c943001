/**
 * @file The script of both workers, which their names tell apart: one script, so that TF.js is there once for both. What a
 * worker needs is loaded when it starts.
 */
import { ALIVE, ALIVE_INTERVAL, type WorkerName, connect } from './shared/connection.js';
import type { DoctorFunctions, DoctorPageFunctions } from './shared/doctor-protocol.js';
import type { PageFunctions, TrainerFunctions } from './shared/protocol.js';

function serveTrainer(): void {
  const trainer = import('./training/trainer.js').then(
    ({ Trainer }) =>
      new Trainer({
        measured: (measurement) => void page.measured(measurement),
        progressed: (step, rate) => void page.progressed(step, rate),
        failed: (message) => void page.failed(message),
      }),
  );
  const events = ['measured', 'progressed', 'failed'] as const;
  const page = connect<PageFunctions, TrainerFunctions>(self, trainer, events);
}

function serveDoctor(): void {
  const doctor = import('./doctor/doctor.js').then(
    ({ Doctor }) => new Doctor({ progressed: (progress) => void page.progressed(progress) }),
  );
  const page = connect<DoctorPageFunctions, DoctorFunctions>(self, doctor, ['progressed']);
}

const SERVE: Readonly<Record<WorkerName, () => void>> = { trainer: serveTrainer, doctor: serveDoctor };

SERVE[self.name as WorkerName]();
setInterval(() => {
  self.postMessage(ALIVE);
}, ALIVE_INTERVAL);
