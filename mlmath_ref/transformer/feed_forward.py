r"""Feed-forward layers: what a transformer does to each token on its own.

Between two attentions every token passes through the same small network: up to a wider space,
through a nonlinear function, and down again. It holds most of the parameters of a dense
transformer. The original had two matrices with a ReLU between them; gated variants take a third
matrix and multiply two projections of the input, so that one decides feature by feature how much of
the other passes. To keep the number of parameters, the wider space shrinks to two thirds.

Rows are tokens here, as in the papers on transformers: :math:`x W`, with :math:`W` of shape
:math:`d \times d_{\mathrm{ff}}`, the transpose of what ``torch.nn.Linear`` stores.

:map: 6.4 Transformers
"""

from mlmath_ref.activations.gates import silu
from mlmath_ref.arrays import Array
from mlmath_ref.sets import Real, checked


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
    :math:`\odot` multiplies feature by feature. No bias stands anywhere, so :math:`x = 0` gives 0.
    A hidden feature grows like the square of :math:`x` where its gate is open and vanishes where it
    is closed.

    Args:
        x: :math:`x`, a token, a row.
        w: :math:`W`, weights of the gate, one column for each hidden feature.
        v: :math:`V`, weights of what is gated.
        w_2: :math:`W_2`, weights back to the width of the token, one row for each hidden feature.

    Returns:
        :math:`\operatorname{FFN}_{\mathrm{SwiGLU}}(x)`, the new token, a row.

    Also called:
        SwiGLU, gated feed-forward, gated linear unit, GLU variant, gated MLP, FFN, LlamaMLP,
        swish GLU.

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
          added to :math:`x V`, and both sides clamped at 7
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 249}`.

    Numerics:
        A token costs :math:`6 d d_{\mathrm{ff}}` operations, against :math:`4 d d_{\mathrm{ff}}`
        without a gate. No input overflows in the gate: it is 0 far below and :math:`z` far above.
        The Llama code calls :math:`W, V, W_2` ``w1``, ``w3``, ``w2``; transformers calls them
        ``gate_proj``, ``up_proj``, ``down_proj``.

    Checked against:
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
