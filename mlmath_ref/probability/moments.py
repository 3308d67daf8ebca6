r"""Moments: averages of powers, the first summary of a distribution.

The first moment is the mean, a point: the expectation of a distribution over known values. The
second, taken about the mean, is the variance of one coordinate or the covariance of several: its
diagonal says how far each coordinate spreads, the rest which coordinates move together. Divided by
both spreads, a covariance becomes a correlation, which has no unit. A Gaussian is known when mean
and covariance are; other distributions share them and still differ, and coordinates with covariance
zero can depend on each other.

Expectation and variance here are those of a distribution, with its probabilities as weights. Where
samples take its place, each has the weight :math:`1/n`, and the divisor is :math:`n`. This is the
population form. Where the samples stand for a larger population and the mean is estimated from
them, the divisor :math:`n - 1` makes the estimate unbiased; in a correlation it cancels. Samples
are rows of a matrix, coordinates its columns.

All of these subtract the mean first. The shorter form, mean of squares minus square of the mean, is
an identity on paper and a subtraction of two nearly equal numbers in floating point.

:map: 3.2 Distributions
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import PSD, Nonneg, Real, SignedUnit, Simplex, Varying, checked


@checked
def expectation(
    p: Simplex[Array, "*batch n"], x: Real[Array, "*#batch n"]
) -> Real[Array, "*batch"]:
    r"""Expectation: the average of a random variable, each value weighted by its probability.

    .. math:: \mathbb{E}[X] = \sum_{i=1}^{n} p_i x_i

    Linear in the values, :math:`\mathbb{E}[a X + b Y] = a \, \mathbb{E}[X] + b \, \mathbb{E}[Y]`:
    shifting or scaling them does the same to the mean, and the mean of a sum is the sum of the
    means, dependent or not. For a function of the value it is
    :math:`\mathbb{E}[f(X)] = \sum_i p_i f(x_i)`, with a density :math:`p` it is
    :math:`\mathbb{E}[X] = \int x \, p(x) \, dx`. It lies between the smallest and the largest
    value, and need not be one of them.

    Args:
        p: :math:`p`, the probabilities.
        x: :math:`x`, the value of each outcome.

    Returns:
        :math:`\mathbb{E}[X]`, in the unit of :math:`x`, one mean per distribution; :math:`X` is the
        random value.

    Also called:
        expected value, expectation value, mean of a distribution, first moment,
        probability-weighted average.

    Asked as:
        weighted mean; average value; E[X]; soft-argmax; law of the unconscious statistician.

    Role in ML:
        - estimator -- AlphaFold 3: the predicted aligned error of a pair of tokens is the mean over
          bins of distance, under the softmax of the confidence head
          :cite:p:`abramson2024accurate{code: google-deepmind/alphafold3 at 85c4d20,
          src/alphafold3/model/network/confidence_head.py, line 225}`.
        - estimator -- D-FINE: each edge of a box is moved by the mean of a distribution over
          offsets that are not evenly spaced
          :cite:p:`peng2024dfine{code: src/zoo/dfine/dfine_decoder.py, lines 293-294}`.
          Witness: ``transformers.models.d_fine.modeling_d_fine.DFineIntegral``.

    Numerics:
        One sum of products. Values of both signs may cancel, and the error is then relative to the
        largest term and not to the mean. A value under probability 0 does not count, but has to be
        finite. The gradient in :math:`p_i` is :math:`x_i`, in :math:`x_i` it is :math:`p_i`.

    Checked against:
        ``np.average(x, weights=p) * p.sum()``,
        ``math.fsum((p * x).tolist())``

    Examples:
        By hand, a fair die:

        >>> import numpy as np
        >>> float(expectation(np.full(6, 1 / 6), np.arange(1.0, 7.0)))
        3.5

        Two distributions over the same bins, unevenly spaced, with the values of ``numpy.average``:

        >>> bins = np.asarray([-3.0, -0.5, 0.0, 0.7, 4.0])
        >>> p = np.asarray([[0.1, 0.2, 0.3, 0.25, 0.15], [0.0, 0.05, 0.15, 0.6, 0.2]])
        >>> expectation(p, bins).round(4).tolist()
        [0.375, 1.195]

        Through a softmax the derivative in a score is :math:`p_i (x_i - \mathbb{E}[X])`: mass moves
        to values above the mean:

        >>> import torch
        >>> z = torch.tensor([0.2, 0.5, 0.3]).log().requires_grad_()
        >>> expectation(torch.softmax(z, 0), torch.tensor([1.0, 2.0, 6.0])).backward()
        >>> z.grad
        tensor([-0.4000, -0.5000,  0.9000])

        A certain outcome gives its value, whatever stands beside it:

        >>> float(expectation(np.asarray([0.0, 1.0]), np.asarray([1e300, 4.0])))
        4.0
    """
    return total(p * x)


@checked
def variance(p: Simplex[Array, "*batch n"], x: Real[Array, "*#batch n"]) -> Nonneg[Array, "*batch"]:
    r"""Variance: the mean square of the distance from the mean.

    .. math::
        \operatorname{Var}(X) = \sum_{i=1}^{n} p_i (x_i - \mu)^2 = \sum_{i=1}^{n} p_i x_i^2 - \mu^2,
        \quad \mu = \sum_{i=1}^{n} p_i x_i

    In expectations it is :math:`\mathbb{E}[(X - \mathbb{E}[X])^2] = \mathbb{E}[X^2] -
    \mathbb{E}[X]^2`, zero exactly when all weight is on one value, the mean :math:`\mu`. Shifting
    the values changes nothing, scaling them by :math:`c` multiplies it by :math:`c^2`,
    :math:`\operatorname{Var}(c X + b) = c^2 \operatorname{Var}(X)`; for values between :math:`a`
    and :math:`b` it is at most :math:`(b - a)^2 / 4`. The two sides are equal on paper, and only
    the first is computed.

    Args:
        p: :math:`p`, the probabilities; :math:`1/n` each for the population variance of samples.
        x: :math:`x`, the value of each outcome.

    Returns:
        :math:`\operatorname{Var}(X)`, in the square of the unit of :math:`x`, one number per
        distribution; its root is the standard deviation, and :math:`X` is the random value.

    Also called:
        second central moment, population variance, sigma squared, square of the standard deviation.

    Asked as:
        var; spread; dispersion; weighted variance; ddof 0; mean squared deviation; E[X^2] - E[X]^2.

    Role in ML:
        - layer -- Qwen2.5-Omni: the speaker encoder of its speech decoder pools over time;
          attention gives the weights, and mean and root of this variance go on, channel by channel
          :cite:p:`xu2025qwen25omni{code: huggingface/transformers,
          src/transformers/models/qwen2_5_omni/modeling_qwen2_5_omni.py, def _compute_statistics}`.
          Witness: ``transformers.models.qwen2_5_omni.modeling_qwen2_5_omni.AttentiveStatisticsPooling``.
        - estimator -- TabPFN-2.5: the spread of a predicted distribution over bins, by the second
          form of the formula, with the mean square within each bin
          :cite:p:`grinsztajn2025tabpfn{code:
          src/tabpfn/architectures/shared/bar_distribution.py, lines 428-430}`.

    Numerics:
        The mean is subtracted first, in a second pass. The form :math:`\mathbb{E}[X^2] - \mu^2`
        loses about twice the digits of :math:`\mu / \sigma` and can come out negative. For
        samples, ``numpy.var`` divides by :math:`n` as here, ``torch.var`` by :math:`n - 1`.

    Checked against:
        ``np.cov(x, aweights=p, bias=True)``,
        ``np.sum(np.multiply.outer(p, p) * np.subtract.outer(x, x) ** 2) / 2 / p.sum()``

    Examples:
        By hand, a fair die: :math:`(6.25 + 2.25 + 0.25) / 3`:

        >>> import numpy as np
        >>> round(float(variance(np.full(6, 1 / 6), np.arange(1.0, 7.0))), 4)
        2.9167

        Two distributions over the same values, as ``numpy.cov(x, aweights=p, ddof=0)`` has them:

        >>> x = np.asarray([-3.0, -0.5, 0.0, 0.7, 4.0])
        >>> p = np.asarray([[0.1, 0.2, 0.3, 0.25, 0.15], [0.0, 0.05, 0.15, 0.6, 0.2]])
        >>> variance(p, x).round(4).tolist()
        [3.3319, 2.0785]

        The derivative in :math:`x_i` is :math:`2 p_i (x_i - \mu)`, here with :math:`\mu = 3`:

        >>> import torch
        >>> x = torch.tensor([1.0, 2.0, 6.0], requires_grad=True)
        >>> variance(torch.tensor([0.2, 0.5, 0.3]), x).backward()
        >>> x.grad
        tensor([-0.8000, -1.0000,  1.8000])

        Values near :math:`10^8`: the variance is 22.5, the shorter form gives 22, and for values
        near :math:`10^9` less than nothing:

        >>> p, x = np.full(4, 0.25), 1e8 + np.asarray([4.0, 7.0, 13.0, 16.0])
        >>> float(variance(p, x)), float(np.sum(p * x**2) - np.sum(p * x) ** 2)
        (22.5, 22.0)
        >>> x = 1e9 + np.asarray([4.0, 7.0, 13.0, 16.0])
        >>> float(variance(p, x)), float(np.sum(p * x**2) - np.sum(p * x) ** 2) < 0
        (22.5, True)

        For four samples the divisor :math:`n` gives 22.5, PyTorch's default :math:`n - 1` gives 30:

        >>> x = torch.tensor([4.0, 7.0, 13.0, 16.0])
        >>> variance(torch.full((4,), 0.25), x), x.var(), x.var(correction=0)
        (tensor(22.5000), tensor(30.), tensor(22.5000))

        A value that is certain has no spread:

        >>> float(variance(np.asarray([0.0, 1.0]), np.asarray([-7.0, 3.0])))
        0.0
    """
    mu = total(p * x)[..., None]
    half = x / 2 - mu / 2  # halves, because the difference of two numbers can overflow
    return 4 * total(p * half * half)


@checked
def covariance(x: Real[Array, "*batch n d"]) -> PSD[Array, "*batch d d"]:
    r"""Covariance matrix: how far coordinates spread, and which of them move together.

    .. math::
        \begin{aligned}
        \mu_j &= \frac{1}{n} \sum_{i=1}^{n} x_{ij} \\
        \Sigma_{jk} &= \frac{1}{n} \sum_{i=1}^{n} (x_{ij} - \mu_j)(x_{ik} - \mu_k)
        \end{aligned}

    For two coordinates :math:`X` and :math:`Y` of a random row an entry is
    :math:`\operatorname{Cov}(X, Y) = \mathbb{E}[(X - \mathbb{E}[X]) (Y - \mathbb{E}[Y])] =
    \mathbb{E}[X Y] - \mathbb{E}[X] \, \mathbb{E}[Y]`, and the matrix is :math:`\frac1n C^\top C`
    with the centered samples :math:`C = x - \mathbf{1} \mu^\top`; symmetric and positive
    semidefinite, of rank at most :math:`\min(n - 1, d)`; here :math:`\mu` is the mean of the rows.
    Adding one vector to every sample changes nothing; mapping every sample by :math:`A` turns
    :math:`\Sigma` into :math:`A \Sigma A^\top`.

    Args:
        x: :math:`x`, the samples: one row :math:`x_i` per sample, one column per coordinate.

    Returns:
        :math:`\Sigma`, with the covariance of coordinates :math:`j` and :math:`k` as
        :math:`\Sigma_{jk}` and the variances on the diagonal.

    Also called:
        variance-covariance matrix, population covariance, empirical covariance matrix, dispersion
        matrix.

    Asked as:
        cov; ddof 0; biased covariance; scatter matrix; second central moment; Cov(X, Y).

    Role in ML:
        - compression -- QuIP#: for each linear layer the released code stores mean and covariance
          of the inputs over calibration tokens, with the number of tokens as divisor, and rounds
          the weights by the second moment made from them
          :cite:p:`tseng2024quip{code: quantize_llama/hessian_offline_llama.py, lines 109-119}`.
        - metric -- EDM2: generated and real images are compared by the means and covariances of
          network features (FID); the divisor there is :math:`n - 1`
          :cite:p:`karras2024analyzing{code: calculate_metrics.py}`.

    Numerics:
        The first sample is subtracted from all others, and then the mean. The shorter form, mean of
        products minus product of means, cancels when the mean is large against the spread. Libraries differ in the divisor:
        ``numpy.cov`` and ``torch.cov`` take :math:`n - 1` by default; multiply by
        :math:`n / (n - 1)` to pass from here to there. One sample gives zeros.

    Checked against:
        ``np.cov(x, rowvar=False, bias=True)``,
        ``np.einsum("abj,abk->jk", x[:, None] - x, x[:, None] - x) / (2 * len(x) ** 2)``,
        ``torch.cov(x.T, correction=0)``

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
    n, columns = x.shape[-2], x.mT / 2  # halves, because a difference can overflow
    shifted = columns - columns[..., :1]
    size = scale(shifted)
    centered = shifted / size - total(shifted / size)[..., None] / n
    return 4 * (centered @ centered.mT / n * size * size.mT)


@checked
def correlation(
    x: Varying[Array, "*batch n"], y: Varying[Array, "*batch n"]
) -> SignedUnit[Array, "*batch"]:
    r"""Pearson correlation: how nearly two series of numbers lie on a straight line.

    .. math::
        \begin{aligned}
        \rho &= \frac{\sum_{i=1}^{n} (x_i - \bar{x}) (y_i - \bar{y})}
        {\sqrt{\sum_{i=1}^{n} (x_i - \bar{x})^2} \sqrt{\sum_{i=1}^{n} (y_i - \bar{y})^2}}, \\
        \bar{x} &= \frac{1}{n} \sum_{i=1}^{n} x_i, \\
        \bar{y} &= \frac{1}{n} \sum_{i=1}^{n} y_i
        \end{aligned}

    It is the covariance over both standard deviations,
    :math:`\rho = \frac{\operatorname{Cov}(X, Y)}{\sigma_X \sigma_Y}`, and the cosine of the
    centered vectors: 1 or -1 exactly on a line, unchanged when either series is shifted or scaled
    by a positive number. Zero says that the two variables are not linearly related; they may still
    depend on each other.

    Args:
        x: :math:`x`, one series, not constant.
        y: :math:`y`, the other, in the same order.

    Returns:
        :math:`\rho`, without unit, one number per pair of series.

    Also called:
        Pearson's r, Pearson correlation coefficient, PCC, product-moment correlation, correlation
        coefficient.

    Asked as:
        corr; corrcoef; pearsonr; linear correlation; normalized covariance; centered cosine
        similarity.

    Role in ML:
        - metric -- AlphaGenome: predicted and measured tracks are compared by it, as they are and
          after a logarithm; the released code adds up sums of products in single precision and puts
          a small number into the divisor
          :cite:p:`avsec2026advancing{code:
          src/alphagenome_research/evals/regression_metrics.py, lines 72-83}`.
        - metric -- scGPT: over genes, between the predicted and the observed change of expression
          after a perturbation :cite:p:`cui2024scgpt{code: scgpt/utils/util.py, line 525}`.

    Numerics:
        Both series are divided by a power of two, and their first entry is subtracted, before the
        means are formed. So neither a large mean nor a large or tiny unit does harm. A constant
        series has no correlation, 0 by 0, and is refused. The divisor :math:`n` or :math:`n - 1`
        cancels. A result that rounding puts above 1 or below -1 is set to 1 or -1. One outlier can decide the value; ranks in the place of the numbers give Spearman's
        correlation, ``scipy.stats.spearmanr``. ``np.corrcoef`` and ``torch.corrcoef`` give the
        table of all pairs.

    Checked against:
        ``scipy.stats.pearsonr(x, y).statistic``

    Examples:
        By hand, deviations :math:`(-1, 0, 1)` and :math:`(-1, 2, -1)` are orthogonal, and
        :math:`(-1, 0, 1)` and :math:`(-2, 1, 1)` give :math:`3 / \sqrt{2 \cdot 6}`:

        >>> import numpy as np
        >>> x = np.asarray([1.0, 2.0, 3.0])
        >>> float(correlation(x, np.asarray([5.0, 8.0, 5.0])))
        0.0
        >>> round(float(correlation(x, np.asarray([0.0, 3.0, 3.0]))), 4)
        0.866

        Two pairs of five, as ``scipy.stats.pearsonr`` has them:

        >>> x = np.asarray([[0.3, 1.7, -2.1, 0.9, 2.2], [2.6, -0.4, 0.9, -1.3, 0.1]])
        >>> y = np.asarray([[1.2, 0.8, -1.5, 2.4, 1.1], [-1.2, 3.1, 0.5, 0.6, -0.2]])
        >>> correlation(x, y).round(4).tolist()
        [0.7389, -0.6147]

        The derivative in :math:`x` is :math:`(v - \rho \, u) / \lVert x - \bar{x} \rVert_2`, with
        the centered series at length 1 as :math:`u` and :math:`v`:

        >>> import torch
        >>> x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> correlation(x, torch.tensor([0.0, 3.0, 3.0])).backward()
        >>> x.grad
        tensor([-0.1443,  0.2887, -0.1443])

        On a line it is 1 or -1, beside a large mean in single precision and in any unit; a parabola
        about its axis has none:

        >>> x = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])
        >>> lines = torch.stack([3 * x + 4096.0, 1e-25 * x, -1e25 * x, x**2])
        >>> correlation(lines, x.expand(4, 5)).round(decimals=4)
        tensor([ 1.,  1., -1.,  0.])

        The result is at most 1 and at least -1, also if rounding would leave that range:

        >>> x = np.asarray([0.3, 0.8, 0.3])
        >>> float(correlation(x, 3 * x)) <= 1.0
        True

        Units do not matter, even if sums or squares of the numbers would overflow:

        >>> x = np.asarray([1.0, 1.2, 0.9]) * 1e308
        >>> round(float(correlation(x, x[::-1].copy())), 4)
        0.7857

        A constant series is refused:

        >>> correlation(np.asarray([0.1, 0.1, 0.1]), np.asarray([1.0, 2.0, 4.0]))
        Traceback (most recent call last):
        ValueError: correlation: x must hold finite real vectors that are not constant, got [0.1, 0.1, 0.1]
    """
    xp = array_namespace(x, y)
    x, y = (v / scale(v) for v in (x, y))  # no difference overflows
    x, y = (v - v[..., :1] for v in (x, y))
    x, y = (v / scale(v) for v in (x, y))  # no square overflows or vanishes
    x, y = (v - total(v)[..., None] / v.shape[-1] for v in (x, y))
    rho = total(x * y) / xp.sqrt(total(x * x)) / xp.sqrt(total(y * y))
    return xp.clip(rho, -1.0, 1.0)  # rounding
