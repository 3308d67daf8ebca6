r"""Logarithms: two expressions that are wrong at the edge when written as they stand.

A sum of exponentials leaves the range of the numbers although its logarithm is small: in double
precision :math:`e^{710}` overflows and :math:`e^{-746}` is 0. Taking the largest term out first
keeps every exponent at 0 or below, at the cost of one pass over the scores
:cite:p:`blanchard2021accurately`. The result is a smooth maximum, and its gradient is the softmax.

The product :math:`p \log p` tends to 0 as the probability :math:`p` goes to 0, but its second factor
tends to :math:`-\infty`: at :math:`p = 0` the computer multiplies 0 by :math:`-\infty` and returns
NaN. Entropies and divergences are sums of such products. An epsilon inside the logarithm hides the
problem and changes every value; the convention :math:`0 \log 0 = 0` does not.

:map: 6.1 Numerics
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import ExtendedReal, Logits, Nonneg, Real, checked


@checked
def log_sum_exp(z: Logits[Array, "*batch n"]) -> Real[Array, "*batch"]:
    r"""Log-sum-exp: a smooth maximum, and the logarithm of what a softmax divides by.

    .. math:: \operatorname{LSE}(z) = \log \sum_{i=1}^{n} e^{z_i}

    Computed as :math:`m + \log \sum_{i=1}^{n} e^{z_i - m}` with :math:`m = \max_i z_i`, it lies
    between :math:`\max_i z_i` and :math:`\max_i z_i + \log n`, and is convex. Adding a number to
    every score adds it to the result; the gradient is the softmax of :math:`z`.

    Args:
        z: :math:`z`, the scores; one that is :math:`-\infty` adds nothing to the sum.

    Returns:
        :math:`\operatorname{LSE}(z)`, one number per batch element.

    Also called:
        logsumexp, LSE, log partition function, log normalizer, smooth maximum, RealSoftMax.

    Asked as:
        log Z; log-sum-exp trick; logaddexp; free energy; soft maximum; exp overflows; log of a sum
        of exponentials is inf.

    Role in ML:
        - regularizer -- OLMo 2: its square, taken over the output logits and weighted by
          :math:`10^{-5}`, is added to the loss as a z-loss that keeps the logits from drifting
          :cite:p:`olmo2024two{code: olmo/train.py at 59a53e3, from line 156 on;
          configs/official-1124/OLMo2-7B-stage1.yaml, lines 38-40}`.
        - primitive -- FlashAttention-2: one such number per query is all that the forward pass
          keeps of the scores; the backward pass rebuilds the shares from it
          :cite:p:`dao2023flashattention2{alg. 1 and 2}`.
          Witness: ``torch.ops.aten._scaled_dot_product_flash_attention_for_cpu``.

    Numerics:
        The largest score is taken out before the exponentials, so that none overflows and one of
        them is 1: scores of 1000 and of -1000 do no harm, where the sum as it stands gives infinity
        or :math:`\log 0`, and NaN after it. A score of :math:`-\infty` counts as absent, and its
        gradient is 0; at least one score has to be finite. Of two scores, :math:`\log(e^a + e^b) =
        \max(a, b) + \log(1 + e^{-|a - b|})`. With a temperature, :math:`\tau \log \sum_{i=1}^{n}
        e^{z_i / \tau}` tends to the maximum as :math:`\tau` goes to 0.

    Checked against:
        ``scipy.special.logsumexp(z, axis=-1)``, ``torch.logsumexp(z, dim=-1)``,
        ``np.logaddexp.reduce(z, axis=-1)``

        ``float(mpmath.log(mpmath.fsum(mpmath.exp(s) for s in z)))``

    Examples:
        By hand, :math:`\log (2 + 3 + 5) = \log 10`:

        >>> import numpy as np
        >>> round(float(log_sum_exp(np.log(np.asarray([2.0, 3.0, 5.0])))), 4)
        2.3026

        Two rows, as ``scipy.special.logsumexp`` has them:

        >>> log_sum_exp(np.asarray([[0.3, -1.2, 2.5], [0.8, 1.7, -0.4]])).round(4).tolist()
        [2.6271, 2.1246]

        The gradient is the softmax, here shares of 2 : 3 : 5:

        >>> import torch
        >>> z = torch.tensor([2.0, 3.0, 5.0]).log().requires_grad_()
        >>> log_sum_exp(z).backward()
        >>> z.grad
        tensor([0.2000, 0.3000, 0.5000])

        Large scores only shift :math:`\log 2`, and :math:`-\infty` adds nothing:

        >>> far = np.asarray([[1000.0, 1000.0, -np.inf], [-1000.0, -1000.0, -np.inf]])
        >>> log_sum_exp(far).round(4).tolist()
        [1000.6931, -999.3069]
    """
    xp = array_namespace(z)
    top = xp.max(z, axis=-1, keepdims=True)
    return xp.log(total(xp.exp(z - top))) + top[..., 0]


@checked
def xlogy(x: Nonneg[Array, "*shape"], y: Nonneg[Array, "*shape"]) -> ExtendedReal[Array, "*shape"]:
    r"""x log y: a weight times a logarithm, and nothing where the weight is 0.

    .. math:: \operatorname{xlogy}(x, y) = x \log y

    The product is 0 if :math:`x = 0`, and :math:`-\infty` if :math:`y = 0 < x`. At :math:`x = y = 0`
    it has no limit, and :math:`0 \log 0 = 0` is a convention: it continues :math:`x \log x`, which
    tends to 0.

    Args:
        x: :math:`x`, the weight, in most uses a probability.
        y: :math:`y`, what the logarithm is taken of.

    Returns:
        :math:`\operatorname{xlogy}(x, y)`, in nats where :math:`y` is a probability.

    Also called:
        x log y, x*log(y).

    Asked as:
        0 log 0; 0 times log 0; safe logarithm; p log p; p log q; 0 * -inf is nan; entropy is nan.

    Role in ML:
        - primitive -- PyTorch: the reference that its compiler traces puts 0 in the place of the
          product where the first factor is 0
          :cite:p:`ansel2024pytorch2{code: torch/_refs/__init__.py, def xlogy}`.
          Witness: ``torch._refs.xlogy``.
        - metric -- scikit-learn: its log loss sums this over the classes, with the labels as
          weights and the predictions under the logarithm
          :cite:p:`pedregosa2011scikit{code: sklearn/metrics/_classification.py, def log_loss}`.

    Numerics:
        No 0 reaches the logarithm: NumPy gives no warning of a division by zero, and no NaN arises,
        as it does from :math:`0 \cdot \log 0` in an entropy :math:`-\sum_i p_i \log p_i` or
        a loss; :math:`\log(p + \epsilon)` would change every value. The gradient with respect to
        :math:`x` is :math:`\log y`, the one with respect to :math:`y` is :math:`x / y`; at :math:`y = 0 <
        x` they are :math:`-\infty` and :math:`\infty`, as those of ``torch.special.xlogy``. At
        :math:`x = y = 0` both are 0; PyTorch returns NaN for the second.

    Checked against:
        ``scipy.special.xlogy(x, y)``

        ``torch.special.xlogy(x, y)``

    Examples:
        By hand, :math:`2 \log e^3 = 6`:

        >>> import numpy as np
        >>> round(float(xlogy(np.asarray(2.0), np.exp(np.asarray(3.0)))), 4)
        6.0

        Three products, as ``scipy.special.xlogy`` has them:

        >>> xlogy(np.asarray([0.3, 1.7, 0.25]), np.asarray([2.5, 0.4, 0.25])).round(4).tolist()
        [0.2749, -1.5577, -0.3466]

        The gradient in :math:`x` is :math:`\log y`, the one in :math:`y` is :math:`x / y`:

        >>> import torch
        >>> x, y = torch.tensor(0.3, requires_grad=True), torch.tensor(2.5, requires_grad=True)
        >>> xlogy(x, y).backward()
        >>> x.grad, y.grad
        (tensor(0.9163), tensor(0.1200))

        A weight of 0 gives 0, in the value and in the gradient in :math:`y`; at :math:`y = 0 < x` the
        value is infinite, and so are both slopes:

        >>> x = torch.tensor([0.0, 0.0, 0.5], requires_grad=True)
        >>> y = torch.tensor([0.0, 2.0, 0.0], requires_grad=True)
        >>> products = xlogy(x, y)
        >>> products.detach()
        tensor([0., 0., -inf])
        >>> products.sum().backward()
        >>> x.grad, y.grad
        (tensor([0.0000, 0.6931,   -inf]), tensor([0., 0., inf]))
    """
    xp = array_namespace(x, y)
    infinite = (y <= 0) & (x > 0)
    log_y = xp.log(xp.where(y > 0, y, 1.0))
    log_0 = xp.sqrt(xp.where(infinite, y, 1.0)) - math.inf  # with the slope of log at 0, infinite
    return x * xp.where(infinite, log_0, log_y)
