/** @file The worker that trains: the trainer, joined to the page. */
import { connect } from '../shared/connection.js';
import type { PageFunctions, TrainerFunctions } from '../shared/protocol.js';
import { Trainer } from './trainer.js';

const page = connect<PageFunctions, TrainerFunctions>(
  self,
  new Trainer({
    measured: (measurement) => void page.measured(measurement),
    progressed: (step, rate) => void page.progressed(step, rate),
    failed: (message) => void page.failed(message),
  }),
  ['measured', 'progressed', 'failed'],
);
