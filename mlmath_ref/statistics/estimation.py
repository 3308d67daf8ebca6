r"""Estimation: from data and a model with unknowns to values for the unknowns.

The likelihood :math:`p(\mathcal{D} \mid \boldsymbol\theta)` says how probable the data
:math:`\mathcal{D}` were under each value of the parameters. It is no loss: the loss is its negative
logarithm, a sum over independent samples. Which loss that is depends on what the outputs are taken
to be. For a categorical output it is the cross-entropy, for a Gaussian output of fixed variance
half the squared error over the variance.

A prior :math:`p(\boldsymbol\theta)` adds its own negative logarithm, which is the regularizer: a
multiple of the squared length for a Gaussian prior, of the sum of absolute values for a Laplace
prior. With data enough the likelihood outweighs it, because it grows with every sample and the
prior does not.

The likelihood at its maximum does not tell which of two models to prefer, since more parameters
always fit better. The Bayesian information criterion charges each of them by the logarithm of the
number of samples.

:map: 3.1 Estimation
"""

import math

from array_api_compat import array_namespace, device

from mlmath_ref.arrays import Array, scale, total
from mlmath_ref.numerics.logarithms import xlogy
from mlmath_ref.sets import (
    Index,
    Masses,
    Natural,
    Nonpositive,
    Positive,
    Real,
    Simplex,
    checked,
)


@checked
def maximum_likelihood(
    c: Masses[Array, "*batch K"],
) -> tuple[Simplex[Array, "*batch K"], Nonpositive[Array, "*batch"]]:
    r"""Maximum likelihood: the distribution over outcomes that makes the counts most probable.

    .. math::
        \hat{p}_k = \frac{c_k}{\sum_{j=1}^{K} c_j}, \qquad
        \ell = \sum_{k=1}^{K} c_k \log \hat{p}_k

    In general :math:`\hat{\boldsymbol\theta} = \arg\max_{\boldsymbol\theta} \prod_{i=1}^{n} p(x_i
    \mid \boldsymbol\theta)`, which is :math:`\arg\max_{\boldsymbol\theta} \sum_{i=1}^{n} \log p(x_i
    \mid \boldsymbol\theta)`; here the log-likelihood is :math:`\sum_k c_k \log p_k`, and no
    :math:`p` makes it larger than :math:`\ell`. Its negative over the number :math:`n` of
    observations is the cross-entropy of :math:`p` with the observed shares, so that
    :math:`-\ell / n` is the entropy of :math:`\hat{p}`. With a Gaussian instead of a categorical
    law the same principle gives :math:`\hat{\mu} = \frac{1}{n} \sum_{i=1}^{n} x_i` and
    :math:`\hat{\sigma}^2 = \frac{1}{n} \sum_{i=1}^{n} (x_i - \hat{\mu})^2`, and with a predicted
    mean least squares.

    Args:
        c: :math:`c`, how often each of the :math:`K` outcomes was observed, or with what weight.

    Returns:
        :math:`(\hat{p}, \ell)`, the estimate, and the log-likelihood at it, in nats.

    Also called:
        MLE of a categorical distribution, ML estimate, maximum likelihood estimator.

    Asked as:
        MLE; maximum likelihood estimation; relative frequency; empirical distribution; count and
        divide; n-gram model; argmax of the log-likelihood.

    Role in ML:
        - estimator -- Infini-gram: the probability of the next token after a context of any length
          is its count after this context over the count of the context, in a corpus of trillions
          of tokens
          :cite:p:`liu2024infinigram{code: pkg/infini_gram/cpp_engine.h, line 682}`.

    Numerics:
        An outcome that was not seen gets probability 0, and adds 0 to the sum. A later observation
        of it has infinite loss, which is why counts are smoothed, as :math:`\frac{c_k + \alpha}{n +
        \alpha K}`. The logarithm of a probability near 1 is formed from the counts of the other
        outcomes: 1 minus a small probability has lost its digits. The value :math:`\ell` is that of one order of
        the observations: the number of orders, the multinomial coefficient, does not depend on
        :math:`p` and is left out. Counts that are all 0 are refused.

    Checked against:
        ``(sklearn.preprocessing.normalize(c[None], "l1")[0], -c.sum() * scipy.stats.entropy(c))``

    Examples:
        By hand, 3 heads and 1 tail: :math:`\tfrac34` and :math:`\tfrac14`, with
        :math:`3 \log \tfrac34 + \log \tfrac14`:

        >>> import numpy as np
        >>> p, log_likelihood = maximum_likelihood(np.asarray([3.0, 1.0]))
        >>> p.tolist(), round(float(log_likelihood), 4)
        ([0.75, 0.25], -2.2493)

        Four outcomes, counted and weighted, with the values of ``scipy.stats.entropy``:

        >>> c = np.asarray([[12.0, 3.0, 7.0, 1.0], [2.5, 4.0, 0.5, 9.0]])
        >>> p, log_likelihood = maximum_likelihood(c)
        >>> p.round(4).tolist()
        [[0.5217, 0.1304, 0.3043, 0.0435], [0.1562, 0.25, 0.0312, 0.5625]]
        >>> import scipy
        >>> log_likelihood.round(4).tolist()
        [-25.3803, -17.0971]
        >>> (-c.sum(-1) * scipy.stats.entropy(c, axis=-1)).round(4).tolist()
        [-25.3803, -17.0971]

        Cross-entropy training ends at the same point: with the logarithms of the counts as scores
        the gradient of the loss over all observations is zero, and the loss is
        :math:`-\ell / n`:

        >>> import torch
        >>> observed = torch.repeat_interleave(torch.arange(4), torch.tensor([12, 3, 7, 1]))
        >>> z = torch.tensor(c[0]).log().requires_grad_()
        >>> loss = torch.nn.functional.cross_entropy(z.expand(23, 4), observed)
        >>> loss.backward()
        >>> round(loss.item(), 4), round(float(-log_likelihood[0] / 23), 4)
        (1.1035, 1.1035)
        >>> bool(z.grad.abs().max() < 1e-12)
        True

        For outputs taken to be Gaussian with variance 1 the negative log-likelihood is half the
        squared error and a constant, and its slope is zero at the mean, 3:

        >>> y = torch.tensor([1.0, 2.0, 6.0])
        >>> mu = torch.tensor([2.5, 3.0], requires_grad=True)
        >>> nll = -torch.distributions.Normal(mu[:, None], 1.0).log_prob(y).sum(-1)
        >>> constant = 1.5 * torch.log(torch.tensor(2 * torch.pi))
        >>> nll.detach(), (((y - mu[:, None]) ** 2).sum(-1) / 2 + constant).detach()
        (tensor([10.1318,  9.7568]), tensor([10.1318,  9.7568]))
        >>> nll.sum().backward()
        >>> mu.grad
        tensor([-1.5000,  0.0000])

        The slope of :math:`\ell` in a count is :math:`\log \hat{p}_k`:

        >>> c = torch.tensor([3.0, 1.0], requires_grad=True)
        >>> maximum_likelihood(c)[1].backward()
        >>> c.grad
        tensor([-0.2877, -1.3863])

        What was not seen is called impossible, and what alone was seen certain:

        >>> maximum_likelihood(torch.tensor([[2.0, 0.0, 6.0], [0.0, 5.0, 0.0]]))
        (tensor([[0.2500, 0.0000, 0.7500],
                [0.0000, 1.0000, 0.0000]]), tensor([-4.4987,  0.0000]))
    """
    xp = array_namespace(c)
    share = c / scale(c)
    p = share / total(share)[..., None]
    rest = total(xp.where(p > 0.5, 0.0, p))[..., None]
    rest = xp.where(rest < 1, rest, 0.0)
    few = xlogy(c, xp.where((c > 0) & (p == 0), 1.0, p))  # underflowed, with a term of 0
    # Near 1 the logarithm comes from the others: rounding p would lose it.
    return p, total(xp.where(p > 0.5, c * xp.log1p(-rest), few))


@checked
def maximum_a_posteriori(
    x: Real[Array, "*batch n d"],
    y: Real[Array, "*batch n"],
    m: Real[Array, "*batch d"],
    *,
    sigma: Positive[float, ""],
    tau: Positive[float, ""],
) -> Real[Array, "*batch d"]:
    r"""Maximum a posteriori of a linear model: the most probable weights, given data and a prior.

    .. math::
        \hat{w} = m + \left( X^\top X + \frac{\sigma^2}{\tau^2} I \right)^{-1} X^\top (y - X m)

    In general :math:`\hat{\boldsymbol\theta} = \arg\max_{\boldsymbol\theta} p(\mathcal{D} \mid
    \boldsymbol\theta) \, p(\boldsymbol\theta)`, which is :math:`\arg\max_{\boldsymbol\theta} (\log
    p(\mathcal{D} \mid \boldsymbol\theta) + \log p(\boldsymbol\theta))`; here targets are Gaussian
    about :math:`X w` with the standard deviation :math:`\sigma`, weights Gaussian about :math:`m`
    with :math:`\tau`, and :math:`I` is the identity matrix. Up to a constant the negative
    log-likelihood is the loss :math:`\lVert y - X w \rVert_2^2 / (2 \sigma^2)` and the negative
    log-prior the regularizer :math:`\lVert w - m \rVert_2^2 / (2 \tau^2)`; :math:`\hat{w}` makes
    their sum smallest. With :math:`m = 0` it is ridge regression with
    :math:`\lambda = \sigma^2 / \tau^2`.

    Args:
        x: :math:`X`, the samples: one row per sample, one column per feature.
        y: :math:`y`, the targets, one per sample.
        m: :math:`m`, the prior mean of the weights.
        sigma: :math:`\sigma`, the standard deviation of the noise, in the unit of :math:`y`.
        tau: :math:`\tau`, the standard deviation of the prior, in the unit of the weights.

    Returns:
        :math:`\hat{w}`, the mode of the posterior, which is also its mean here.

    Also called:
        MAP estimate, MAP estimation, posterior mode.

    Asked as:
        MAP; penalized likelihood; regularized likelihood; Bayesian linear regression; Bayesian
        ridge; L2-SP; prior as regularizer; conjugate prior.

    Role in ML:
        - estimator -- AlphaEdit: facts are written into a layer by the least-squares fit to keys
          and values that stays near the present weights. Read as a posterior mode, these are the
          prior mean; a projection keeps the change away from stored keys
          :cite:p:`fang2024alphaedit{code: AlphaEdit/AlphaEdit_main.py, lines 130-139}`.

    Numerics:
        Solved as least squares on the samples and the prior together, by a QR decomposition, so
        that no product of :math:`X` and :math:`m` has to cancel. A wide prior leaves least squares, a narrow one leaves :math:`m`. The mode depends on how the
        parameters are written: of a function of the weights it is in general not the function of
        their mode, while the maximum of the likelihood is. The whole posterior is Gaussian about
        :math:`\hat{w}`, with the covariance :math:`S = \left( \frac{1}{\sigma^2} X^\top X +
        \frac{1}{\tau^2} I \right)^{-1}`, and :math:`\hat{w} = S \left( \frac{1}{\tau^2} m +
        \frac{1}{\sigma^2} X^\top y \right)`.

    Checked against:
        ``m + sklearn.linear_model.Ridge(alpha=(sigma / tau) ** 2, fit_intercept=False,
        solver="svd").fit(x, y - x @ m).coef_``,
        ``scipy.linalg.lstsq(np.concat([x / sigma, np.eye(len(m)) / tau]),
        np.concat([y / sigma, m / tau]))[0]``

    Examples:
        By hand: a mean of two measurements 4 and 8 with noise 1 and prior :math:`2 \pm 1`. Three
        numbers of equal weight, so :math:`(4 + 8 + 2) / 3`:

        >>> import numpy as np
        >>> x, y, m = np.ones((2, 1)), np.asarray([4.0, 8.0]), np.asarray([2.0])
        >>> maximum_a_posteriori(x, y, m, sigma=1.0, tau=1.0).round(4).tolist()
        [4.6667]

        Four samples of three features, with the values of least squares on data and prior together:

        >>> x = np.asarray([[0.3, 1.7, -2.1], [2.6, -0.4, 0.9], [-1.2, 3.1, 0.5], [0.8, 0.6, 1.4]])
        >>> y, m = np.asarray([1.2, -2.3, 2.6, 0.2]), np.asarray([0.4, -0.3, 1.1])
        >>> maximum_a_posteriori(x, y, m, sigma=0.6, tau=0.8).round(4).tolist()
        [-0.6283, 0.6332, -0.0019]
        >>> both = np.concat([x / 0.6, np.eye(3) / 0.8]), np.concat([y / 0.6, m / 0.8])
        >>> np.linalg.lstsq(*both)[0].round(4).tolist()
        [-0.6283, 0.6332, -0.0019]

        There the slope of the negative logarithm of likelihood times prior is zero. That of the
        likelihood alone, without the minus sign and the logarithm, is no loss to descend:

        >>> import torch
        >>> normal = torch.distributions.Normal
        >>> w = maximum_a_posteriori(x, y, m, sigma=0.6, tau=0.8)
        >>> w = torch.tensor(w, requires_grad=True)
        >>> likelihood = normal(torch.tensor(x) @ w, 0.6).log_prob(torch.tensor(y)).sum()
        >>> prior = normal(torch.tensor(m), 0.8).log_prob(w).sum()
        >>> bool(torch.autograd.grad(-likelihood - prior, w)[0].abs().max() < 1e-6)
        True

        With the prior mean 0 it is ridge regression, here with :math:`\lambda = 0.36 / 0.64`:

        >>> maximum_a_posteriori(x, y, 0 * m, sigma=0.6, tau=0.8).round(4).tolist()
        [-0.6332, 0.6356, -0.0775]
        >>> from mlmath_ref.statistics.regression import ridge_regression
        >>> ridge_regression(x, y, lam=0.5625).round(4).tolist()
        [-0.6332, 0.6356, -0.0775]

        A wide prior leaves least squares, a narrow one the prior mean:

        >>> maximum_a_posteriori(x, y, m, sigma=0.6, tau=1e6).round(4).tolist()
        [-0.6673, 0.6542, -0.0692]
        >>> maximum_a_posteriori(x, y, m, sigma=0.6, tau=1e-6).round(4).tolist()
        [0.4, -0.3, 1.1]

        Two means at once; the slope in the prior mean is the share of the prior in the precision,
        one third:

        >>> m = torch.tensor([[2.0], [7.0]], requires_grad=True)
        >>> y = torch.tensor([[4.0, 8.0], [1.0, 3.0]])
        >>> w = maximum_a_posteriori(torch.ones(2, 2, 1), y, m, sigma=1.0, tau=1.0)
        >>> w.sum().backward()
        >>> w.detach(), m.grad
        (tensor([[4.6667],
                [3.6667]]), tensor([[0.3333],
                [0.3333]]))
    """
    xp = array_namespace(x, y, m)
    wide = max(sigma, tau)
    weight = tau / wide  # of a sample; that of the prior is 0 if its square underflows
    prior = math.sqrt((sigma / wide) ** 2)
    d = m.shape[-1]
    own = prior * xp.eye(d, dtype=x.dtype, device=device(x))
    below = xp.broadcast_to(own, (*m.shape, d))
    q, r = xp.linalg.qr(xp.concat([weight * x, below], axis=-2))
    target = xp.concat([weight * y, prior * m], axis=-1)
    return xp.linalg.solve(r, q.mT @ target[..., None])[..., 0]


@checked
def bayesian_information_criterion(
    log_likelihood: Real[Array, "*batch"], k: Index[int, ""], n: Natural[int, ""]
) -> Real[Array, "*batch"]:
    r"""Bayesian information criterion: misfit of a model plus a penalty for its parameters.

    .. math:: \mathrm{BIC} = k \log n - 2 \ell

    It serves to choose between models: the one with the smallest value is preferred. Half the
    difference of two values, with the sign turned, estimates the logarithm of the ratio of their
    evidences, up to terms that do not grow with :math:`n`: the Laplace approximation with those
    terms left out. A parameter has to raise :math:`\ell` by more than :math:`\tfrac12 \log n`
    :cite:p:`schwarz1978estimating`.

    Args:
        log_likelihood: :math:`\ell`, the log-likelihood of all samples at its maximum, in nats.
        k: :math:`k`, the number of parameters that were fitted, a variance among them.
        n: :math:`n`, the number of samples.

    Returns:
        :math:`\mathrm{BIC}`, in nats, times two.

    Also called:
        BIC, Schwarz criterion, Schwarz information criterion, SIC, SBC.

    Asked as:
        model selection; number of parameters penalty; Occam's razor; AIC or BIC; how many clusters.

    Role in ML:
        - metric -- causal-learn: the score by which greedy search adds and removes edges of a
          causal graph, for linear Gaussian variables; there its negative half, larger being better
          :cite:p:`zheng2024causal{code: causallearn/score/LocalScoreFunction.py, lines 9-94}`.

    Numerics:
        Only differences mean something, between models of the same samples in the same units: a
        density changes with the unit, and with it :math:`\ell`. Akaike's criterion (AIC), :math:`2
        k - 2 \ell`, takes 2 in the place of :math:`\log n`, which is less from 8 samples on. Up to
        a constant a Gaussian model with the residual sum of squares :math:`R` has :math:`n \log(R /
        n) + k \log n`. For a network :math:`k` is not the number of weights, as the Hessian is
        singular and the expansion behind it fails. For mixtures
        ``sklearn.mixture.GaussianMixture.bic`` gives it.

    Checked against:
        ``np.asarray(float(-2 * mpmath.log(mpmath.exp(float(log_likelihood))
        / mpmath.sqrt(mpmath.mpf(n) ** k))))``

    Examples:
        By hand: :math:`2 \log 100 + 2 \cdot 120`:

        >>> import numpy as np
        >>> round(float(bayesian_information_criterion(np.asarray(-120.0), 2, 100)), 4)
        249.2103

        Three heads and a tail, by a fair coin without parameters and by a coin with a fitted one:
        the fair one is preferred, and after 30 heads and 10 tails the other:

        >>> for c in (np.asarray([3.0, 1.0]), np.asarray([30.0, 10.0])):
        ...     n = int(c.sum())
        ...     fair = bayesian_information_criterion(-n * np.log(np.asarray(2.0)), 0, n)
        ...     fitted = bayesian_information_criterion(maximum_likelihood(c)[1], 1, n)
        ...     print(round(float(fair), 4), round(float(fitted), 4))
        5.5452 5.885
        55.4518 48.6757

        Half the difference, and the exact logarithm of the ratio of the evidences with a uniform
        prior of the coin, :math:`\log (30! \, 10! / 41!) + 40 \log 2`; they differ by less than 1:

        >>> import scipy
        >>> exact = scipy.special.betaln(31, 11) + 40 * np.log(2.0)
        >>> round(float((fair - fitted) / 2), 4), round(float(exact), 4)
        (3.388, 3.4543)

        Mixtures of Gaussians, as ``sklearn.mixture.GaussianMixture`` counts their parameters: a
        mean, a variance and a weight each, less one; two clusters prefer two components:

        >>> import sklearn
        >>> x = np.concat([np.linspace(-1.3, 0.9, 12), np.linspace(5.2, 6.8, 9)])[:, None]
        >>> for components in (1, 2):
        ...     mixture = sklearn.mixture.GaussianMixture(components, random_state=0).fit(x)
        ...     ell = np.asarray(21 * mixture.score(x))
        ...     bic = bayesian_information_criterion(ell, 3 * components - 1, 21)
        ...     print(round(float(bic), 4), round(float(mixture.bic(x)), 4))
        113.6157 113.6157
        82.7131 82.7131

        The slope in :math:`\ell` is -2; two models at once:

        >>> import torch
        >>> ell = torch.tensor([-12.5, -9.0], requires_grad=True)
        >>> bic = bayesian_information_criterion(ell, 3, 20)
        >>> bic.sum().backward()
        >>> bic.detach(), ell.grad
        (tensor([33.9872, 26.9872]), tensor([-2., -2.]))
    """
    return k * math.log(n) - 2 * log_likelihood
