r"""Softmax: scores become a distribution.

A network ends in real numbers, a decision needs probabilities. The softmax is the smooth way from
one to the other: it keeps the order, it depends on differences of scores only, and its derivative
:math:`s_i (\delta_{ij} - s_j)` can be had from its own output. It is the gradient of the
log-sum-exp, the smooth maximum of the scores; the name softmax speaks of the position of the
maximum, not of its value.

The table of these derivatives is an entry of its own. Every gradient that passes a softmax on its way
back, in attention or before a loss, is multiplied by it, and no program forms it to do so.

With two outcomes it is the sigmoid of the difference of their scores. The exponentials as they
stand would overflow, in single precision from a score of 89 on; how the shift by the largest score
prevents this, and what it costs in precision, has been analyzed
:cite:p:`blanchard2021accurately`.

:map: 3.2 Distributions
"""

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import PSD, Logits, Simplex, checked


@checked
def softmax(z: Logits[Array, "*batch n"]) -> Simplex[Array, "*batch n"]:
    r"""Softmax: turns scores (logits) into probabilities, the largest winning the largest share.

    .. math:: s_i = \frac{e^{z_i}}{\sum_{j=1}^{n} e^{z_j}}

    Adding the same number to every score changes nothing, so with :math:`m = \max_j z_j` it is also
    :math:`e^{z_i - m} / \sum_j e^{z_j - m}`, and its logarithm (log-softmax) is
    :math:`\log s_i = z_i - \log \sum_j e^{z_j}`. For two scores it is the sigmoid of their
    difference, :math:`s_1 = 1 / (1 + e^{-(z_1 - z_2)})`; the derivative is
    :math:`\partial s_i / \partial z_j = s_i (\delta_{ij} - s_j)`, with :math:`\delta_{ij}` one
    where :math:`i = j` and zero elsewhere.

    Args:
        z: :math:`z`, the scores (logits); :math:`-\infty` rules an outcome out.

    Returns:
        :math:`s`, probabilities along the last axis.

    Also called:
        softargmax, normalized exponential, soft max, softmax function, softmax activation.

    Asked as:
        Boltzmann distribution; Gibbs distribution; multinomial logistic; Luce choice rule; safe
        softmax; turn logits into probabilities; exp(z_i)/sum(exp(z)); softmax overflow; softmax
        returns nan.

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
        Exponentials of large scores as they stand overflow, and infinity over infinity is NaN.

    Checked against:
        ``scipy.special.softmax(z, axis=-1)``, ``torch.softmax(z, dim=-1)``

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
    return shares / total(shares)[..., None]


@checked
def softmax_jacobian(z: Logits[Array, "*batch n"]) -> PSD[Array, "*batch n n"]:
    r"""Softmax Jacobian: how each share answers to each score.

    .. math:: J_{ij} = s_i (\mathbb{1}[i = j] - s_j), \qquad
       s_i = \frac{e^{z_i}}{\sum_{j=1}^{n} e^{z_j}}

    It is :math:`\operatorname{diag}(s) - s s^\top`, with :math:`s` the shares: the covariance
    matrix of one draw from them, and the Hessian of the log-sum-exp; written out,
    :math:`\frac{\partial s_i}{\partial z_i} = s_i (1 - s_i)` on the diagonal and
    :math:`\frac{\partial s_i}{\partial z_j} = -s_i s_j` beside it. Symmetric and positive
    semidefinite; rows and columns sum to 0, since a common shift of the scores changes nothing.

    Args:
        z: :math:`z`, the scores (logits); :math:`-\infty` rules an outcome out.

    Returns:
        :math:`J`, with :math:`J_{ij} = \frac{\partial s_i}{\partial z_j} = s_i (\delta_{ij} - s_j)`.

    Also called:
        derivative of softmax, softmax derivative.

    Asked as:
        softmax gradient; softmax backward; diag(s) - s s^T; Fisher information of a categorical
        distribution; gradient of softmax; backpropagate through a softmax; s_i(delta_ij - s_j).

    Role in ML:
        - primitive -- PyTorch: the compiler's backward pass of a softmax multiplies by this matrix
          without forming it, as :math:`s \odot g - s \, (s^\top g)`
          :cite:p:`ansel2024pytorch2{code: torch/_decomp/decompositions.py, line 901}`.
          Witness: ``torch._decomp.decompositions._softmax_backward_data``.
        - analysis -- FlashAttention-2: the backward kernel keeps one number per query,
          :math:`s^\top g`, and rebuilds the shares block by block
          :cite:p:`dao2023flashattention2{code:
          csrc/flash_attn/src/flash_bwd_preprocess_kernel.h, function compute_dot_do_o}`.

    Numerics:
        The diagonal is the sum of what stands beside it: :math:`s_i (1 - s_i)` would be 0 as soon as
        :math:`s_i` rounds to 1. An outcome that is ruled out has a row and a column of zeros. The
        matrix has :math:`n^2` entries; a product with a vector needs about :math:`4n`
        operations and no matrix. Where the softmax is sure, all entries vanish, and so does the gradient; the
        cross-entropy cancels this factor.

    Checked against:
        ``torch.func.jacrev(lambda z: torch.softmax(z, -1))(z)``

    Examples:
        By hand, for the shares 1/4 and 3/4 all entries are :math:`\pm 3/16`:

        >>> import numpy as np
        >>> softmax_jacobian(np.log(np.asarray([1.0, 3.0]))).round(4).tolist()
        [[0.1875, -0.1875], [-0.1875, 0.1875]]

        Three outcomes, as ``torch.func.jacrev`` has them:

        >>> z = np.asarray([0.3, -1.2, 2.1])
        >>> softmax_jacobian(z).round(4).tolist()
        [[0.1186, -0.0042, -0.1144], [-0.0042, 0.0297, -0.0255], [-0.1144, -0.0255, 0.1399]]

        A product with a vector, without the matrix:

        >>> s, g = softmax(z), np.asarray([1.5, -0.4, 0.7])
        >>> (softmax_jacobian(z) @ g).round(4).tolist(), (s * g - s * (s @ g)).round(4).tolist()
        ([0.0995, -0.0361, -0.0634], [0.0995, -0.0361, -0.0634])

        With the gradient :math:`-1 / s_c` of the loss :math:`-\log s_c` the cross-entropy's slope is
        left, prediction minus truth:

        >>> (softmax_jacobian(z) @ np.asarray([0.0, -1 / s[1], 0.0])).round(4).tolist()
        [0.1375, -0.9693, 0.8318]
        >>> s.round(4).tolist()
        [0.1375, 0.0307, 0.8318]

        A gap of 40 rounds a share to 1, and the variance left is still there:

        >>> z = np.asarray([0.0, -40.0])
        >>> s = softmax(z)
        >>> round(float(softmax_jacobian(z)[0, 0] * 1e18), 4), float(s[0] * (1 - s[0]))
        (4.2484, 0.0)

        It can be differentiated again: :math:`\partial J_{11} / \partial z_1` is
        :math:`s_1 (1 - s_1) (1 - 2 s_1)`, here :math:`0.2 \cdot 0.8 \cdot 0.6`:

        >>> import torch
        >>> z = torch.tensor([1.0, 4.0]).log().requires_grad_()
        >>> softmax_jacobian(z)[0, 0].backward()
        >>> z.grad
        tensor([ 0.0960, -0.0960])

        An outcome that is ruled out stays out; each item of a batch has its own matrix:

        >>> softmax_jacobian(torch.tensor([[0.0, 0.0, -torch.inf], [0.0, -torch.inf, -torch.inf]]))
        tensor([[[ 0.2500, -0.2500,  0.0000],
                 [-0.2500,  0.2500,  0.0000],
                 [ 0.0000,  0.0000,  0.0000]],
        <BLANKLINE>
                [[ 0.0000,  0.0000,  0.0000],
                 [ 0.0000,  0.0000,  0.0000],
                 [ 0.0000,  0.0000,  0.0000]]])
    """
    xp = array_namespace(z)
    s = softmax(z)
    eye = xp.eye(s.shape[-1], dtype=s.dtype, device=device(s))
    beside = (1 - eye) * s[..., :, None] * s[..., None, :]
    return eye * total(beside)[..., None] - beside
