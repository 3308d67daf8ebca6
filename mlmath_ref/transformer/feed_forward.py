r"""Feed-forward layers: what a transformer does to each token on its own.

Between two attentions every token passes through the same small network: up to a wider space,
through a nonlinear function, and down again. It holds most of the parameters of a dense
transformer. The plain form has two matrices, from :math:`d` to usually :math:`4 d` and back; the
original transformer had a ReLU between them, GPT and BERT put GELU there, and this is the form that
vision and diffusion transformers kept. Gated variants, as in most language models since Llama, take
a third matrix and multiply two projections of the input, so that one decides feature by feature how
much of the other passes. To keep the number of parameters, the wider space shrinks to two thirds of
that, :math:`\tfrac83 d`.

Rows are tokens here, as in the papers on transformers: :math:`x W`, with :math:`W` of shape
:math:`d \times d_{\mathrm{ff}}`, the transpose of what ``torch.nn.Linear`` stores.

:map: 6.4 Transformers
"""

from mlmath_ref.activations.gates import gelu, silu
from mlmath_ref.arrays import Array
from mlmath_ref.sets import Real, checked


@checked
def feed_forward(
    x: Real[Array, "*batch d"],
    w_1: Real[Array, "d d_ff"],
    b_1: Real[Array, "d_ff"],
    w_2: Real[Array, "d_ff d"],
    b_2: Real[Array, "d"],
) -> Real[Array, "*batch d"]:
    r"""Position-wise feed-forward layer: two affine maps of a token with a GELU between them.

    .. math:: \operatorname{FFN}(x) = \operatorname{GELU}(x W_1 + b_1) \, W_2 + b_2

    The gate :math:`\operatorname{GELU}(z) = \tfrac{z}{2} (1 + \operatorname{erf}(z / \sqrt{2}))`
    acts on each number; with a ReLU there it is :math:`\max(0, x W_1 + b_1) \, W_2 + b_2`, and for
    columns :math:`W_2 \, \phi(W_1 x + b_1) + b_2` with any activation :math:`\phi`. Every token
    passes through the same layer by itself. Permuting the hidden features, columns of :math:`W_1`
    and rows of :math:`W_2` alike, changes nothing.

    Args:
        x: :math:`x`, a token, a row.
        w_1: :math:`W_1`, weights to the hidden features, one column for each.
        b_1: :math:`b_1`, offsets of the hidden features.
        w_2: :math:`W_2`, weights back to the width of the token, one row for each hidden feature.
        b_2: :math:`b_2`, offsets of the output.

    Returns:
        :math:`\operatorname{FFN}(x)`, the new token, a row.

    Also called:
        FFN, MLP, position-wise feed-forward network, feedforward, feed-forward network, MLP block.

    Asked as:
        multilayer perceptron; two-layer network; fc1 fc2; up projection and down projection; what
        does d_ff mean; 4 d hidden width.

    Role in ML:
        - layer -- DINOv3: the feed-forward layers of its vision transformers of small, base and
          large size; the largest has a gated one
          :cite:p:`simeoni2025dinov3{code: dinov3/layers/ffn_layers.py, line 30}`.
          Witness: ``transformers.models.dinov3_vit.modeling_dinov3_vit.DINOv3ViTMLP``.
        - layer -- FLUX.1 Kontext: one for the tokens of the image and one for those of the text in
          each of the blocks where the two have their own weights, with the tanh form of GELU
          :cite:p:`labs2025kontext{code: flux, src/flux/modules/layers.py, lines 141-155}`.
        - layer -- GPT-2: four times as wide inside as outside, also with the tanh form
          :cite:p:`radford2019language{code: src/model.py, lines 118 and 128}`.
          Witness: ``transformers.models.gpt2.modeling_gpt2.GPT2MLP``, with the exact GELU for its
          tanh form.

    Numerics:
        A token costs :math:`4 d d_{\mathrm{ff}}` operations, and there are
        :math:`2 d d_{\mathrm{ff}}` weights. With :math:`d_{\mathrm{ff}} = 4 d` that is as many as
        three matrices of a gated layer with :math:`\tfrac83 d`. ``torch.nn.Linear`` stores the
        transposes. The original paper has a ReLU in the place of GELU: the outputs differ by up to
        0.17 for each hidden feature and unit weight, and GELU lets small negative numbers through.

    Checked against:
        ``torch.nn.functional.linear(torch.nn.functional.gelu(
        torch.nn.functional.linear(x, w_1.T, b_1)), w_2.T, b_2)``

    Examples:
        By hand, far from 0, where GELU is 0 or the number itself: the hidden features are 20 and
        -20, so that the first passes and the second does not:

        >>> import numpy as np
        >>> x, w_1, b_1 = np.asarray([9.0]), np.asarray([[2.0, -3.0]]), np.asarray([2.0, 7.0])
        >>> feed_forward(x, w_1, b_1, np.asarray([[5.0], [8.0]]), np.asarray([0.5])).tolist()
        [100.5]

        Two tokens of width 2 through 3 hidden features, as ``torch.nn.functional.gelu`` between two
        ``linear`` has it:

        >>> x = np.asarray([[0.3, -1.2], [1.7, 0.4]])
        >>> w_1 = np.asarray([[0.2, 0.5, -0.7], [-0.3, 1.1, 0.9]])
        >>> w_2 = np.asarray([[1.3, -0.4], [0.6, 0.8], [-0.5, 0.35]])
        >>> b_1, b_2 = np.asarray([0.1, -0.2, 0.6]), np.asarray([0.25, -0.15])
        >>> feed_forward(x, w_1, b_1, w_2, b_2).round(4).tolist()
        [[0.7366, -0.448], [1.1211, 0.4888]]

        For a column the matrices are the transposes and stand in front,
        :math:`W_2 \operatorname{GELU}(W_1 x + b_1) + b_2`; the first token again:

        >>> import torch
        >>> hidden = torch.nn.functional.gelu(torch.tensor(w_1.T @ x[0] + b_1)).numpy()
        >>> (w_2.T @ hidden + b_2).round(4).tolist()
        [0.7366, -0.448]

        The original transformer's ReLU gives other numbers:

        >>> (np.maximum(x @ w_1 + b_1, 0) @ w_2 + b_2).round(4).tolist()
        [[0.926, -0.358], [1.32, 0.594]]

        The largest difference for one hidden feature of weight 1, at 0.75 below 0:

        >>> one, zero = np.ones((1, 1)), np.zeros(1)
        >>> feed_forward(np.asarray([-0.7518]), one, zero, one, zero).round(4).tolist()
        [-0.17]

        At 0 the slope is :math:`\tfrac12` of the product of the weights, on both sides:

        >>> x, one, zero = torch.zeros(1, requires_grad=True), torch.ones(1, 1), torch.zeros(1)
        >>> feed_forward(x, 3 * one, zero, 5 * one, zero).backward()
        >>> x.grad
        tensor([7.5000])
    """
    return gelu(x @ w_1 + b_1) @ w_2 + b_2


@checked
def swiglu(
    x: Real[Array, "*batch d"],
    w: Real[Array, "d d_ff"],
    v: Real[Array, "d d_ff"],
    w_2: Real[Array, "d_ff d"],
) -> Real[Array, "*batch d"]:
    r"""SwiGLU feed-forward layer: a token's projection, gated by the SiLU of another one.

    .. math:: \operatorname{FFN}_{\mathrm{SwiGLU}}(x) =
       (\operatorname{SiLU}(x W) \odot x V) \, W_2

    The gate :math:`\operatorname{SiLU}(z) = z / (1 + e^{-z})` acts on each number, and
    :math:`\odot` multiplies feature by feature; for columns it is :math:`W_{\mathrm{down}}
    (\operatorname{SiLU}(W_{\mathrm{gate}} x) \odot W_{\mathrm{up}} x)`, and with :math:`\sigma` for
    SiLU the original gated linear unit, :math:`\sigma(x W) \odot x V`. No bias stands anywhere, so
    :math:`x = 0` gives 0. A hidden feature grows like the square of :math:`x` where its gate is
    open and vanishes where it is closed.

    Args:
        x: :math:`x`, a token, a row.
        w: :math:`W`, weights of the gate, one column for each hidden feature.
        v: :math:`V`, weights of what is gated.
        w_2: :math:`W_2`, weights back to the width of the token, one row for each hidden feature.

    Returns:
        :math:`\operatorname{FFN}_{\mathrm{SwiGLU}}(x)`, the new token, a row.

    Also called:
        SwiGLU, gated feed-forward, gated MLP, LlamaMLP, swish GLU, Swish-gated linear unit, SwiGLU
        activation.

    Asked as:
        gated linear unit; GLU variant; FFN; GLU; gate_proj up_proj down_proj; feed-forward layer of
        Llama; w1 w2 w3.

    Role in ML:
        - layer -- Llama 3: the feed-forward layer of every block, with :math:`d_{\mathrm{ff}}` from
          3.25 to 3.5 times the width
          :cite:p:`grattafiori2024llama3{table 3; code: llama-models, models/llama3/model.py, class
          FeedForward}`.
          Witness: ``transformers.models.llama.modeling_llama.LlamaMLP``.
        - layer -- DeepSeek-V3: the dense feed-forward layers and every single expert
          :cite:p:`deepseek2024v3{code: inference/model.py, lines 532 and 633}`.
          Witness: ``transformers.models.deepseek_v3.modeling_deepseek_v3.DeepseekV3MLP``.
        - layer -- gpt-oss: a variant in its experts, with gate :math:`z / (1 + e^{-1.702 z})`, 1
          added to :math:`x V`, :math:`z` clamped at 7 from above and :math:`x V` to both sides
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 249-256}`.

    Numerics:
        A token costs :math:`6 d d_{\mathrm{ff}}` operations, against :math:`4 d d_{\mathrm{ff}}`
        without a gate. No input overflows in the gate: it is 0 far below and :math:`z` far above.
        The Llama code calls :math:`W, V, W_2` ``w1``, ``w3``, ``w2``; transformers calls them
        ``gate_proj``, ``up_proj``, ``down_proj``.

    Checked against:
        ``(torch.nn.functional.silu(x @ w) * (x @ v)) @ w_2``,
        ``torch.nn.functional.glu(torch.cat([(x @ w) * (x @ v), x @ w], -1)) @ w_2``

    Examples:
        By hand: a gate of :math:`\log 3` passes :math:`\tfrac34 \log 3`, times 4, times 2:

        >>> import numpy as np
        >>> one = np.ones((1, 1))
        >>> float(swiglu(np.asarray([1.0]), np.log(3 * one), 4 * one, 2 * one)[0] / np.log(3))
        6.0

        Two tokens of width 3 through 2 hidden features, as ``torch.nn.functional.glu`` has it:

        >>> x = np.asarray([[0.3, -1.2, 2.5], [1.7, 0.4, -0.6]])
        >>> w = np.asarray([[0.2, 0.5], [-0.7, 1.1], [-0.3, 0.9]])
        >>> v = np.asarray([[1.3, -0.4], [0.6, 0.8], [-0.5, 0.35]])
        >>> w_2 = np.asarray([[0.4, -0.9, 1.6], [0.25, 0.75, -0.15]])
        >>> swiglu(x, w, v, w_2).round(4).tolist()
        [[-0.0923, -0.0093, -0.179], [0.0752, -0.5502, 0.6346]]

        For a column the matrices are the transposes, and :math:`W_2` stands in front; the first
        token again. Behind the product, where some texts have it, its shape does not fit:

        >>> gate = w.T @ x[0]
        >>> (w_2.T @ (gate / (1 + np.exp(-gate)) * (v.T @ x[0]))).round(4).tolist()
        [-0.0923, -0.0093, -0.179]
        >>> gate.shape, w_2.T.shape
        ((2,), (3, 2))

        The derivative at 1 with all weights 1 is that of :math:`x \operatorname{SiLU}(x)`,
        :math:`2 \sigma(1) + \sigma'(1) = 1.4621 + 0.1966`:

        >>> import torch
        >>> x, one = torch.ones(1, requires_grad=True), torch.ones(1, 1)
        >>> swiglu(x, one, one, one).backward()
        >>> x.grad
        tensor([1.6587])

        A gate far below zero closes, and one far above passes its own value:

        >>> swiglu(torch.tensor([[-1000.0], [1000.0], [0.0]]), one, one, one)[:, 0].tolist()
        [0.0, 1000000.0, 0.0]
    """
    return (silu(x @ w) * (x @ v)) @ w_2
