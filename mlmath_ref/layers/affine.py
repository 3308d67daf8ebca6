r"""Affine layers: a learned matrix and a learned offset.

An affine map :math:`x \mapsto W x + b` mixes all features of its input with free weights. Nearly
all parameters of a transformer stand in such matrices: the projections of attention, the
feed-forward layers, the map to the vocabulary. One affine map after another is an
affine map again, :math:`W_2 (W_1 x + b_1) + b_2 = (W_2 W_1) x + (W_2 b_1 + b_2)`, so depth gains
nothing until a nonlinear function stands between them.

Two orientations are in use. Here, as in ``torch.nn.Linear``, an example is a column and the matrix
has one row for each output. Attention and feed-forward formulas are printed for rows, :math:`X W`,
whose matrix is the transpose of this one.

:map: 1.1 Linear maps
"""

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Real, checked


@checked
def linear(
    x: Real[Array, "*batch d_in"],
    w: Real[Array, "d_out d_in"],
    b: Real[Array, "d_out"] | None = None,
) -> Real[Array, "*batch d_out"]:
    r"""Affine layer: every output is a weighted sum of all inputs plus an offset.

    .. math:: y = W x + b

    Output by output it is :math:`y_i = \sum_j W_{ij} x_j + b_i`, and for examples in rows
    :math:`Y = X W^\top + b`. Without the offset the map is linear: :math:`x = 0` goes to 0. The
    derivative in :math:`x` is :math:`W` at every point, so that a loss has the gradients
    :math:`W^\top \delta` in :math:`x` and :math:`\delta x^\top` in :math:`W`, for its gradient
    :math:`\delta` in :math:`y`.

    Args:
        x: :math:`x`, the input, a column.
        w: :math:`W`, the weights, one row for each output.
        b: :math:`b`, the offset (bias); 0 if left out.

    Returns:
        :math:`y`, the output.

    Also called:
        fully connected layer, dense layer, affine map, linear layer, linear projection, nn.Linear.

    Asked as:
        Wx+b; perceptron layer; MLP layer; x W^T + b; shape of the weight of nn.Linear.

    Role in ML:
        - layer -- Llama 3: the projections to queries, keys and values, the one back, the
          feed-forward matrices and the map to the vocabulary, all without an offset
          :cite:p:`grattafiori2024llama3{code: llama-models, models/llama3/model.py, class
          Attention}`.
        - layer -- gpt-oss: the projections of attention and the router keep their offset, the map
          to the vocabulary has none
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, lines 196 and 374}`.
        - layer -- OLMo 2: no matrix of the model has an offset
          :cite:p:`olmo2024two{code: configs/official-1124/OLMo2-7B-stage1.yaml, include_bias}`.

    Numerics:
        One example costs :math:`2 d_{\mathrm{in}} d_{\mathrm{out}}` floating-point operations. With
        independent inputs and weights of mean 0, the output has the variance of the input where
        the weights have variance :math:`1/d_{\mathrm{in}}`; weights of variance 1 multiply it by
        :math:`d_{\mathrm{in}}`.

    Checked against:
        ``torch.nn.functional.linear(x, w, b)`` and
        ``np.array([sum(a * t for a, t in zip(row, x)) for row in w]) + (0 if b is None else b)``

    Examples:
        By hand, :math:`1 \cdot 10 + 2 \cdot 1` and :math:`3 \cdot 10 + 4 \cdot 1`, plus the offset:

        >>> import numpy as np
        >>> w, b = np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.asarray([0.5, -0.5])
        >>> linear(np.asarray([10.0, 1.0]), w, b).tolist()
        [12.5, 33.5]

        Two examples of three features to two outputs, as ``torch.nn.functional.linear`` has it:

        >>> x = np.asarray([[0.3, -1.2, 2.5], [1.7, 0.4, -0.6]])
        >>> w = np.asarray([[0.2, 0.5, -0.7], [1.1, -0.3, 0.9]])
        >>> linear(x, w, np.asarray([0.05, -0.15])).round(4).tolist()
        [[-2.24, 2.79], [1.01, 1.06]]

        The derivative of the first output is the first row of the matrix, whatever the input:

        >>> import torch
        >>> x = torch.tensor([0.3, -1.2, 2.5], requires_grad=True)
        >>> linear(x, torch.tensor([[0.2, 0.5, -0.7], [1.1, -0.3, 0.9]]))[0].backward()
        >>> x.grad
        tensor([ 0.2000,  0.5000, -0.7000])

        Without an offset, zero goes to zero:

        >>> linear(np.zeros(3), w).tolist()
        [0.0, 0.0]
    """
    y = x @ w.mT
    return y if b is None else y + b
