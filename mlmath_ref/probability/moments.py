r"""Moments: averages of powers, the first summary of a distribution.

The first moment is the mean, a point. The second, taken about the mean, is the variance of one
coordinate or the covariance of several: its diagonal says how far each coordinate spreads, the rest
which coordinates move together. A Gaussian is known when both are known; other distributions
share them and still differ, and coordinates with covariance zero can depend on each other.

Samples are rows here, coordinates columns, and the mean is over the :math:`n` rows with divisor
:math:`n`. This is the population form: the moment of the distribution that gives each sample the
weight :math:`1/n`. Where the samples stand for a larger population and the mean is estimated from
them, the divisor :math:`n - 1` makes the estimate unbiased.

:map: 3.2 Distributions
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import Real, Symmetric, checked


@checked
def covariance(x: Real[Array, "*batch n d"]) -> Symmetric[Array, "*batch d d"]:
    r"""Covariance matrix: how far coordinates spread, and which of them move together.

    .. math::
        \begin{aligned}
        \mu_j &= \frac{1}{n} \sum_{i=1}^{n} x_{ij} \\
        \Sigma_{jk} &= \frac{1}{n} \sum_{i=1}^{n} (x_{ij} - \mu_j)(x_{ik} - \mu_k)
        \end{aligned}

    Symmetric and positive semidefinite, of rank at most :math:`\min(n - 1, d)`; here :math:`\mu` is
    the mean of the rows. Adding one vector to every sample changes nothing; mapping every sample by
    :math:`A` turns :math:`\Sigma` into :math:`A \Sigma A^\top`.

    Args:
        x: :math:`x`, the samples: one row :math:`x_i` per sample, one column per coordinate.

    Returns:
        :math:`\Sigma`, with the covariance of coordinates :math:`j` and :math:`k` as
        :math:`\Sigma_{jk}` and the variances on the diagonal.

    Also called:
        covariance, variance-covariance matrix, cov, second central moment, scatter matrix,
        population covariance, ddof 0, biased covariance.

    Role in ML:
        - compression -- QuIP#: for each linear layer the released code stores mean and covariance
          of the inputs over calibration tokens, with the number of tokens as divisor, and rounds
          the weights by the second moment made from them
          :cite:p:`tseng2024quip{code: quantize_llama/hessian_offline_llama.py, lines 109-119}`.
        - metric -- EDM2: generated and real images are compared by the means and covariances of
          network features (FID); the divisor there is :math:`n - 1`
          :cite:p:`karras2024analyzing{code: calculate_metrics.py}`.

    Numerics:
        The mean is subtracted first. The shorter form, mean of products minus product of means,
        cancels when the mean is large against the spread. Libraries differ in the divisor:
        ``numpy.cov`` and ``torch.cov`` take :math:`n - 1` by default; multiply by
        :math:`n / (n - 1)` to pass from here to there. One sample gives zeros.

    Checked against:
        ``np.cov(x, rowvar=False, bias=True)``,
        ``np.einsum("abj,abk->jk", x[:, None] - x, x[:, None] - x) / (2 * len(x) ** 2)``

    Examples:
        By hand, the rows :math:`(1, 4)`, :math:`(3, 0)` and :math:`(5, 2)` have the mean
        :math:`(3, 2)`; the variances are :math:`8/3` and :math:`8/3`, the covariance is
        :math:`-4/3`:

        >>> import numpy as np
        >>> x = np.asarray([[1.0, 4.0], [3.0, 0.0], [5.0, 2.0]])
        >>> covariance(x).round(4).tolist()
        [[2.6667, -1.3333], [-1.3333, 2.6667]]

        With the divisor :math:`n - 1`, as ``numpy.cov`` has it by default:

        >>> (covariance(x) * 3 / 2).tolist()
        [[4.0, -2.0], [-2.0, 4.0]]
        >>> np.cov(x, rowvar=False).tolist()
        [[4.0, -2.0], [-2.0, 4.0]]

        Four samples of three coordinates, with the values of
        ``sklearn.covariance.EmpiricalCovariance``:

        >>> x = np.asarray([[0.3, 1.7, -2.1], [2.6, -0.4, 0.9], [-1.2, 3.1, 0.5], [0.8, 0.6, 1.4]])
        >>> covariance(x).round(4).tolist()
        [[1.8419, -1.7238, 0.4481], [-1.7238, 1.6925, -0.6038], [0.4481, -0.6038, 1.8269]]

        The gradient of a variance in the samples is :math:`2 (x_{ij} - \mu_j) / n`:

        >>> import torch
        >>> x = torch.tensor([[1.0, 4.0], [3.0, 0.0], [5.0, 2.0]], requires_grad=True)
        >>> covariance(x)[0, 0].backward()
        >>> x.grad
        tensor([[-1.3333,  0.0000],
                [ 0.0000,  0.0000],
                [ 1.3333,  0.0000]])

        A large mean does no harm, where the shorter form in float32 loses the variance of 1; each
        group has its own mean:

        >>> x = torch.tensor([[[20000.0], [20002.0]], [[3.0], [9.0]]])
        >>> covariance(x).flatten(), (x[0] ** 2).mean() - x[0].mean() ** 2
        (tensor([1., 9.]), tensor(0.))

        One sample has no spread:

        >>> covariance(np.asarray([[3.0, -7.0]])).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    xp = array_namespace(x)
    centered = x - xp.mean(x, axis=-2, keepdims=True)
    return centered.mT @ centered / x.shape[-2]
