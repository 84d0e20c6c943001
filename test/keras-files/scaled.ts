/** @file A layer of a user's own, as oracle/own_layer.py has it in Python. */
import * as tf from '@tensorflow/tfjs';

/** `y = x · scale + offset`: a weight and a setting. */
export class Scaled extends tf.layers.Layer {
  static readonly className = 'Scaled';
  readonly offsetBy: number;
  private scale!: tf.LayerVariable;

  constructor(args: { offsetBy: number }) {
    super(args as ConstructorParameters<typeof tf.layers.Layer>[0]);
    this.offsetBy = args.offsetBy;
  }

  override build(): void {
    this.scale = this.addWeight('scale', [], 'float32', tf.initializers.ones());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => tf.add(tf.mul([inputs].flat()[0]!, this.scale.read()), this.offsetBy));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), offsetBy: this.offsetBy };
  }
}
