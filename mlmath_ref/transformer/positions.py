r"""Positions: how attention is told the order of its input.

Attention alone treats its keys as a set: exchange two of them, with their values, and nothing
changes. Order has to be put into the numbers. The original transformer adds a code of the position
to each token, sines and cosines of many frequencies; the code of a noise level or a time in a
diffusion model is the same. The rotary embedding multiplies instead: it turns the queries and keys
of each head by angles proportional to their positions. A score is an inner product, and an inner
product of two turned vectors depends on the difference of the angles only, so what attention sees
is the distance of two tokens. Slow and fast rotations side by side tell near distances from far
ones; a larger base slows all but the first, which is one way to fit a model to longer texts.

:map: 6.4 Transformers
"""

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, widest
from mlmath_ref.sets import Even, Index, Paired, Positive, Real, SignedUnit, checked


@checked
def sinusoidal_position_encoding(
    positions: Index[Array, "*batch"],
    d: Even[int, ""],
    *,
    base: Positive[float, ""] = 10000.0,
) -> SignedUnit[Array, "*batch d"]:
    r"""Sinusoidal position encoding: the place of a word as the hands of many clocks.

    .. math::
       \begin{aligned}
       y_{2i-1} &= \sin(p \, \theta_i), \\
       y_{2i} &= \cos(p \, \theta_i), \qquad
       \theta_i = b^{-2(i-1)/d}, \quad i = 1, \dots, d/2
       \end{aligned}

    With features counted from 0 it is :math:`PE_{(pos, 2i)} = \sin(pos / 10000^{2i/d})` and
    :math:`PE_{(pos, 2i+1)} = \cos(pos / 10000^{2i/d})`, which tells a transformer the order of its
    tokens or words, to which attention by itself is blind. Each pair :math:`i` is a point on the
    unit circle, so the length is :math:`\sqrt{d/2}` at every position. The inner product of two
    codes depends on the difference of their positions only, and the code of :math:`p + k` is that
    of :math:`p`, turned pair by pair by :math:`k \theta_i`.

    Args:
        positions: :math:`p`, positions from 0, of any shape.
        d: :math:`d`, the width of the code, the same as that of the tokens.
        base: :math:`b`, the base of the frequencies.

    Returns:
        :math:`y`, a code for each position.

    Also called:
        positional encoding, PE, sinusoidal embedding, sin-cos position embedding, sinusoidal
        positional encoding.

    Asked as:
        Fourier features; timestep embedding; absolute position encoding; position embedding;
        sin(pos/10000^(2i/d)); order of the tokens; embed a diffusion time.

    Role in ML:
        - preprocessing -- FLUX.1 Kontext: the time of the flow, times 1000, becomes 256 numbers
          that steer every block; all cosines stand before all sines :cite:p:`labs2025kontext{code:
          flux, src/flux/modules/layers.py, lines 28-44}`.
          Witness: ``diffusers.models.embeddings.Timesteps``, with its sines and cosines put into
          pairs.
        - preprocessing -- Original transformer: added to the token embeddings below the first
          block :cite:p:`vaswani2017attention{sec. 3.5}`.

    Numerics:
        Whole positions have no precision of their own: the result is in 64 bits. Position 0 is
        :math:`(0, 1, 0, 1, \dots)`, not zero. Layouts differ: pairs here and in the paper, all
        sines and then all cosines in Whisper, the other way round in FLUX.1. So do the frequencies:
        the exponent is :math:`(i - 1) / (d/2)` here and :math:`(i - 1) / (d/2 - 1)` in Whisper,
        whose slowest clock has exactly :math:`1/b`. In bfloat16 positions above 256 would be
        rounded.

    Checked against:
        ``(1j * np.exp(-1j * np.multiply.outer(positions, base ** -(np.arange(d // 2) / (d // 2)))
        )).view(float)``

    Examples:
        By hand, with a base of 1 every clock makes one radian a position:

        >>> import numpy as np
        >>> sinusoidal_position_encoding(np.asarray([0, 2]), 4, base=1.0).round(4).tolist()
        [[0.0, 1.0, 0.0, 1.0], [0.9093, -0.4161, 0.9093, -0.4161]]

        Positions 3 and 70 at width 6, as ``mpmath`` gives them: the clocks run at 1, 0.0464 and
        0.0022 radians a position:

        >>> y = sinusoidal_position_encoding(np.asarray([3, 70]), 6).round(4)
        >>> y[0].tolist()
        [0.1411, -0.99, 0.1388, 0.9903, 0.0065, 1.0]
        >>> y[1].tolist()
        [0.7739, 0.6333, -0.1073, -0.9942, 0.1502, 0.9886]

        The inner product depends on the distance only, and every code has the length
        :math:`\sqrt{3}`:

        >>> y = sinusoidal_position_encoding(np.asarray([3, 70, 1003, 1070]), 6)
        >>> [round(float(product), 4) for product in (y[0] @ y[1], y[2] @ y[3], y[1] @ y[1])]
        [-0.5277, -0.5277, 3.0]

        One place further turns each pair, here the second by 0.0464 radians:

        >>> turn = np.asarray([[np.cos(0.046416), np.sin(0.046416)],
        ...                    [-np.sin(0.046416), np.cos(0.046416)]])
        >>> (turn @ y[1, 2:4]).round(4).tolist()
        [-0.1533, -0.9882]
        >>> sinusoidal_position_encoding(np.asarray(71), 6)[2:4].round(4).tolist()
        [-0.1533, -0.9882]

        Added to tokens that are learned, it passes their gradient on as it is:

        >>> import torch
        >>> tokens = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
        >>> (tokens + sinusoidal_position_encoding(torch.arange(3), 2))[2, 0].backward()
        >>> tokens.grad.tolist()
        [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]

        Whole positions give 64 bits:

        >>> sinusoidal_position_encoding(torch.arange(3), 2).dtype
        torch.float64
    """
    xp = array_namespace(positions)
    exponent = xp.arange(0, d, 2, dtype=widest(positions), device=device(positions)) / d
    angle = xp.astype(positions, widest(positions))[..., None] * base**-exponent
    pairs = xp.stack([xp.sin(angle), xp.cos(angle)], axis=-1)
    return xp.reshape(pairs, (*positions.shape, d))


@checked
def rotary_position_embedding(
    x: Paired[Array, "*batch n d"],
    positions: Index[Array, "n"],
    *,
    base: Positive[float, ""] = 10000.0,
) -> Real[Array, "*batch n d"]:
    r"""Rotary position embedding: pairs of features turned by angles that grow with the position.

    .. math::
       \begin{aligned}
       y_{t,2i-1} &= x_{t,2i-1} \cos(p_t \theta_i) - x_{t,2i} \sin(p_t \theta_i), \\
       y_{t,2i} &= x_{t,2i-1} \sin(p_t \theta_i) + x_{t,2i} \cos(p_t \theta_i), \qquad
       \theta_i = b^{-2(i-1)/d}, \quad i = 1, \dots, d/2
       \end{aligned}

    Pair :math:`i = 1, \dots, d/2` of the features of item :math:`t` turns by the angle
    :math:`\varphi = p_t \theta_i`, from :math:`\theta_1 = 1` down, with the matrix
    :math:`\begin{pmatrix} \cos \varphi & -\sin \varphi \\ \sin \varphi & \cos \varphi
    \end{pmatrix}` or, as a complex number, the factor
    :math:`e^{\mathrm{j} p_t \theta_i}` with :math:`\mathrm{j}^2 = -1`. The length of a
    vector does not change, and the inner product of a turned query with a turned key depends on
    their positions by the difference only, :math:`(R_m q)^\top (R_n k) = q^\top R_{n - m} k`, so
    that attention sees relative positions.

    Args:
        x: :math:`x`, queries or keys of one head, one item a row.
        positions: :math:`p`, the position of each item, from 0.
        base: :math:`b`, the base of the frequencies.

    Returns:
        :math:`y`, the turned rows.

    Also called:
        RoPE, rotary embedding, rotary positional encoding, RoFormer, rotary position encoding.

    Asked as:
        rope_theta; apply_rotary_emb; rotate queries and keys; relative positions in attention;
        interleaved or half-split; RoPE in bfloat16 is wrong.

    Role in ML:
        - layer -- Llama 3: queries and keys of every head, with base 500,000
          :cite:p:`grattafiori2024llama3{sec. 3.2; code: llama-models, models/llama3/model.py,
          apply_rotary_emb}`.
          Witness: ``transformers.models.llama.modeling_llama.apply_rotary_pos_emb``, with its
          features in half-split order.
        - layer -- DeepSeek-V3: 64 of the features of each query, and a key of 64 features that all
          heads share :cite:p:`deepseek2024v3{sec. 4.2; code: inference/model.py, lines 78, 378 and
          469}`.
          Witness:
          ``transformers.models.deepseek_v3.modeling_deepseek_v3.apply_rotary_pos_emb_interleave``,
          with its result back in pairs, which it leaves in half-split order.
        - layer -- gpt-oss: queries and keys with base 150,000 and the half-split layout
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 26 and 50}`.
          Witness: ``transformers.models.gpt_oss.modeling_gpt_oss.apply_rotary_pos_emb``, with its
          features in half-split order.
        - layer -- GPT-J: 64 of the 256 features of every head
          :cite:p:`wang2021gptj{README.md, Model Details}`.
          Witness: ``transformers.models.gptj.modeling_gptj.apply_rotary_pos_emb``.

    Numerics:
        Position 0 changes nothing. Meta's Llama code and DeepSeek-V3 turn neighbors as here;
        gpt-oss, Gemma and the Llama of transformers turn feature :math:`i` with feature
        :math:`i + d/2`, which is another formula: the outputs differ, and the scores agree once the
        features of queries and keys are put in the same new order. Angles are computed in 64 bits:
        in float32 the angle of position 100,000 is rounded by up to 0.004 radians, and 16 bits do
        not even hold the positions of a long text.

    Checked against:
        ``(x.reshape(len(x), -1, 2) @ np.array([1, 1j]) * np.exp(1j * np.outer(positions,
        base ** (-np.arange(0, x.shape[-1], 2) / x.shape[-1])))).view(float)``,
        ``torch.view_as_real(torch.view_as_complex(x.reshape(len(x), -1, 2)) * torch.polar(
        torch.ones((), dtype=x.dtype), torch.outer(positions, base ** (-torch.arange(0, x.shape[-1],
        2, dtype=x.dtype) / x.shape[-1])))).flatten(1)``

    Examples:
        By hand: a base of 1 turns every pair by one radian a position, so (1, 0) becomes
        :math:`(\cos 2, \sin 2)` at position 2:

        >>> import numpy as np
        >>> x, positions = np.asarray([[1.0, 0.0]]), np.asarray([2])
        >>> rotary_position_embedding(x, positions, base=1.0).round(4).tolist()
        [[-0.4161, 0.9093]]

        Two items at positions 3 and 7, as complex numbers times
        :math:`e^{\mathrm{j} p \theta}` give it; the
        second pair turns a hundred times slower:

        >>> x = np.asarray([[0.3, -1.2, 2.5, 0.8], [1.7, 0.4, -0.6, 5.2]])
        >>> rotary_position_embedding(x, np.asarray([3, 7])).round(4).tolist()
        [[-0.1277, 1.2303, 2.4749, 0.8746], [1.0188, 1.4184, -0.9622, 5.1453]]

        The score of the two does not change when both move on by 100:

        >>> for positions in (np.asarray([3, 7]), np.asarray([103, 107])):
        ...     q, k = rotary_position_embedding(x, positions)
        ...     round(float(q @ k), 4)
        3.7339
        3.7339

        The half-split layout is this layer between two reorderings of the features:

        >>> order = [0, 2, 1, 3]
        >>> half = rotary_position_embedding(x[:, order], np.asarray([3, 7]))[:, order]
        >>> half.round(4).tolist()
        [[-0.6498, -1.2235, -2.4326, 0.7636], [1.6758, 0.0353, 0.6645, 5.2152]]

        Position 0 is left alone, and the gradient is turned as the vector is:

        >>> import torch
        >>> x = torch.zeros(2, 2, requires_grad=True)
        >>> rotary_position_embedding(x, torch.tensor([0, 2]))[:, 0].sum().backward()
        >>> x.grad
        tensor([[ 1.0000,  0.0000],
                [-0.4161, -0.9093]])
    """
    xp = array_namespace(x, positions)
    d = x.shape[-1]
    theta = base ** (-xp.arange(0, d, 2, dtype=widest(x), device=device(x)) / d)
    angle = xp.astype(positions, widest(x))[:, None] * theta
    cos, sin = xp.astype(xp.cos(angle), x.dtype), xp.astype(xp.sin(angle), x.dtype)
    first, second = x[..., 0::2], x[..., 1::2]
    pairs = xp.stack([first * cos - second * sin, first * sin + second * cos], axis=-1)
    return xp.reshape(pairs, x.shape)
