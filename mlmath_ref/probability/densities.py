r"""Densities: how probability is spread over values that cannot be counted.

A density is probability per unit of length, area or volume. It is never negative and integrates to
one, but it may exceed one, and it changes with the unit. The Gaussian spreads over the whole line:
two numbers, a center and a width, fix it. Most noise that machine learning adds on purpose is
Gaussian, because sums of independent Gaussians are Gaussian, and so is the posterior after a linear
observation with Gaussian noise. In several dimensions the width becomes a covariance matrix, and the surfaces of equal
density are ellipsoids.

Minus the logarithm of a density is a loss. The Gaussian gives the squared error; the Laplace
density, with its sharper peak and heavier tails, gives the absolute error, which a single far value
moves less.

The Dirichlet density spreads over the probability simplex, so its values are distributions: shares
of a mixture, a policy over moves, a categorical law that is itself unknown. Products of many
densities leave the range of floating-point numbers; what is summed in practice are logarithms.

:map: 3.2 Distributions
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, special_namespace
from mlmath_ref.sets import SPD, Nonneg, OpenSimplex, Positive, Real, checked


@checked
def gaussian_pdf(
    x: Real[Array, "*batch"], mu: Real[Array, "*#batch"], sigma: Positive[Array, "*#batch"]
) -> Nonneg[Array, "*batch"]:
    r"""Gaussian density: how likely a value is near a center, in units of the width.

    .. math::
        \mathcal{N}(x; \mu, \sigma^2) = \frac{1}{\sigma \sqrt{2 \pi}}
        \exp \left( -\frac{(x - \mu)^2}{2 \sigma^2} \right)

    The factor is also written :math:`1 / \sqrt{2 \pi \sigma^2}`, and for :math:`\mu = 0`,
    :math:`\sigma = 1` it is the standard normal,
    :math:`\phi(x) = \frac{1}{\sqrt{2 \pi}} e^{-x^2 / 2}`. Symmetric about :math:`\mu`, where it is
    largest, with :math:`1 / (\sigma \sqrt{2 \pi})`. Integrates to one; about 68 percent lies within
    :math:`\sigma` of the center, 95 percent within :math:`2 \sigma`.

    Args:
        x: :math:`x`, the value.
        mu: :math:`\mu`, the mean, in the unit of :math:`x`.
        sigma: :math:`\sigma`, the standard deviation, in the unit of :math:`x`; not the variance.

    Returns:
        :math:`\mathcal{N}(x; \mu, \sigma^2)`, per unit of :math:`x`, one density per value.

    Also called:
        normal distribution, normal pdf, normal density, Gaussian distribution, univariate Gaussian.

    Asked as:
        bell curve; norm.pdf; dnorm; standard normal; N(0, 1); N(mu, sigma^2).

    Role in ML:
        - sampling -- AlphaFold 3: steps of the diffusion sampler above a smallest noise level add
          noise drawn from this distribution to the atom positions, with the width of the schedule
          :cite:p:`abramson2024accurate{code: google-deepmind/alphafold3 at 85c4d20,
          src/alphafold3/model/network/diffusion_head.py, lines 341-348}`.
        - schedule -- Stable Diffusion 3: training times are drawn so that their logit is Gaussian;
          the density of the time :math:`t` is this one at the logit, divided by :math:`t (1 - t)`
          :cite:p:`esser2024scaling{sec. 3.1}`.
        - sampling -- OLMo 2: weights start as draws with mean 0 and standard deviation 0.02, cut
          off at three standard deviations
          :cite:p:`olmo2024two{code: configs/official-1124/OLMo2-13B-stage1.yaml, lines 34-36}`.

    Numerics:
        The exponent is formed from :math:`(x - \mu) / \sigma`, so that no square of a small or
        large :math:`\sigma` is needed, and the exponential is split into two equal factors, so that
        it does not underflow unless the density does. For :math:`\sigma = 1` the density underflows in float64 to 0 from about
        38.6 on, in float32 from about 14.4 on; a likelihood is summed as
        :math:`-\tfrac12 ((x - \mu) / \sigma)^2 - \log \sigma - \tfrac12 \log 2 \pi`. A
        :math:`\sigma` that is not above 0 is refused. Minus the logarithm of the density is the
        loss :math:`\tfrac12 \log(2 \pi \sigma^2) + \frac{(x - \mu)^2}{2 \sigma^2}` (Gaussian
        negative log-likelihood, ``torch.nn.functional.gaussian_nll_loss`` with ``full=True``).

    Checked against:
        ``scipy.stats.norm.pdf(x, loc=mu, scale=sigma)``,
        ``torch.exp(torch.distributions.Normal(mu, sigma).log_prob(x))``

    Examples:
        By hand, the standard Gaussian at its center and one width away,
        :math:`1 / \sqrt{2 \pi}` and :math:`e^{-1/2} / \sqrt{2 \pi}`:

        >>> import numpy as np
        >>> gaussian_pdf(np.asarray([0.0, 1.0]), np.asarray(0.0), np.asarray(1.0)).round(4).tolist()
        [0.3989, 0.242]

        Unequal centers and widths, with the values of ``scipy.stats.norm.pdf``; a density may
        exceed one:

        >>> x, mu = np.asarray([1.3, -0.4, 2.6]), np.asarray([0.5, 0.2, 2.7])
        >>> gaussian_pdf(x, mu, np.asarray([0.7, 1.9, 0.15])).round(4).tolist()
        [0.2966, 0.1998, 2.1297]

        The derivative of its logarithm in :math:`x` is :math:`-(x - \mu) / \sigma^2`, here
        :math:`-0.8 / 0.49`, in :math:`\mu` the opposite, and in :math:`\sigma`
        :math:`(x - \mu)^2 / \sigma^3 - 1 / \sigma`:

        >>> import torch
        >>> x, mu, sigma = (torch.tensor(v, requires_grad=True) for v in (1.3, 0.5, 0.7))
        >>> gaussian_pdf(x, mu, sigma).log().backward()
        >>> torch.stack([x.grad, mu.grad, sigma.grad])
        tensor([-1.6327,  1.6327,  0.4373])

        Far out the density underflows, but its logarithm is an ordinary number:

        >>> float(gaussian_pdf(np.asarray(40.0), np.asarray(0.0), np.asarray(1.0)))
        0.0
        >>> torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(40.0))
        tensor(-800.9189)
    """
    xp = array_namespace(x, mu, sigma)
    z = (x - mu) / sigma
    root = xp.exp(-z * z / 4)  # twice the root, which is still a number if its square is not
    return root / math.sqrt(2 * math.pi) / sigma * root


@checked
def multivariate_gaussian_pdf(
    x: Real[Array, "*batch d"], mu: Real[Array, "*#batch d"], cov: SPD[Array, "*#batch d d"]
) -> Nonneg[Array, "*batch"]:
    r"""Multivariate Gaussian density: how likely a vector is, in units of the spread along it.

    .. math::
        \mathcal{N}(x; \mu, \Sigma) = \frac{\exp \left( -\frac12 (x - \mu)^\top \Sigma^{-1}
        (x - \mu) \right)}{\sqrt{(2 \pi)^d \det \Sigma}}

    It is also written :math:`(2 \pi)^{-d/2} \, |\Sigma|^{-1/2} \exp(-\frac12 (x - \mu)^\top
    \Sigma^{-1} (x - \mu))`; the exponent is minus half the squared Mahalanobis distance, which has
    a chi-squared law with :math:`d` degrees of freedom. With a diagonal :math:`\Sigma` it is a
    product of one-dimensional densities. Any linear map of a Gaussian vector is Gaussian, with
    :math:`A \Sigma A^\top` in the place of :math:`\Sigma`.

    Args:
        x: :math:`x`, the vector.
        mu: :math:`\mu`, the mean.
        cov: :math:`\Sigma`, the covariance matrix, in squared units of :math:`x`; symmetric and
            positive definite.

    Returns:
        :math:`\mathcal{N}(x; \mu, \Sigma)`, per unit of volume, one density per vector.

    Also called:
        multivariate normal distribution, multivariate normal pdf, multivariate normal density, MVN.

    Asked as:
        joint normal; full-covariance Gaussian; dmvnorm; Gaussian component; Mahalanobis distance;
        N(mu, Sigma).

    Role in ML:
        - primitive -- gsplat: a splat's opacity falls off over the pixels as this exponential, with
          its covariance projected to the image; the factor in front is left out, so that the peak
          is 1 :cite:p:`ye2025gsplat{code: gsplat/cuda/_torch_impl.py, lines 787-793}`.
        - estimator -- scikit-learn: each component of a Gaussian mixture is scored by its
          logarithm, through the Cholesky factor of the inverse covariance
          :cite:p:`pedregosa2011scikit{code: sklearn/mixture/_gaussian_mixture.py, def
          _estimate_log_gaussian_prob}`.
          Witness: ``sklearn.mixture.GaussianMixture``.

    Numerics:
        No inverse is formed: with the Cholesky factor :math:`\Sigma = L L^\top` the distance is the
        length of the solution of :math:`L z = x - \mu`, and the determinant is the squared product
        of the diagonal of :math:`L`. The factor costs :math:`d^3 / 3` operations. In many
        dimensions the density underflows or overflows while its logarithm is ordinary. A singular
        :math:`\Sigma` has no density and is refused. The logarithm of the density is
        :math:`-\frac12 \left( (x - \mu)^\top \Sigma^{-1} (x - \mu) + \log \det \Sigma + d \log 2
        \pi \right)`.

    Checked against:
        ``scipy.stats.multivariate_normal.pdf(x, mu, cov)``,
        ``torch.exp(torch.distributions.MultivariateNormal(mu, cov).log_prob(x))``

    Examples:
        By hand, independent coordinates with variances 4 and 1: at :math:`(2, 1)` the distance is
        :math:`1 + 1`, the density :math:`e^{-1} / (2 \pi \cdot 2)`:

        >>> import numpy as np
        >>> x, mu, cov = np.asarray([2.0, 1.0]), np.zeros(2), np.diag(np.asarray([4.0, 1.0]))
        >>> round(float(multivariate_gaussian_pdf(x, mu, cov)), 4)
        0.0293

        Three correlated coordinates, two vectors and one law, with the values of
        ``scipy.stats.multivariate_normal.pdf``:

        >>> cov = np.asarray([[2.0, 0.6, -0.3], [0.6, 0.5, 0.1], [-0.3, 0.1, 1.2]])
        >>> x, mu = np.asarray([[0.4, -0.2, 1.5], [2.1, 0.9, -0.6]]), np.asarray([0.5, 0.1, 0.3])
        >>> multivariate_gaussian_pdf(x, mu, cov).round(4).tolist()
        [0.029, 0.0247]

        The derivative of the logarithm in :math:`x` is :math:`-\Sigma^{-1} (x - \mu)`; here
        :math:`x - \mu = (1, 1)` and :math:`\Sigma^{-1}` has the rows :math:`(2, -1)` and
        :math:`(-1, 1)`:

        >>> import torch
        >>> x, cov = torch.ones(2, requires_grad=True), torch.tensor([[1.0, 1.0], [1.0, 2.0]])
        >>> multivariate_gaussian_pdf(x, torch.zeros(2), cov).log().backward()
        >>> x.grad
        tensor([-1.,  0.])

        At the mean of 40 coordinates the density overflows float32 with standard deviation 0.001
        and underflows with 1000; the logarithm is an ordinary number:

        >>> mean, sd = torch.zeros(2, 40), torch.tensor([1e-3, 1e3])
        >>> cov = sd[:, None, None] ** 2 * torch.eye(40)
        >>> multivariate_gaussian_pdf(mean, mean, cov)
        tensor([inf, 0.])
        >>> torch.distributions.MultivariateNormal(mean, cov).log_prob(mean)
        tensor([ 239.5527, -313.0677])

        A law that is confined to a line has no density in the plane:

        >>> multivariate_gaussian_pdf(np.zeros(2), np.zeros(2), np.ones((2, 2)))
        Traceback (most recent call last):
        ValueError: multivariate_gaussian_pdf: cov must hold symmetric positive definite matrices, got [[1.0, 1.0], [1.0, 1.0]] with smallest eigenvalue 0.0
    """
    xp = array_namespace(x, mu, cov)
    factor = xp.linalg.cholesky(cov)
    z = xp.linalg.solve(factor, (x - mu)[..., None])[..., 0]
    log_det = 2 * xp.sum(xp.log(xp.linalg.diagonal(factor)), axis=-1)
    return xp.exp(-(xp.sum(z * z, axis=-1) + log_det + x.shape[-1] * math.log(2 * math.pi)) / 2)


@checked
def laplace_pdf(
    x: Real[Array, "*batch"], mu: Real[Array, "*#batch"], b: Positive[Array, "*#batch"]
) -> Nonneg[Array, "*batch"]:
    r"""Laplace density: how likely a value is near a center, where far values are not so rare.

    .. math::
        \operatorname{Laplace}(x; \mu, b) = \frac{1}{2 b} \exp \left( -\frac{|x - \mu|}{b} \right)

    Two exponential densities back to back; with :math:`\mu = 0` and :math:`b = 1` it is
    :math:`\tfrac12 e^{-|x|}`, with heavier tails than a Gaussian, so that outliers weigh less. The
    mean and the median are :math:`\mu`, the variance is :math:`2 b^2`, and half of the mass lies
    within :math:`b \log 2` of the center. Fitted to data, :math:`\mu` is the median and :math:`b`
    the mean absolute deviation from it.

    Args:
        x: :math:`x`, the value.
        mu: :math:`\mu`, the center, in the unit of :math:`x`.
        b: :math:`b`, the scale, in the unit of :math:`x`; not the standard deviation, which is
            :math:`b \sqrt 2`.

    Returns:
        :math:`\operatorname{Laplace}(x; \mu, b)`, per unit of :math:`x`, one density per value.

    Also called:
        Laplace distribution, double exponential distribution, two-sided exponential distribution.

    Asked as:
        L1 likelihood; absolute error as a likelihood; lasso prior; Laplace mechanism; heavy-tailed
        distribution.

    Role in ML:
        - objective -- SEA-RAFT: the error of an estimated motion is modeled as a mixture of two of
          these, and their log-likelihood is what training maximizes. One scale is at least 1; the
          other is 1 in all released configurations, whose ``var_min`` is 0
          :cite:p:`wang2024sea{code: princeton-vl/SEA-RAFT, core/raft.py, lines 145-156;
          config/train/Tartan-C-T-TSKH-spring540x960-M.json}`.
        - objective -- QCNet: predicts a center and a scale for each coordinate of a car's path, and
          is trained by minus the logarithm of this density
          :cite:p:`zhou2023query{code: losses/laplace_nll_loss.py, line 34}`.

    Numerics:
        Underflows from about :math:`745 b` in float64 and :math:`104 b` in float32, much farther
        out than a Gaussian; a likelihood is summed as :math:`-|x - \mu| / b - \log 2 b`. At the
        center the density has a kink, and the gradient returned there in :math:`x` is 0. A
        :math:`b` that is not above 0 is refused.

    Checked against:
        ``scipy.stats.laplace.pdf(x, loc=mu, scale=b)``,
        ``torch.exp(torch.distributions.Laplace(mu, b).log_prob(x))``

    Examples:
        By hand, with scale 2: 1/4 at the center, and :math:`\tfrac14 \cdot \tfrac12` at
        :math:`2 \log 2`:

        >>> import numpy as np
        >>> x = np.asarray([0.0, 2 * np.log(2)])
        >>> laplace_pdf(x, np.asarray(0.0), np.asarray(2.0)).round(4).tolist()
        [0.25, 0.125]

        Unequal centers and scales, with the values of ``scipy.stats.laplace.pdf``:

        >>> x, mu = np.asarray([1.3, -0.4, 2.6]), np.asarray([0.5, 0.2, 2.7])
        >>> laplace_pdf(x, mu, np.asarray([0.7, 1.9, 0.15])).round(4).tolist()
        [0.2278, 0.1919, 1.7114]

        The derivative of the logarithm in :math:`x` is :math:`\mp 1 / b`, however far out, in
        :math:`b` it is :math:`|x - \mu| / b^2 - 1 / b`; at the kink the one in :math:`x` is 0:

        >>> import torch
        >>> x = torch.tensor([-1.0, 0.5, 9.5], requires_grad=True)
        >>> b = torch.tensor(2.0, requires_grad=True)
        >>> laplace_pdf(x, torch.tensor(0.5), b).log().sum().backward()
        >>> x.grad, b.grad
        (tensor([ 0.5000, -0.0000, -0.5000]), tensor(1.1250))

        At 10 standard deviations it is still a number where the Gaussian of the same variance has
        all but gone; past :math:`745 b` it is 0:

        >>> x, zero = np.asarray(10.0), np.asarray(0.0)
        >>> print(f"{laplace_pdf(x, zero, np.asarray(0.5**0.5)):.4e}")
        5.1007e-07
        >>> print(f"{gaussian_pdf(x, zero, np.asarray(1.0)):.4e}")
        7.6946e-23
        >>> laplace_pdf(np.asarray([744.0, 746.0]), zero, np.asarray(1.0)).tolist()
        [5e-324, 0.0]
    """
    xp = array_namespace(x, mu, b)
    root = xp.exp(-xp.abs(x - mu) / b / 2)  # twice the root, which is a number if its square is not
    return root / (2 * b) * root


@checked
def dirichlet_pdf(
    p: OpenSimplex[Array, "*batch K"], alpha: Positive[Array, "*#batch K"]
) -> Nonneg[Array, "*batch"]:
    r"""Dirichlet density: how likely a distribution is among all distributions over its outcomes.

    .. math::
        \operatorname{Dir}(p; \alpha) = \frac{\Gamma \left( \sum_{k=1}^{K} \alpha_k \right)}
        {\prod_{k=1}^{K} \Gamma(\alpha_k)} \prod_{k=1}^{K} p_k^{\alpha_k - 1}

    Here :math:`\Gamma` is the gamma function, and the factor is also written :math:`1 / B(\alpha)`;
    for two outcomes it is the Beta density, :math:`\frac{\Gamma(a + b)}{\Gamma(a) \, \Gamma(b)} \,
    x^{a - 1} (1 - x)^{b - 1}`. The mean of :math:`p_k` is :math:`\alpha_k` over the sum of all,
    :math:`\mathbb{E}[p_k] = \alpha_k / \sum_j \alpha_j`; that sum says how tightly :math:`p` keeps
    to the mean, and values below one favor distributions with few large shares. For counts
    :math:`c` from :math:`p` the posterior is the same density with :math:`\alpha + c`.

    Args:
        p: :math:`p`, a distribution over :math:`K` outcomes, all of them above 0.
        alpha: :math:`\alpha`, the concentrations, one per outcome; all 1 gives the uniform density.

    Returns:
        :math:`\operatorname{Dir}(p; \alpha)`, the density in the first :math:`K - 1` shares.

    Also called:
        Dirichlet distribution, multivariate beta distribution.

    Asked as:
        Beta distribution; Dirichlet prior; Dirichlet noise; conjugate prior of the categorical
        distribution; distribution over distributions.

    Role in ML:
        - sampling -- RegMix: the data mixtures that small proxy models are trained on are drawn
          from it, centered on the smoothed token shares of the sources, with a range of total
          concentrations
          :cite:p:`liu2024regmix{code: mixture_config/synthesize_mixture.py}`.
        - planning -- KataGo: in self-play a quarter of the prior over moves at the root is replaced
          by a draw, with a total concentration of 10.83 shared out among the legal moves
          :cite:p:`wu2019accelerating{code: docs/KataGoMethods.md}`.

    Numerics:
        Summed in logarithms and exponentiated once; with many outcomes or large concentrations the
        density leaves the range of floating-point numbers, and its logarithm is what to keep. The
        logarithms of gamma functions of large concentrations nearly cancel; Stirling's formula is
        therefore subtracted from each of them first. A change of :math:`p` in its last digit changes
        the result by up to that times the concentrations. A
        share of exactly 0 is refused: the density there is 0, finite or infinite depending on the
        direction of approach.

    Checked against:
        ``scipy.stats.dirichlet.pdf(p, alpha)``,
        ``float(mpmath.fprod(mpmath.mpf(q) ** (a - 1) / mpmath.gamma(a) for q, a in zip(p, alpha))
        * mpmath.gamma(sum(alpha)))``,
        ``torch.exp(torch.distributions.Dirichlet(alpha).log_prob(p))``

    Examples:
        By hand, with two outcomes and :math:`\alpha = (2, 3)` it is
        :math:`\tfrac{4!}{1! \, 2!} \, p_1 p_2^2 = 12 \cdot 0.25 \cdot 0.5625`:

        >>> import numpy as np
        >>> round(float(dirichlet_pdf(np.asarray([0.25, 0.75]), np.asarray([2.0, 3.0]))), 4)
        1.6875

        Three outcomes and concentrations on both sides of one, with the value of
        ``scipy.stats.dirichlet.pdf``:

        >>> p, alpha = np.asarray([0.2, 0.5, 0.3]), np.asarray([0.7, 2.4, 1.9])
        >>> round(float(dirichlet_pdf(p, alpha)), 4)
        3.2161

        The derivative of its logarithm in :math:`p_k` is :math:`(\alpha_k - 1) / p_k`; in
        :math:`\alpha_k` it is :math:`\log p_k` plus a difference of digamma values:

        >>> import torch
        >>> p = torch.tensor([0.2, 0.5, 0.3], requires_grad=True)
        >>> alpha = torch.tensor([0.7, 2.4, 1.9], requires_grad=True)
        >>> dirichlet_pdf(p, alpha).log().backward()
        >>> p.grad
        tensor([-1.5000,  2.8000,  3.0000])
        >>> alpha.grad
        tensor([ 1.1167,  0.1601, -0.0540])
        >>> p.detach().log() + torch.digamma(torch.tensor(5.0)) - torch.digamma(alpha.detach())
        tensor([ 1.1167,  0.1601, -0.0540])

        All concentrations 1 give the uniform density, :math:`\Gamma(3) = 2` on the triangle, and
        :math:`(2, 1, 3)` give :math:`\tfrac{5!}{1! \, 0! \, 2!} \cdot 0.2 \cdot 0.3^2`:

        >>> p, alpha = np.asarray([0.2, 0.5, 0.3]), np.asarray([[1.0, 1.0, 1.0], [2.0, 1.0, 3.0]])
        >>> dirichlet_pdf(np.stack([p, p]), alpha).round(4).tolist()
        [2.0, 1.08]

        Large concentrations in single precision, where the logarithms of gamma functions are near
        :math:`10^6`:

        >>> half, large = np.full(2, 0.5, np.float32), np.full(2, 1e5, np.float32)
        >>> round(float(dirichlet_pdf(half, large)), 2)
        356.82
    """
    xp = array_namespace(p, alpha)
    whole = xp.sum(alpha, axis=-1, keepdims=True)
    share = alpha / whole
    ratio = p / xp.where(share > 1e-300, share, p)  # smaller ones add less than rounding
    spread = xp.sum(alpha * xp.log(ratio) + xp.log(alpha) / 2 - xp.log(p), axis=-1)
    constant = xp.log(whole) / 2 + (alpha.shape[-1] - 1) / 2 * math.log(2 * math.pi)
    rest = _stirling_rest(whole)[..., 0] - xp.sum(_stirling_rest(alpha), axis=-1)
    return xp.exp(spread - constant[..., 0] + rest)


def _stirling_rest(a: Array) -> Array:
    """What Stirling's formula leaves of log gamma(a), by its series from 16 on."""
    xp = array_namespace(a)
    special = special_namespace(a)
    small, large = xp.where(a < 16, a, 16.0), xp.where(a < 16, 16.0, a)
    # log gamma(a) = log gamma(a + 1) - log(a), which does not overflow
    direct = special.gammaln(small + 1) - (small + 0.5) * xp.log(small) + small
    square = 1 / large**2
    series = 1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    return xp.where(a < 16, direct - math.log(2 * math.pi) / 2, series / large)
