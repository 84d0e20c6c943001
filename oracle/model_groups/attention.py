"""Attention of every kind, and products along any axes."""

from model_files import KERAS3, TF, Model


def joined(layers, *outputs):
    """All in one, since TF.js sums the losses of outputs sample by sample."""
    return layers.Concatenate()([layers.Flatten()(y) for y in outputs])


def einsum(keras):
    layers = keras.layers
    i = layers.Input((4, 3))
    heads = layers.EinsumDense("abc,cde->abde", output_shape=(4, 2, 3), bias_axes="de", activation="tanh")(i)
    merged = layers.EinsumDense("abde,def->abf", output_shape=(4, 2), bias_axes="f")(heads)
    dots = layers.EinsumDense("...x,xy->...y", output_shape=3, bias_axes="y", kernel_regularizer="l2")(merged)
    behind = layers.EinsumDense("ab...,bc->ac...", output_shape=5, bias_axes="c")(dots)
    return keras.Model(i, joined(layers, behind, layers.EinsumDense("abc,bcd->ad", output_shape=2)(dots)))


def dense(keras):
    """Queries, values and keys of their own, under masks and without; later values hidden."""
    layers = keras.layers
    q, v = layers.Input((4, 3)), layers.Input((5, 3))
    masked_q, masked_v = layers.Masking(0.0)(q), layers.Masking(0.0)(v)
    plain = layers.Attention()([q, v])
    masked = layers.Attention(use_scale=True)([masked_q, masked_v])
    k = layers.Dense(3)(v)
    causal = layers.Attention(score_mode="concat", use_scale=True)([masked_q, v, k], use_causal_mask=True)
    summed = layers.AdditiveAttention()([masked_q, masked_v, k])
    unscaled, scores = layers.AdditiveAttention(use_scale=False)([q, masked_v], return_attention_scores=True)
    return keras.Model([q, v], joined(layers, plain, masked, causal, summed, unscaled, scores))


def heads(keras):
    """To oneself and to others, with all settings, and a residual connection."""
    layers = keras.layers
    x, other = layers.Input((4, 6)), layers.Input((5, 3))
    alone = layers.MultiHeadAttention(2, 3)(x, x)
    normal = layers.LayerNormalization()(layers.Add()([x, alone]))
    causal = layers.MultiHeadAttention(2, 2, value_dim=3, use_bias=False)(normal, normal, use_causal_mask=True)
    keyed = layers.MultiHeadAttention(3, 2, output_shape=4, kernel_regularizer="l2")(
        query=causal, value=other, key=layers.Dense(4)(other)
    )
    scored, scores = layers.MultiHeadAttention(2, 2)(keyed, other, return_attention_scores=True)
    return keras.Model([x, other], joined(layers, scored, scores))


def masked_heads(keras):
    layers = keras.layers
    q, v = layers.Input((4, 3)), layers.Input((5, 3))
    masked_q, masked_v = layers.Masking(0.0)(q), layers.Masking(0.0)(v)
    # A mask for each: Keras 3 takes them from the tensors that attention was called with.
    both = layers.MultiHeadAttention(2, 2)(masked_q, layers.Masking(0.0)(v))
    alone = layers.MultiHeadAttention(1, 2)(masked_v, masked_v, use_causal_mask=True)
    one, scores = layers.MultiHeadAttention(2, 2)(q, layers.Masking(0.0)(v), return_attention_scores=True)
    return keras.Model([q, v], joined(layers, both, alone, one, scores, layers.LSTM(2, return_sequences=True)(both)))


def explicit_mask(keras):
    layers = keras.layers
    q, mask = layers.Input((4, 3)), layers.Input((4, 4))
    return keras.Model([q, mask], layers.MultiHeadAttention(2, 2)(q, q, attention_mask=mask))


def image_heads(keras):
    """Along one axis of images, and along both."""
    layers = keras.layers
    i = layers.Input((3, 4, 2))
    one = layers.MultiHeadAttention(2, 2, attention_axes=2)(i, i)
    return keras.Model(i, layers.MultiHeadAttention(2, 2, attention_axes=(1, 2))(one, one))


def words(keras):
    """A small transformer."""
    layers = keras.layers
    i = layers.Input((5,), dtype="int32")
    x = layers.Embedding(7, 4, mask_zero=True)(i)
    attended = layers.MultiHeadAttention(2, 2, dropout=0.0)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, attended]))
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(4)(layers.Dense(6, activation="relu")(x))]))
    return keras.Model(i, layers.Dense(2)(layers.Flatten()(x)))


def groups(keras):
    """Groups of queries that share keys and values, a gate, and a window."""
    layers = keras.layers
    x, other = layers.Input((4, 6)), layers.Input((5, 6))
    grouped = layers.GroupQueryAttention(3, 4, 2)(x, other)
    shared = layers.GroupQueryAttention(2, 2, 1, use_gate=True)(grouped, grouped, use_causal_mask=True)
    gated = layers.MultiHeadAttention(2, 2, use_gate=True, sliding_window=2)(shared, shared)
    masked = layers.Masking(0.0)(other)
    scored, scores = layers.GroupQueryAttention(2, 2, 2)(gated, masked, return_attention_scores=True)
    return keras.Model([x, other], joined(layers, scored, scores))


MODELS = [
    Model("einsum", einsum, ((4, 3),), learns=3),
    Model("dense", dense, ((4, 3), (5, 3)), learns=3),
    Model("heads", heads, ((4, 6), (5, 3)), learns=3),
    Model("masked-heads", masked_heads, ((4, 3), (5, 3)), learns=3, saved_for=TF, libraries=TF),
    Model("masked-heads", masked_heads, ((4, 3), (5, 3)), learns=3, saved_for=KERAS3, libraries=KERAS3),
    Model("explicit-mask", explicit_mask, ((4, 3), (4, 4)), below=2),
    Model("image-heads", image_heads, ((3, 4, 2),), learns=3),
    Model("attended-words", words, ((5,),), below=7, learns=3),
    Model("groups", groups, ((4, 6), (5, 6)), libraries=KERAS3, saved_for=KERAS3, learns=3),
]
