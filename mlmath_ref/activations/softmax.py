r"""Softmax: scores become a distribution.

A network ends in real numbers, a decision needs probabilities. The softmax is the smooth way from
one to the other: it keeps the order, it depends on differences of scores only, and its derivative
:math:`s_i (\delta_{ij} - s_j)` can be had from its own output. It is the gradient of the
log-sum-exp, the smooth maximum of the scores; the name softmax speaks of the position of the
maximum, not of its value.

With two outcomes it is the sigmoid of the difference of their scores. The exponentials as they
stand would overflow, in single precision from a score of 89 on; how the shift by the largest score
prevents this, and what it costs in precision, has been analyzed
:cite:p:`blanchard2021accurately`.

:map: 3.2 Distributions
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Logits, Simplex, checked


@checked
def softmax(z: Logits[Array, "*batch n"]) -> Simplex[Array, "*batch n"]:
    r"""Softmax: turns scores into probabilities, the largest score winning the largest share.

    .. math:: s_i = \frac{e^{z_i}}{\sum_{j=1}^{n} e^{z_j}}

    Adding the same number to every score changes nothing; the derivative is
    :math:`\partial s_i / \partial z_j = s_i (\delta_{ij} - s_j)`, with :math:`\delta_{ij}` one
    where :math:`i = j` and zero elsewhere.

    Args:
        z: :math:`z`, the scores (logits); :math:`-\infty` rules an outcome out.

    Returns:
        :math:`s`, probabilities along the last axis.

    Also called:
        softargmax, normalized exponential, Boltzmann distribution, Gibbs distribution, soft max,
        multinomial logistic.

    Role in ML:
        - layer -- Llama 3: makes the attention weights of every head out of its scores
          :cite:p:`grattafiori2024llama3{sec. 3.2}`.
          Witness: ``transformers.models.llama.modeling_llama.eager_attention_forward``.
        - layer -- gpt-oss: weighs the outputs of the experts that a token was sent to; it is taken
          over the scores of those experts only
          :cite:p:`openai2025gptoss{code: gpt_oss/torch/model.py, line 316}`.
          Witness: ``transformers.models.gpt_oss.modeling_gpt_oss.GptOssTopKRouter``.
        - primitive -- FlashAttention-2: computed in one streaming pass that carries a running
          maximum and a running sum :cite:p:`dao2023flashattention2{sec. 2.3}`.

    Numerics:
        The maximum is subtracted first, so that no exponential overflows: scores of 1000 are as
        good as scores of 0. At least one score has to be finite. A share that underflows is 0 and
        its logarithm is lost; subtract the log-sum-exp from the scores to get log-probabilities.

    Checked against:
        ``scipy.special.softmax(z, axis=-1)``

    Examples:
        By hand, shares of 1 : 2 : 5 from their logarithms:

        >>> import numpy as np
        >>> softmax(np.log(np.asarray([1.0, 2.0, 5.0]))).round(4).tolist()
        [0.125, 0.25, 0.625]

        Each row by itself, as ``scipy.special.softmax`` has it on the last axis:

        >>> softmax(np.asarray([[1.0, 2.0, 0.5], [-0.3, 0.8, 1.7]])).round(4).tolist()
        [[0.2312, 0.6285, 0.1402], [0.0878, 0.2637, 0.6485]]

        The derivative of the first share in every score, :math:`s_1 (\delta_{1j} - s_j)`:

        >>> import torch
        >>> z = torch.tensor([1.0, 2.0, 5.0]).log().requires_grad_()
        >>> softmax(z)[0].backward()
        >>> z.grad
        tensor([ 0.1094, -0.0312, -0.0781])

        Large scores do no harm, also not to other rows, and :math:`-\infty` gives exactly zero:

        >>> softmax(torch.tensor([[1000.0, 1000.0, -torch.inf], [0.0, 0.0, 0.0]]))
        tensor([[0.5000, 0.5000, 0.0000],
                [0.3333, 0.3333, 0.3333]])
    """
    xp = array_namespace(z)
    shares = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
    return shares / xp.sum(shares, axis=-1, keepdims=True)
