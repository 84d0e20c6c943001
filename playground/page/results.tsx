/** @file How both networks do: accuracy and loss, as they train. */
import { useMemo } from 'preact/hooks';
import { Chart, type Line } from './chart.js';
import { measurements } from './state.js';

const ACCURACY: readonly Line[] = [
  { label: 'A', color: 'a' },
  { label: 'B', color: 'b' },
];

const LOSS: readonly Line[] = [
  { label: 'A, test', color: 'a' },
  { label: 'B, test', color: 'b' },
  { label: 'A, training', color: 'a', width: 1, isDashed: true },
  { label: 'B, training', color: 'b', width: 1, isDashed: true },
];

const percent = (value: number): string => `${value.toFixed(1)} %`;

export function Results() {
  const series = measurements.value;
  const { accuracy, loss } = useMemo(() => {
    const steps = series.map(({ step }) => step);
    return {
      accuracy: [steps, series.map(({ a }) => 100 * a.accuracy), series.map(({ b }) => 100 * b.accuracy)],
      loss: [
        steps,
        series.map(({ a }) => a.testLoss),
        series.map(({ b }) => b.testLoss),
        series.map(({ a }) => a.trainingLoss),
        series.map(({ b }) => b.trainingLoss),
      ],
    };
  }, [series]);
  return (
    <section aria-label="Results" class="pair">
      <Chart
        title="Accuracy on test data, %"
        xLabel="step"
        lines={ACCURACY}
        data={accuracy}
        range={[0, 100]}
        format={percent}
      />
      <Chart title="Loss (cross-entropy)" xLabel="step" lines={LOSS} data={loss} />
    </section>
  );
}
