r"""Samples: what a handful of measurements says about what they were drawn from.

The score of a model on a benchmark is a mean over questions that might have been others, and its
score over seeds a mean over runs. The mean of the sample estimates the mean of the population; how
far it is likely to be off is its standard error :math:`s / \sqrt{n}`, where :math:`s^2` is the
sample variance. The variance divides by :math:`n - 1` here, because the deviations are taken from
a mean that was fitted to the same numbers.

An interval says what a single number hides. The bootstrap draws samples of the sample and needs no
formula for the spread, but with five numbers its intervals cover the truth too rarely, where one by
Student's :math:`t` keeps its word for normal data. Two models that answered the same questions are
compared question by question: the difference varies less than either score, and a paired test sees
it :cite:p:`dietterich1998approximate,miller2024adding`.

:map: 3.1 Estimation
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.sets import Labels, Nonneg, OpenUnit, Real, Unit, Varying, checked

# Gauss's rule with 24 points on [-1, 1]: the positive half of the places, and their weights.
# fmt: off
_PLACES = (
    0.06405689286260563, 0.1911188674736163, 0.3150426796961634, 0.4337935076260451,
    0.5454214713888396, 0.6480936519369755, 0.7401241915785544, 0.820001985973903,
    0.8864155270044011, 0.9382745520027328, 0.9747285559713095, 0.9951872199970213,
)
_WEIGHTS = (
    0.12793819534675202, 0.12583745634682825, 0.1216704729278033, 0.11550566805372552,
    0.10744427011596556, 0.09761865210411393, 0.0861901615319532, 0.07334648141108016,
    0.05929858491543636, 0.04427743881741941, 0.02853138862893356, 0.01234122979998869,
)
# fmt: on


@checked
def sample_mean(x: Real[Array, "*batch n"]) -> Real[Array, "*batch"]:
    r"""Sample mean: one number for many, the one with the least squared distance to them.

    .. math:: \bar{x} = \frac{1}{n} \sum_{i=1}^{n} x_i

    It estimates the mean of the distribution that the samples were drawn from, without bias, with a
    variance of :math:`1/n` of theirs if they are independent. The deviations from it sum to zero,
    and one sample more makes it :math:`\bar{x}_n = \bar{x}_{n-1} + \frac{x_n - \bar{x}_{n-1}}{n}`.
    One sample that is far off moves it without bound.

    Args:
        x: :math:`x`, the samples.

    Returns:
        :math:`\bar{x}`, in the unit of the samples.

    Also called:
        mean, average, arithmetic mean, empirical mean, x bar.

    Asked as:
        first moment; standard error of the mean; np.mean float32 wrong; average score over seeds.

    Role in ML:
        - metric -- LM Evaluation Harness: the accuracy on a task is this mean over its
          questions, where each counts 1 or 0, and is given with a standard error
          :cite:p:`gao2024harness{code: lm_eval/api/metrics.py, lines 34-36 and 318-319}`.
        - estimator -- DeepSeek-R1: the mean reward of all answers to one question is the baseline
          that each is compared with, so that no network has to predict it
          :cite:p:`deepseek2025r1{code: huggingface/trl, trl/trainer/grpo_trainer.py}`.

    Numerics:
        Numbers along a contiguous axis are added in pairs, so rounding errors grow with
        :math:`\log n` and not with :math:`n`. Along any other axis ``np.mean`` adds one number
        after the other; this function makes the axis contiguous first. The samples are divided by a
        power of two before they are added, so the mean is finite even if the sum overflows. The
        standard error is :math:`s / \sqrt{n}`. For samples that are 0 or 1 it is
        :math:`\sqrt{\bar{x} (1 - \bar{x}) / (n - 1)}`.

    Checked against:
        ``np.asarray(statistics.fmean(x.tolist()))``

    Examples:
        By hand, :math:`(1 + 2 + 6) / 3`:

        >>> import numpy as np
        >>> float(sample_mean(np.asarray([1.0, 2.0, 6.0])))
        3.0

        The accuracies of five runs, and their mean up to its standard error, with the values of
        ``scipy.stats.sem``:

        >>> x = np.asarray([0.85, 0.88, 0.82, 0.90, 0.87])
        >>> round(float(sample_mean(x)), 4), round(float(np.sqrt(sample_variance(x) / 5)), 4)
        (0.864, 0.0136)
        >>> import scipy
        >>> round(float(scipy.stats.sem(x)), 4)
        0.0136

        Two samples of three at once; every sample has the weight :math:`1/n`, which is the
        gradient:

        >>> import torch
        >>> x = torch.tensor([[0.3, -1.2, 2.5], [4.0, 0.7, -0.2]], requires_grad=True)
        >>> means = sample_mean(x)
        >>> means[0].backward()
        >>> means.detach(), x.grad[0]
        (tensor([0.5333, 1.5000]), tensor([0.3333, 0.3333, 0.3333]))

        Seven right answers of ten have the standard error
        :math:`\sqrt{0.7 \cdot 0.3 / 9}`:

        >>> right = np.asarray([1.0] * 7 + [0.0] * 3)
        >>> [round(float(np.sqrt(v)), 4) for v in (sample_variance(right) / 10, 0.7 * 0.3 / 9)]
        [0.1528, 0.1528]

        NumPy adds the columns of this transposed array one after the other in single precision, and
        rounding accumulates. This function makes the rows contiguous first:

        >>> x = np.full((10**6, 2), 0.1, dtype=np.float32).T
        >>> x.mean(axis=-1).round(4), sample_mean(x).round(4)
        (array([0.101, 0.101], dtype=float32), array([0.1, 0.1], dtype=float32))

        The mean of numbers whose sum overflows:

        >>> float(sample_mean(np.asarray([1e308, 1.5e308])))
        1.25e+308
    """
    size = scale(x)  # without it the sum can overflow although the mean does not
    return total(x / size) / x.shape[-1] * size[..., 0]


@checked
def sample_variance(x: Real[Array, "*batch n"]) -> Nonneg[Array, "*batch"]:
    r"""Sample variance: how far samples spread, corrected for the mean that they were taken about.

    .. math:: s^2 = \frac{1}{n - 1} \sum_{i=1}^{n} (x_i - \bar{x})^2, \qquad
       \bar{x} = \frac{1}{n} \sum_{i=1}^{n} x_i

    Here :math:`\bar{x}` is the mean of the same samples, to which they are nearer than to the true
    mean; the divisor :math:`n - 1` makes up for it, so that the expectation of :math:`s^2` is the
    variance of the distribution. Its root :math:`s` is still too small on average.

    Args:
        x: :math:`x`, the samples, at least two.

    Returns:
        :math:`s^2`, in the square of the unit of the samples.

    Raises:
        ValueError: There is only one sample.

    Also called:
        unbiased variance, corrected sample variance, s squared.

    Asked as:
        Bessel's correction; ddof 1; correction 1; n-1 denominator; squared standard deviation;
        np.var or torch.var.

    Role in ML:
        - estimator -- DeepSeek-R1: the rewards of one question's answers are divided by their
          spread; the implementation in TRL divides by the number of answers less one
          :cite:p:`deepseek2025r1{code: huggingface/trl, trl/trainer/utils.py, def nanstd}`.
          Witness: ``trl.trainer.utils.nanstd``, squared.
        - metric -- LM Evaluation Harness: the standard error beside a score is the root
          of this variance over the questions, divided by :math:`\sqrt{n}`
          :cite:p:`gao2024harness{code: lm_eval/api/metrics.py, lines 313-319}`.

    Numerics:
        The mean is subtracted before squaring; the equal :math:`\frac{1}{n - 1} \left(
        \sum_{i=1}^{n} x_i^2 - n \bar{x}^2 \right)` cancels where the mean is large. Libraries
        differ: ``torch.var`` divides by :math:`n - 1` by default, ``numpy.var`` by :math:`n`
        without ``ddof=1``. One sample says nothing of spread and is refused. The first sample is
        subtracted from all others before the mean is formed, so equal samples give exactly 0. Sums
        and squares are formed after a division by a power of two and do not overflow unless the
        variance does.

    Checked against:
        ``np.asarray(statistics.variance(x.tolist()))``

    Examples:
        By hand: the mean is 3, and :math:`(4 + 1 + 9) / 2 = 7`; with the divisor :math:`n` it is
        :math:`14/3`:

        >>> import numpy as np
        >>> x = np.asarray([1.0, 2.0, 6.0])
        >>> float(sample_variance(x)), round(float(np.var(x)), 4)
        (7.0, 4.6667)

        Unequal groups of numbers, with the values of ``torch.var``:

        >>> import torch
        >>> x = torch.tensor([[0.85, 0.88, 0.82, 0.90, 0.87], [1.3, -0.4, 2.6, 0.2, -1.9]])
        >>> sample_variance(x), x.var(dim=-1)
        (tensor([9.3000e-04, 2.9030e+00]), tensor([9.3000e-04, 2.9030e+00]))

        All 27 samples of three from 0, 1 and 5, which have the variance 14/3: the average over the
        samples is right, that with the divisor 3 is too small by the factor 2/3:

        >>> index = np.indices((3, 3, 3)).reshape(3, 27).T
        >>> samples = np.asarray([0.0, 1.0, 5.0])[index]
        >>> [round(float(v.mean()), 4) for v in (sample_variance(samples), samples.var(axis=-1))]
        [4.6667, 3.1111]

        The derivative is :math:`2 (x_i - \bar{x}) / (n - 1)`:

        >>> x = torch.tensor([1.0, 2.0, 6.0], requires_grad=True)
        >>> sample_variance(x).backward()
        >>> x.grad
        tensor([-2., -1.,  3.])

        Of two samples it is half the squared difference:

        >>> float(sample_variance(np.asarray([1.5, 4.5])))
        4.5

        A mean of ten million does no harm in single precision, and equal samples have no spread:

        >>> sample_variance(torch.tensor([[1.0, 2.0, 6.0], [0.0, 0.0, 0.0]]) + 1e7)
        tensor([7., 0.])
        >>> sample_variance(torch.full((200,), 9.96921e36))
        tensor(0.)

        One sample is refused:

        >>> sample_variance(np.asarray([3.0]))
        Traceback (most recent call last):
        ValueError: sample_variance: x must have at least 2 samples, got 1
    """
    n = x.shape[-1]
    if n < 2:
        raise ValueError("sample_variance: x must have at least 2 samples, got 1")
    shifted = x / 2 - x[..., :1] / 2  # halves, because a difference can overflow
    size = scale(shifted)
    centered = shifted / size - total(shifted / size)[..., None] / n
    return 4 * (total(centered * centered) / (n - 1) * size[..., 0] * size[..., 0])


@checked
def bootstrap_confidence_interval(
    x: Real[Array, "*batch n"],
    index: Labels[Array, "B n", "n"],
    *,
    alpha: OpenUnit[float, ""] = 0.05,
) -> tuple[Real[Array, "*batch"], Real[Array, "*batch"]]:
    r"""Percentile bootstrap interval: how the mean varies from one sample of the sample to another.

    .. math::
        \begin{aligned}
        m_b &= \frac{1}{n} \sum_{j=1}^{n} x_{k_{b, j} + 1} \\
        L &= \min_{b : \frac{1}{B} \sum_{c=1}^{B} \mathbb{1}[m_c \le m_b] \ge \alpha / 2} m_b \\
        U &= \min_{b : \frac{1}{B} \sum_{c=1}^{B} \mathbb{1}[m_c \le m_b] \ge 1 - \alpha / 2} m_b
        \end{aligned}

    Each of the :math:`B` resamples draws :math:`n` of the :math:`n` samples with replacement, and
    :math:`m_b` is its mean; the ends of the interval are the quantiles of these means. If the
    variance of the distribution is finite, the probability that the interval covers the true mean
    tends to :math:`1 - \alpha` as :math:`n` and :math:`B` grow. For finite :math:`n` it can be
    smaller or larger.

    Args:
        x: :math:`x`, the samples.
        index: :math:`k`, which sample stands at each place of each resample, counted from 0; drawn
            uniformly.
        alpha: :math:`\alpha`, the share of the means that is left out, half on either side; 0.05
            for an interval of 95 percent.

    Returns:
        :math:`(L, U)`, the lower and the upper end, in the unit of the samples.

    Also called:
        percentile bootstrap, percentile bootstrap confidence interval.

    Asked as:
        bootstrap; bootstrapping; bootstrap CI; resampling; error bars; confidence interval by
        resampling; BCI.

    Role in ML:
        - metric -- Arena-Hard-Auto: the win rate of a model is given with the 5th and 95th
          percentile of its mean over 100 resamples of the judged battles
          :cite:p:`li2024crowdsourced{code: show_result.py, lines 107-116}`.
        - metric -- LM Evaluation Harness: scores with no formula for their error, such
          as BLEU and F1, are computed on resamples of the answers, and the spread is given
          :cite:p:`gao2024harness{code: lm_eval/api/metrics.py, lines 516-552}`.

    Numerics:
        The indices are an argument (``scipy.stats.bootstrap`` draws its own), so the same ones, as
        from a generator with a seed, give the same interval; another seed moves the ends, less so
        the larger :math:`B`. All :math:`n^n` resamples, where there are few, need no draw and give
        the exact interval. The quantile is one of the means, with no interpolation. Its rank is
        found in whole numbers, from :math:`\alpha` as written in decimals (to twelve places): the
        floating-point product of 0.07 and 100 is above 7. For small samples from a normal
        distribution the interval is too short: with five it covers the mean about 84 times in 100
        and not 95. For 10 samples that are 0 or 1 with equal probability, all resamples cover the
        mean 98 times in 100. The normal interval is :math:`\bar{x} \pm 1.96 \, s / \sqrt{n}`.
        Resamples are taken for a few rows of a batch at a time, so memory is a few times that of
        the arguments.

    Checked against:
        ``tuple(np.quantile(x[index].mean(-1), [alpha / 2, 1 - alpha / 2], method="inverted_cdf"))``

    Examples:
        By hand: of two numbers, 0 and 6, there are four resamples, with the means 0, 3, 3 and 6;
        half of them are left out:

        >>> import numpy as np
        >>> index = np.asarray([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> low, high = bootstrap_confidence_interval(np.asarray([0.0, 6.0]), index, alpha=0.5)
        >>> float(low), float(high)
        (0.0, 3.0)

        The accuracies of five runs and all :math:`5^5 = 3125` resamples: the exact interval, about
        the mean of 0.864:

        >>> x = np.asarray([0.85, 0.88, 0.82, 0.90, 0.87])
        >>> every = np.indices((5,) * 5).reshape(5, -1).T
        >>> [round(float(end), 4) for end in bootstrap_confidence_interval(x, every)]
        [0.838, 0.886]

        A thousand resamples come near to it, and to another value with another seed:

        >>> for seed in (0, 1, 2):
        ...     draws = np.random.default_rng(seed).integers(0, 5, (1000, 5))
        ...     print([round(float(end), 4) for end in bootstrap_confidence_interval(x, draws)])
        [0.838, 0.888]
        [0.838, 0.888]
        [0.842, 0.886]

        Student's interval is wider, as five numbers ask for:

        >>> import scipy
        >>> student = scipy.stats.t.interval(0.95, 4, x.mean(), scipy.stats.sem(x))
        >>> [round(float(end), 4) for end in student]
        [0.8261, 0.9019]

        A thousand normal samples of five with the mean 0: how often either interval covers it:

        >>> rng = np.random.default_rng(1)
        >>> x, draws = rng.normal(size=(1000, 5)), rng.integers(0, 5, (200, 5))
        >>> low, high = bootstrap_confidence_interval(x, draws)
        >>> half = scipy.stats.t.ppf(0.975, 4) * scipy.stats.sem(x, axis=-1)
        >>> float(np.mean((low <= 0) & (0 <= high))), float(np.mean(abs(x.mean(-1)) <= half))
        (0.847, 0.963)

        The ends are means of resamples, so their slopes in the samples are counts over :math:`n`;
        here :math:`L` is the mean of the first resample and :math:`U` that of the third:

        >>> import torch
        >>> x = torch.tensor([0.3, 2.5, -1.2], requires_grad=True)
        >>> index = torch.tensor([[0, 2, 2], [0, 1, 2], [1, 1, 0]])
        >>> low, high = bootstrap_confidence_interval(x, index, alpha=0.1)
        >>> (high + 10 * low).backward()
        >>> low.detach(), high.detach(), x.grad
        (tensor(-0.7000), tensor(1.7667), tensor([3.6667, 0.6667, 6.6667]))
    """
    xp = array_namespace(x, index)
    means = _means_of_resamples(x, index)
    means = xp.take_along_axis(means, xp.argsort(means, axis=-1), axis=-1)
    share = round(alpha * 10**12) * index.shape[0]  # whole numbers: 0.07 * 100 is above 7
    low = max(-(-share // (2 * 10**12)), 1)
    high = index.shape[0] - share // (2 * 10**12)
    return means[..., low - 1], means[..., high - 1]


def _means_of_resamples(x: Array, index: Array) -> Array:
    """The mean of each resample, a few rows at a time: no more numbers than in the arguments."""
    xp = array_namespace(x, index)
    m, n = math.prod(x.shape[:-1]), x.shape[-1]
    rows = xp.reshape(x, (m, n))
    places = xp.reshape(xp.astype(index, xp.int64), (1, -1))  # PyTorch indexes by no other type
    step, means = 1 + m // index.shape[0], []
    for i in range(0, max(m, 1), step):
        drawn = xp.take_along_axis(rows[i : min(i + step, m), :], places, axis=-1)
        means.append(sample_mean(xp.reshape(drawn, (drawn.shape[0], *index.shape))))
    return xp.reshape(xp.concat(means, axis=0), (*x.shape[:-1], index.shape[0]))


@checked
def paired_t_test(
    a: Real[Array, "*batch n"], b: Real[Array, "*batch n"]
) -> tuple[Real[Array, "*batch"], Unit[Array, "*batch"]]:
    r"""Paired t-test: whether two models that met the same questions differ by more than chance.

    .. math::
        \begin{aligned}
        t &= \frac{\bar{d}}{s / \sqrt{n}}, \qquad
        d_i = a_i - b_i, \qquad
        \bar{d} = \frac{1}{n} \sum_{i=1}^{n} d_i, \qquad
        s = \sqrt{\frac{1}{n - 1} \sum_{i=1}^{n} (d_i - \bar{d})^2} \\
        p &= 2 \operatorname{tcdf}(-|t|, n - 1)
        \end{aligned}

    It tells whether one model is significantly better: the mean difference in units of its standard
    error, with :math:`s` the sample standard deviation of the differences :math:`d`, and the
    distribution function of Student's :math:`t` with :math:`n - 1` degrees of freedom. If the
    differences are independent, normal and of mean 0, a :math:`|t|` as large as this has the
    probability :math:`p`. Exchanging :math:`a` and :math:`b` turns the sign of :math:`t`.

    Args:
        a: :math:`a`, the scores of one model, at least two.
        b: :math:`b`, those of the other, on the same questions or from the same seeds.

    Returns:
        :math:`(t, p)`, the statistic, and the probability of one as far from 0 if the models are
        equally good.

    Raises:
        ValueError: There is only one pair, or all pairs differ by the same.

    Also called:
        paired Student's t-test, dependent t-test, t-test for related samples.

    Asked as:
        matched pairs; significance test; p-value; ttest_rel; is model A significantly better than
        model B.

    Role in ML:
        - metric -- xCOMET: the comparison tool of COMET tests the scores that two translation
          systems get on the same segments in this way, beside a bootstrap
          :cite:p:`guerreiro2024xcomet{code: Unbabel/COMET, comet/cli/compare.py, line 477}`.

    Numerics:
        The probability is the ratio of two integrals of the density over a tail, each by Gauss's
        rule with 24 points. Nothing is subtracted from 1, so small probabilities have all their
        digits, up to the error in :math:`t`. If all differences are equal, :math:`s` is 0 and the
        call raises ``ValueError``.
        Scores of overlapping training sets, as in cross-validation, are not independent, and
        :math:`p` is then too small :cite:p:`dietterich1998approximate`.

    Checked against:
        ``(statistics.variance(a - b) > 0) and scipy.stats.ttest_rel(a, b)[:2]``

    Examples:
        By hand: the differences are 2, 1, 0 and 3, of mean 1.5 and variance 5/3, so
        :math:`t = 1.5 / \sqrt{5/12}`:

        >>> import numpy as np
        >>> a, b = np.asarray([3.0, 5.0, 4.0, 8.0]), np.asarray([1.0, 4.0, 4.0, 5.0])
        >>> [round(float(v), 4) for v in paired_t_test(a, b)]
        [2.3238, 0.1027]

        With two pairs :math:`p = 1 - \tfrac2\pi \arctan |t|`, here of :math:`t = 2`, and with three
        it is :math:`1 - |t| / \sqrt{2 + t^2}`, here of :math:`t = -2 \sqrt{3}`:

        >>> t, p = paired_t_test(np.asarray([1.0, 5.0]), np.asarray([0.0, 2.0]))
        >>> float(t), round(float(p), 4)
        (2.0, 0.2952)
        >>> t, p = paired_t_test(np.zeros(3), np.asarray([1.0, 2.0, 3.0]))
        >>> round(float(t), 4), round(float(p), 4)
        (-3.4641, 0.0742)

        Two models on five data sets, with the values of ``scipy.stats.ttest_rel``; taken as
        unrelated, the same numbers tell far less:

        >>> a = np.asarray([0.71, 0.64, 0.83, 0.58, 0.77])
        >>> b = np.asarray([0.68, 0.66, 0.75, 0.55, 0.70])
        >>> [round(float(v), 4) for v in paired_t_test(a, b)]
        [2.1445, 0.0986]
        >>> import scipy
        >>> round(float(scipy.stats.ttest_ind(a, b).pvalue), 4)
        0.5129

        The derivative of :math:`t` in the scores sums to :math:`\sqrt{n} / s = 1.5492`; that of
        :math:`p` has the other sign:

        >>> import torch
        >>> a = torch.tensor([3.0, 5.0, 4.0, 8.0], requires_grad=True)
        >>> t, p = paired_t_test(a, torch.tensor([1.0, 4.0, 4.0, 5.0]))
        >>> torch.stack(torch.autograd.grad(t, a, retain_graph=True) + torch.autograd.grad(p, a))
        tensor([[ 0.1549,  0.6197,  1.0844, -0.3098],
                [-0.0145, -0.0581, -0.1017,  0.0291]])

        Four hundred pairs, and a second row of pairs whose mean difference is 0:

        >>> i = np.arange(400.0)
        >>> a, b = np.sin(i) + 0.1, np.cos(1.7 * i)
        >>> paired_t_test(np.stack([a, i % 2]), np.stack([b, (i + 1) % 2]))[1].round(4).tolist()
        [0.0421, 1.0]

        A p-value far below the rounding unit has all its digits:

        >>> a = np.asarray([1.2, 1.1, 1.0, 0.9] * 25)
        >>> _, p = paired_t_test(a, np.zeros(100))
        >>> print(f"{p:.4e}", f"{scipy.stats.ttest_rel(a, np.zeros(100)).pvalue:.4e}")
        2.3034e-98 2.3034e-98

        If all pairs differ by the same amount, or if there is only one pair, the call raises
        ``ValueError``:

        >>> paired_t_test(np.asarray([0.5, 1.0]), np.asarray([0.25, 0.75]))
        Traceback (most recent call last):
        ValueError: paired_t_test: arguments must keep every step in its set, got _t_statistic: d must hold finite real vectors that are not constant, got [0.5, 0.5]
    """
    xp = array_namespace(a, b)
    size = xp.maximum(scale(a), scale(b))  # no difference overflows
    t = _t_statistic(a / size - b / size)
    nu = a.shape[-1] - 1
    tau = xp.abs(t) / math.sqrt(nu)
    p = xp.exp(-(nu - 1) / 2 * xp.log1p(tau * tau)) * _tail(tau, nu) / _tail(0 * tau, nu)
    return t, xp.clip(p, max=1.0)  # rounding


@checked
def _t_statistic(d: Varying[Array, "*batch n"]) -> Real[Array, "*batch"]:
    """The mean of differences over its standard error."""
    xp = array_namespace(d)
    d = d / scale(d)
    return sample_mean(d) / xp.sqrt(sample_variance(d) / d.shape[-1])


def _tail(tau: Array, nu: int) -> Array:
    """Integral over x > 0 of (sin(a - x) / sin(a))^(nu - 1), a = arccot(tau), by Gauss's rule."""
    xp = array_namespace(tau)
    near = 90 / nu / (tau + xp.sqrt(tau * tau + 90 / nu))  # the rest is below rounding
    width = xp.minimum(xp.atan2(xp.ones_like(tau), tau), near) / 2
    value = xp.zeros_like(tau)
    for place, weight in zip(_PLACES, _WEIGHTS):
        for x in (width * (1 - place), width * (1 + place)):
            ratio = xp.log1p(-(2 * xp.sin(x / 2) ** 2 + tau * xp.sin(x)))
            value = value + weight * xp.exp((nu - 1) * ratio)
    return width * value
