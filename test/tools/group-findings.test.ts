import { type Finding, groupFindings } from 'evenkeel/tools';
import { expect, test } from 'vitest';

const finding = (name: Finding['name'], severity: Finding['severity'], layer: string): Finding => ({
  name,
  severity,
  layer,
  channels: [],
  evidence: {},
  message: '',
  cure: '',
});

test('findings of one kind and severity stand together, in the order of the first of each', () => {
  const groups = groupFindings([
    finding('young-statistics', 'warning', 'a'),
    finding('constant-channel', 'note', 'a'),
    finding('young-statistics', 'warning', 'b'),
    finding('constant-channel', 'warning', 'c'),
  ]);
  expect(
    groups.map((group) => group.map(({ name, severity, layer }) => `${severity} ${name} ${layer}`)),
  ).toEqual([
    ['warning young-statistics a', 'warning young-statistics b'],
    ['note constant-channel a'],
    ['warning constant-channel c'],
  ]);
});

test('without findings there are no groups', () => {
  expect(groupFindings([])).toEqual([]);
});
