/** @file What of the passes their caller must know: constants on which the size of the scratch depends. */
export { BYTES_PER_LANE, MOST_JOINED_LANES, RUN } from './lanes';
