r"""Densities: how probability is spread over values that cannot be counted.

A density is probability per unit of length, area or volume. It is never negative and integrates to
one, but it may exceed one, and it changes with the unit. The Gaussian spreads over the whole line:
two numbers, a center and a width, fix it. It is the law of most noise that machine learning adds on
purpose, because sums of Gaussians and Gaussians given a noisy reading of themselves are Gaussian
again.

The Dirichlet density spreads over the probability simplex, so its values are distributions: shares
of a mixture, a policy over moves, a categorical law that is itself unknown. Products of many
densities leave the range of floating-point numbers; what is summed in practice are logarithms.

:map: 3.2 Distributions
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, special_namespace
from mlmath_ref.sets import Nonneg, OpenSimplex, Positive, Real, checked


@checked
def gaussian_pdf(
    x: Real[Array, "*batch"], mu: Real[Array, "*#batch"], sigma: Positive[Array, "*#batch"]
) -> Nonneg[Array, "*batch"]:
    r"""Gaussian density: how likely a value is near a center, in units of the width.

    .. math::
        \mathcal{N}(x; \mu, \sigma^2) = \frac{1}{\sigma \sqrt{2 \pi}}
        \exp \left( -\frac{(x - \mu)^2}{2 \sigma^2} \right)

    Symmetric about :math:`\mu`, where it is largest, with :math:`1 / (\sigma \sqrt{2 \pi})`.
    Integrates to one; about 68 percent lies within :math:`\sigma` of the center, 95 percent within
    :math:`2 \sigma`.

    Args:
        x: :math:`x`, the value.
        mu: :math:`\mu`, the mean, in the unit of :math:`x`.
        sigma: :math:`\sigma`, the standard deviation, in the unit of :math:`x`; not the variance.

    Returns:
        :math:`\mathcal{N}(x; \mu, \sigma^2)`, per unit of :math:`x`, one density per value.

    Also called:
        normal distribution, normal pdf, Gaussian distribution, bell curve, norm.pdf, dnorm,
        normal density.

    Role in ML:
        - sampling -- AlphaFold 3: each step of the diffusion sampler adds noise drawn from this law
          to the atom positions, its width set by the noise schedule
          :cite:p:`abramson2024accurate{code:
          src/alphafold3/model/network/diffusion_head.py, line 348}`.
        - schedule -- Stable Diffusion 3: training times are drawn so that their logit is Gaussian;
          the density of the time :math:`t` is this one at the logit, divided by :math:`t (1 - t)`
          :cite:p:`esser2024scaling{sec. 3.1}`.
        - sampling -- OLMo 2: weights start as draws with mean 0 and standard deviation 0.02, cut
          off at three standard deviations
          :cite:p:`olmo2024two{code: configs/official-1124/OLMo2-13B-stage1.yaml, lines 34-36}`.

    Numerics:
        The exponent is formed from :math:`(x - \mu) / \sigma`, so that no square of a small or
        large :math:`\sigma` is needed. In float64 the density underflows to 0 from about
        :math:`39 \sigma`, in float32 from about :math:`14 \sigma`; a likelihood is summed as
        :math:`-\tfrac12 ((x - \mu) / \sigma)^2 - \log \sigma - \tfrac12 \log 2 \pi`. A
        :math:`\sigma` that is not above 0 is refused.

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
        >>> float(torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(40.0)))
        -800.9189
    """
    xp = array_namespace(x, mu, sigma)
    z = (x - mu) / sigma
    return xp.exp(-z * z / 2) / (sigma * math.sqrt(2 * math.pi))


@checked
def dirichlet_pdf(
    p: OpenSimplex[Array, "*batch K"], alpha: Positive[Array, "*#batch K"]
) -> Nonneg[Array, "*batch"]:
    r"""Dirichlet density: how likely a distribution is among all distributions over its outcomes.

    .. math::
        \operatorname{Dir}(p; \alpha) = \frac{\Gamma \left( \sum_{k=1}^{K} \alpha_k \right)}
        {\prod_{k=1}^{K} \Gamma(\alpha_k)} \prod_{k=1}^{K} p_k^{\alpha_k - 1}

    Here :math:`\Gamma` is the gamma function. The mean of :math:`p_k` is :math:`\alpha_k` over the
    sum of all; that sum says how tightly :math:`p` keeps to the mean, and values below one favor
    distributions with few large shares. For counts :math:`c` from :math:`p` the posterior is the
    same density with :math:`\alpha + c`.

    Args:
        p: :math:`p`, a distribution over :math:`K` outcomes, all of them above 0.
        alpha: :math:`\alpha`, the concentrations, one per outcome; all 1 gives the uniform density.

    Returns:
        :math:`\operatorname{Dir}(p; \alpha)`, the density in the first :math:`K - 1` shares.

    Also called:
        Dirichlet distribution, multivariate beta distribution, Dirichlet prior, Dirichlet noise,
        conjugate prior of the categorical distribution.

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
        density leaves the range of floating-point numbers, and its logarithm is what to keep. A
        share of exactly 0 is refused: the density there is 0, finite or infinite depending on the
        direction of approach.

    Checked against:
        ``scipy.stats.dirichlet.pdf(p, alpha)``,
        ``float(mpmath.fprod(mpmath.mpf(q) ** (a - 1) / mpmath.gamma(a) for q, a in zip(p, alpha))
        * mpmath.gamma(sum(alpha)))``

    Examples:
        By hand, with two outcomes and :math:`\alpha = (2, 3)` it is
        :math:`\tfrac{4!}{1! \, 2!} \, p_1 p_2^2 = 12 \cdot 0.25 \cdot 0.5625`:

        >>> import numpy as np
        >>> float(dirichlet_pdf(np.asarray([0.25, 0.75]), np.asarray([2.0, 3.0])))
        1.6875

        Three outcomes and concentrations on both sides of one, with the value of
        ``scipy.stats.dirichlet.pdf``:

        >>> p, alpha = np.asarray([0.2, 0.5, 0.3]), np.asarray([0.7, 2.4, 1.9])
        >>> float(dirichlet_pdf(p, alpha))
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
        [2.0000, 1.0800]
    """
    xp = array_namespace(p, alpha)
    special = special_namespace(p)
    total = xp.sum(alpha, axis=-1)
    log_constant = special.gammaln(total) - xp.sum(special.gammaln(alpha), axis=-1)
    return xp.exp(log_constant + xp.sum((alpha - 1) * xp.log(p), axis=-1))
