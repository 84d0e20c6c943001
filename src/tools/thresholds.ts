/** @file From where on something is worth a word. */

/**
 * From where on something is worth a word. A healthy, trained model must stay below all of them.
 *
 * | threshold | value | reason |
 * |---|---|---|
 * | hugeVariance | 1e8 | deviations of 10⁴: gradients of x̂ fall by as much, and squares near float32's digits |
 * | zeroGamma | 1e-3 of the layer's largest | a thousandth of what other channels hand on; pruning uses the same order |
 * | constantVariance | 1e-3 of epsilon | the values spread by less than 1/30 of √epsilon: y is beta |
 * | reluReach | 3 deviations | a normal value is above 3 deviations once in 740: the ReLU gives 0 always |
 * | manyChannels | 1/10 of the channels | trained networks of ReLUs have some dead channels; with a tenth, capacity goes |
 * | smallVariances | half of the channels below epsilon | x̂ has a deviation below 0.71 there, so epsilon sets the scale |
 * | invertedMomentum | 0.3 | Keras' momentum is what is kept: 0.1, PyTorch's default, keeps one batch in ten |
 * | foreignEpsilon | 1e-5 | the default of PyTorch, Flax and ONNX; Keras' is 1e-3 |
 * | gap | 0.5 | normalized values off by half a deviation, root of the mean square over channels |
 * | gapNoise | 5/√samples | what the sample itself may be off by, five times over: small data proves little |
 * | youngBias | 0.05 | one part in 20 of the initial 0 and 1 is left after 3/(1 − momentum) steps |
 * | unexplained | 0.5 | the part of the gap that young averages may leave unexplained and still be called its cause: weights move meanwhile |
 * | telling | 0.1 | with means within 0.3 deviations of 0 and variances within 0.3 of 1, what is left of the initial values cannot be estimated |
 * | leastPixelFactor, largestPixelFactor | 150, 400 | about 255, by which pixels are divided; the rest is what samples differ by |
 * | agreeing | 1.5 | the ratio of (1 − b) estimated from means to that from variances; data scaled up by 2 makes it 2, weights that move less than 1 |
 * | nearInitial | 0.1 | without data: moving statistics all within a tenth of a deviation of 0 and 1 |
 * | outputGap | 0.5 | outputs change by half their own deviation between training and inference mode |
 * | unshuffled | 3 | times the variance between batches that samples drawn at random would have, at most |
 * | unshuffledShare | 0.05 | below, batches are so large that what they differ by does no harm |
 * | fewestBatches | 5 | with fewer, batches differ that much by chance |
 * | smallBatch | 8 samples | Wu and He 2018 (arXiv:1803.08494), table 2: the error is 1 % higher with 8 per device than with 32, 4 % with 4, 11 % with 2 |
 * | smallCount | 16 values per channel | the batch's deviation is off by 1/√(2n), 18 % and more |
 */
export const THRESHOLDS = {
  hugeVariance: 1e8,
  zeroGamma: 1e-3,
  constantVariance: 1e-3,
  reluReach: 3,
  manyChannels: 0.1,
  smallVariances: 0.5,
  invertedMomentum: 0.3,
  foreignEpsilon: 1e-5,
  gap: 0.5,
  gapNoise: 5,
  youngBias: 0.05,
  unexplained: 0.5,
  telling: 0.1,
  leastPixelFactor: 150,
  largestPixelFactor: 400,
  agreeing: 1.5,
  nearInitial: 0.1,
  outputGap: 0.5,
  unshuffled: 3,
  unshuffledShare: 0.05,
  fewestBatches: 5,
  smallBatch: 8,
  smallCount: 16,
} as const;
