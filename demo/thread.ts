/** @file A thread of the experiment, where it runs on several: a rank, which has its part of every batch. */
import { type Thread, trainAsThread } from 'evenkeel/threads';
import { type Assignment, chooseBackend, runCourse } from './course.js';

await trainAsThread(async (communicator, { data, report }: Thread<Assignment>) => {
  const { settings, stop } = data;
  await chooseBackend(settings.backend);
  const isStopped = () => {
    // All ranks must stop at the same step, and may not see the number at the same time.
    const stops = Float64Array.of(Atomics.load(stop, 0));
    communicator.allReduce(stops);
    return stops[0]! > 0;
  };
  const onProgress = communicator.rank === 0 ? report : () => undefined;
  return runCourse(settings, data.data, { communicator, isStopped }, onProgress);
});
