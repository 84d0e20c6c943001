/** @file Options that are refused, by the core and by the layer alike: with which error and in which words. */
import { ValueError } from 'evenkeel/core';

const AN_AXIS = 'expected an integer or an array of integers (1 for channels first, -1 for the last axis)';
const WHERE_FUSED = 'fused: true needs axis 1 or 3 of rank 4, or axis 1 or 4 of rank 5, received';
const A_SIZE = 'expected a positive integer that divides the batch';
const TOGETHER = 'as in Keras. Leave one of them out.';
const OF_THE_SHAPE = 'in an input of shape [2, 3, 4, 5]. Choose from -4 to 3, each once.';
const CLIPPING = 'expected an object such as { rmax: 3, rmin: 0.3, dmax: 5 }';
const NO_LIMIT = "Unknown limit in renormClipping 'smax'. Known are rmax, rmin, dmax.";

/** For an input of shape [2, 3, 4, 5]: the options, the class of the error, the whole message. */
export const REFUSED_OPTIONS: [Record<string, unknown>, typeof ValueError | ErrorConstructor, string][] = [
  [{ axis: 'last' }, TypeError, `axis: ${AN_AXIS}, received 'last'.`],
  [{ axis: null }, TypeError, `axis: ${AN_AXIS}, received null.`],
  [{ axis: 1.5 }, TypeError, `axis: ${AN_AXIS}, received 1.5.`],
  [{ axis: [1, '2'] }, TypeError, `axis: ${AN_AXIS}, received [1, '2'].`],
  [{ axis: [] }, ValueError, 'axis: expected at least one axis, such as -1, the last, received [].'],
  [{ axis: 4 }, ValueError, `axis: [4] does not exist ${OF_THE_SHAPE}`],
  [{ axis: [0, -5] }, ValueError, `axis: [0, -5] does not exist ${OF_THE_SHAPE}`],
  [{ axis: [-1, 3] }, ValueError, `axis: [-1, 3] names a dimension twice ${OF_THE_SHAPE}`],
  ...['momentum', 'renormMomentum'].flatMap((name): typeof REFUSED_OPTIONS => [
    [{ [name]: '0.9' }, TypeError, `${name}: expected a finite number, usually from 0 to 1, received '0.9'.`],
    [{ [name]: NaN }, ValueError, `${name}: expected a finite number, usually from 0 to 1, received NaN.`],
    [
      { [name]: Infinity },
      ValueError,
      `${name}: expected a finite number, usually from 0 to 1, received Infinity.`,
    ],
  ]),
  [{ epsilon: [0] }, TypeError, 'epsilon: expected a finite number of at least 0, received [0].'],
  [{ epsilon: -2 }, ValueError, 'epsilon: expected a finite number of at least 0, received -2.'],
  [{ epsilon: NaN }, ValueError, 'epsilon: expected a finite number of at least 0, received NaN.'],
  [{ epsilon: Infinity }, ValueError, 'epsilon: expected a finite number of at least 0, received Infinity.'],
  [{ center: 'no' }, TypeError, "center: expected true or false, received 'no'."],
  [{ scale: 0 }, TypeError, 'scale: expected true or false, received 0.'],
  [{ renorm: {} }, TypeError, 'renorm: expected true or false, received {}.'],
  [{ fused: 1 }, TypeError, 'fused: expected true or false, received 1.'],
  [{ virtualBatchSize: 1.5 }, ValueError, `virtualBatchSize: ${A_SIZE}, received 1.5.`],
  [{ virtualBatchSize: 0 }, ValueError, `virtualBatchSize: ${A_SIZE}, received 0.`],
  [{ virtualBatchSize: -2 }, ValueError, `virtualBatchSize: ${A_SIZE}, received -2.`],
  [{ virtualBatchSize: true }, TypeError, `virtualBatchSize: ${A_SIZE}, received true.`],
  [{ virtualBatchSize: '2' }, TypeError, `virtualBatchSize: ${A_SIZE}, received '2'.`],
  [
    { virtualBatchSize: 2, axis: [0, 1] },
    ValueError,
    `virtualBatchSize cannot be combined with axis [0, 1], which includes the batch, ${TOGETHER}`,
  ],
  [{ renormClipping: 3 }, TypeError, `renormClipping: ${CLIPPING}, received 3.`],
  [{ renormClipping: [3, 0.3] }, TypeError, `renormClipping: ${CLIPPING}, received [3, 0.3].`],
  [{ renormClipping: 'rmax' }, TypeError, `renormClipping: ${CLIPPING}, received 'rmax'.`],
  [{ renormClipping: { rmax: 1, smax: 2 } }, ValueError, NO_LIMIT],
  [
    { renormClipping: { rmin: 2, rmax: 1 } },
    ValueError,
    'renormClipping.rmax: expected a number no less than rmin, which is 2, received 1.',
  ],
  [
    { renormClipping: { rmax: -1 } },
    ValueError,
    'renormClipping.rmax: expected a number no less than rmin, which is 0, received -1.',
  ],
  [{ renormClipping: { rmin: NaN } }, ValueError, 'renormClipping.rmin: expected a number, received NaN.'],
  [{ renormClipping: { rmin: '3' } }, TypeError, "renormClipping.rmin: expected a number, received '3'."],
  [
    { renormClipping: { dmax: -1 } },
    ValueError,
    'renormClipping.dmax: expected a number of at least 0, received -1.',
  ],
  [
    { renormClipping: { dmax: NaN } },
    ValueError,
    'renormClipping.dmax: expected a number of at least 0, received NaN.',
  ],
  [
    { fused: true, renorm: true },
    ValueError,
    `fused: true cannot be combined with renorm: true, ${TOGETHER}`,
  ],
  [
    { fused: true, virtualBatchSize: 2 },
    ValueError,
    `fused: true cannot be combined with virtualBatchSize: 2, ${TOGETHER}`,
  ],
  [{ fused: true, axis: 2 }, ValueError, `${WHERE_FUSED} axis [2]. Use fused: null or false.`],
  [{ fused: true, axis: [1, 2] }, ValueError, `${WHERE_FUSED} axis [1, 2]. Use fused: null or false.`],
  [
    { fused: true, axis: -4 },
    ValueError,
    `${WHERE_FUSED} axis [-4] of an input of shape [2, 3, 4, 5]. Use fused: null or false.`,
  ],
];

/** Options that are taken, some of them against one's expectations. */
export const ACCEPTED_OPTIONS: Record<string, unknown>[] = [
  { epsilon: 0 },
  { momentum: -3, renormMomentum: 7 },
  { axis: [-4, 1, 3] },
  { renormClipping: { rmax: null, rmin: -1, dmax: Infinity } },
  { renormClipping: { rmax: 1, rmin: 1, dmax: 0 } },
  { virtualBatchSize: 1 },
  { fused: true, axis: -3 },
];
