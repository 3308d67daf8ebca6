r"""Posteriors: how sure an estimate is, where Bayes' theorem has no closed form.

The posterior of the parameters is the joint density :math:`p(\mathcal{D}, \boldsymbol\theta)`,
which is easy to evaluate, over the evidence :math:`p(\mathcal{D})`, an integral which is not. Two
ways around it use the joint density alone. The Laplace approximation takes the curvature at the
mode for the inverse covariance of a Gaussian; that costs one optimization and one Hessian, and
gives an estimate of the evidence, by which models are compared :cite:p:`mackay2003information`.

A Markov chain needs only ratios of the joint density, in which the evidence cancels. The
Metropolis-Hastings rule keeps the posterior invariant, whatever the proposals are. If the chain can
also reach every state and is not periodic, it converges to the posterior from any start; how fast
depends on the proposals. Because the evidence cancels, the chain does not tell the evidence: that needs another method, such
as annealing from the prior.

:map: 3.3 Bayes' theorem
"""

import math

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array
from mlmath_ref.sets import SPD, Decay, ExtendedReal, Real, Unit, checked


@checked
def laplace_approximation(
    log_joint: Real[Array, "*batch"], a: SPD[Array, "*batch d d"]
) -> tuple[SPD[Array, "*batch d d"], Real[Array, "*batch"]]:
    r"""Laplace approximation: a Gaussian in the place of a posterior, by the curvature at its peak.

    .. math::
        \Sigma = A^{-1}, \qquad
        \log \hat{p}(\mathcal{D}) = \log p(\mathcal{D}, \hat{\boldsymbol\theta})
        + \frac{d}{2} \log(2 \pi) - \frac{1}{2} \log \det(A)

    The logarithm of the joint density of data :math:`\mathcal{D}` and parameters is replaced by its
    second-order expansion about the mode :math:`\hat{\boldsymbol\theta}`, and integrated:
    :math:`p(\boldsymbol\theta \mid \mathcal{D}) \approx \mathcal{N}(\hat{\boldsymbol\theta},
    A^{-1})`. Exact when the joint density is Gaussian in the parameters; for :math:`n` samples of a
    regular model the error of the logarithm falls like :math:`1 / n`.

    Args:
        log_joint: :math:`\log p(\mathcal{D}, \hat{\boldsymbol\theta})`, the log-likelihood plus the
            log-prior, both with their constants, at the mode.
        a: :math:`A`, minus the Hessian of the log joint density in the :math:`d` parameters at the
            mode.

    Returns:
        :math:`(\Sigma, \log \hat{p}(\mathcal{D}))`, the covariance of the Gaussian, whose mean is
        :math:`\hat{\boldsymbol\theta}`, and the estimate of the log-evidence, in nats.

    Also called:
        Laplace's method, Laplace approximation of the posterior.

    Asked as:
        Gaussian approximation of the posterior; saddle-point approximation; log marginal
        likelihood; evidence; Occam factor; Laplace-LoRA; Bayesian neural network.

    Role in ML:
        - estimator -- Laplace-LoRA: after fine-tuning, the adapter weights get a Gaussian posterior
          from the curvature, kept as Kronecker factors of low rank, which turns each logit into a
          mean and a variance
          :cite:p:`yang2024bayesian{code: MaximeRobeyns/bayesian_lora, bayesian_lora/main.py, lines
          234-330}`.

    Numerics:
        The determinant comes from a Cholesky factor, as a sum of logarithms, because the product
        leaves the range of the numbers for some hundred parameters. The mode has to be one: an
        :math:`A` that is not positive definite is refused. The approximation depends on how the
        parameters are written, since a density changes with them. It sees one peak. For one
        variable it is Laplace's method, :math:`\int e^{M f(x)} \, dx \approx \sqrt{\frac{2 \pi}{M
        |f''(x_0)|}} \, e^{M f(x_0)}` at a maximum :math:`x_0`.

    Checked against:
        ``(scipy.linalg.pinvh(a), log_joint - scipy.stats.multivariate_normal(
        cov=scipy.linalg.pinvh(a)).logpdf(np.zeros(len(a))))``

    Examples:
        By hand, :math:`\int e^{-2 \theta^2} d\theta`: the peak is :math:`e^0`, :math:`A = 4`, the
        variance 1/4 and the integral :math:`\sqrt{2 \pi / 4}`:

        >>> import numpy as np
        >>> variance, log_evidence = laplace_approximation(np.asarray(0.0), np.asarray([[4.0]]))
        >>> variance.tolist(), round(float(np.exp(log_evidence)), 4)
        ([[0.25]], 1.2533)

        Two parameters; where the density is Gaussian, peak over evidence is the density of the
        Gaussian at its mean, as ``scipy.stats.multivariate_normal`` has it:

        >>> a = np.asarray([[2.5, -0.7], [-0.7, 1.3]])
        >>> covariance, log_evidence = laplace_approximation(np.asarray(-3.2), a)
        >>> covariance.round(4).tolist(), round(float(log_evidence), 4)
        ([[0.471, 0.2536], [0.2536, 0.9058]], -1.8697)
        >>> import scipy
        >>> gaussian = scipy.stats.multivariate_normal(cov=np.linalg.inv(a))
        >>> round(float(-3.2 - gaussian.logpdf(np.zeros(2))), 4)
        -1.8697

        A factorial is the integral of :math:`\theta^n e^{-\theta}`, with the peak at
        :math:`\theta = n` and :math:`A = 1/n`; this gives Stirling's formula, here for 10!:

        >>> peak, a = np.asarray(10 * np.log(10.0) - 10), np.asarray([[1 / 10]])
        >>> stirling = laplace_approximation(peak, a)[1]
        >>> round(float(stirling), 4), round(float(scipy.special.gammaln(11)), 4)
        (15.0961, 15.1044)

        In :math:`\log \theta` the same integral has another peak, and its approximation another
        value:

        >>> peak, a = np.asarray(11 * np.log(11.0) - 11), np.asarray([[11.0]])
        >>> round(float(laplace_approximation(peak, a)[1]), 4)
        15.0968

        A coin with 7 heads and 3 tails, the logit standard Gaussian before: mode by Newton steps,
        curvature by differentiation, and the evidence by quadrature for comparison:

        >>> import torch
        >>> from mlmath_ref.calculus.curvature import hessian
        >>> from mlmath_ref.calculus.derivatives import gradient
        >>> def log_joint(w):
        ...     likelihood = 7 * torch.nn.functional.logsigmoid(w)
        ...     likelihood = likelihood + 3 * torch.nn.functional.logsigmoid(-w)
        ...     return (likelihood + torch.distributions.Normal(0.0, 1.0).log_prob(w)).sum()
        >>> w = torch.zeros(1, dtype=torch.float64)
        >>> for _ in range(5):
        ...     w = w - torch.linalg.solve(hessian(log_joint, w), gradient(log_joint, w))
        >>> variance, log_evidence = laplace_approximation(log_joint(w), -hessian(log_joint, w))
        >>> [round(v.item(), 4) for v in (w, variance, log_evidence)]
        [0.5828, 0.3031, -6.9512]
        >>> grid = torch.linspace(-9.0, 9.0, 101, dtype=torch.float64)
        >>> density = torch.stack([log_joint(v[None]) for v in grid]).exp()
        >>> round(torch.trapezoid(density, grid).log().item(), 4)
        -6.9392

        The slope of the log-evidence in :math:`A` is :math:`-\Sigma / 2`; a batch of three:

        >>> a = torch.tensor([[2.0, 1.0], [1.0, 1.0]]) * torch.tensor([[[1.0]], [[2.0]], [[3.0]]])
        >>> a = a.requires_grad_()
        >>> covariance, log_evidence = laplace_approximation(torch.tensor([0.0, 1.0, 2.0]), a)
        >>> log_evidence.sum().backward()
        >>> log_evidence.detach(), a.grad[1], covariance[1].detach()
        (tensor([1.8379, 2.1447, 2.7393]), tensor([[-0.2500,  0.2500],
                [ 0.2500, -0.5000]]), tensor([[ 0.5000, -0.5000],
                [-0.5000,  1.0000]]))

        Four hundred parameters with :math:`A = 0.1 I`, of determinant :math:`10^{-400}`; a saddle
        is refused:

        >>> round(float(laplace_approximation(np.asarray(0.0), 0.1 * np.eye(400))[1]), 4)
        828.0924
        >>> saddle = np.asarray([[1.0, 0.0], [0.0, -1.0]])
        >>> laplace_approximation(np.asarray(0.0), saddle)
        Traceback (most recent call last):
        ValueError: laplace_approximation: a must hold symmetric positive definite matrices, got [[1.0, 0.0], [0.0, -1.0]] with smallest eigenvalue -1.0
    """
    xp = array_namespace(log_joint, a)
    d = a.shape[-1]
    diagonal = xp.linalg.diagonal(xp.linalg.cholesky(a))
    half_log_det = xp.sum(xp.log(diagonal), axis=-1)
    return xp.linalg.inv(a), log_joint + d / 2 * math.log(2 * math.pi) - half_log_det


@checked
def metropolis_hastings(
    x: Real[Array, "*batch d"],
    y: Real[Array, "*batch d"],
    log_p_x: Real[Array, "*batch"],
    log_p_y: ExtendedReal[Array, "*batch"],
    log_q_xy: Real[Array, "*batch"],
    log_q_yx: ExtendedReal[Array, "*batch"],
    u: Decay[Array, "*batch"],
) -> tuple[Real[Array, "*batch d"], Unit[Array, "*batch"]]:
    r"""Metropolis-Hastings step: take the proposal or stay, so that the target is kept.

    .. math::
        a = \min \left( 1, \frac{p_y \, q_{y x}}{p_x \, q_{x y}} \right), \qquad
        x' = \begin{cases} y & u < a \\ x & \text{otherwise} \end{cases}

    A state that is distributed as the target stays so: as many steps go from :math:`x` to :math:`y`
    as back (detailed balance). The target may lack its normalizing constant, which cancels. If the
    chain can reach every state and is not periodic, it converges to the target from any start.

    Args:
        x: :math:`x`, the present state, of :math:`d` numbers.
        y: :math:`y`, the proposed state, drawn from the proposal density at :math:`x`.
        log_p_x: :math:`\log p_x`, the logarithm of the target density at :math:`x`, up to a
            constant.
        log_p_y: :math:`\log p_y`, that at :math:`y`, with the same constant.
        log_q_xy: :math:`\log q_{x y}`, the logarithm of the density of proposing :math:`y` from
            :math:`x`.
        log_q_yx: :math:`\log q_{y x}`, that of proposing :math:`x` from :math:`y`; for a symmetric
            proposal both are the same, and zeros will do.
        u: :math:`u`, noise, uniform from 0 up to 1.

    Returns:
        :math:`(x', a)`, the next state, and the probability with which the proposal is accepted.

    Also called:
        Metropolis-Hastings algorithm, Metropolis algorithm, MH.

    Asked as:
        MCMC; Markov chain Monte Carlo; random-walk Metropolis; acceptance step; acceptance
        probability; acceptance ratio; accept-reject; detailed balance; posterior sampling.

    Role in ML:
        - sampling -- Power sampling of language models: to sample from a power of the model's own
          distribution, a part of the answer is written anew and kept or not by this rule, with the
          probabilities of both parts under model and proposal
          :cite:p:`karan2025reasoning{code: llm_experiments/power_samp_utils.py, lines 183-200}`.
        - sampling -- FermiNet: the positions of the electrons, over which the energy is averaged,
          are sampled from the square of the wave function, with Gaussian proposals
          :cite:p:`pfau2024excited{code: google-deepmind/ferminet, ferminet/mcmc.py, lines 67-126}`.

    Numerics:
        Papers write :math:`\alpha = \min\left( 1, \frac{p(x') \, q(x \mid x')}{p(x) \, q(x' \mid
        x)} \right)`, for a symmetric proposal, as Metropolis had it, :math:`\min(1, p(x') / p(x))`,
        and for Hamiltonian Monte Carlo :math:`\min(1, e^{-\Delta H})`. The ratio is formed as a
        difference of logarithms, as the densities underflow, and its exponential is taken where it
        is not above 1. A proposal with density 0 is never accepted; a present state with density 0
        is refused. States that follow each other are correlated, so that a chain is worth fewer
        independent samples than it has; the early ones still remember the start. The slope of the
        next state is that of the state taken: how the choice depends on the densities has none.

    Checked against:
        ``(lambda r: (y if u < r else x, np.asarray(float(min(r, 1)))))(
        mpmath.exp(mpmath.fsum(map(float, [log_p_y, -log_p_x, log_q_yx, -log_q_xy]))))``

    Examples:
        By hand: the target is 3 times as large at :math:`x`, the proposal symmetric, so the
        proposal is accepted with probability 1/3: with :math:`u = 0.3`, not with
        :math:`u = 0.4`:

        >>> import numpy as np
        >>> x, y, zero = np.asarray([1.0, 2.0]), np.asarray([5.0, 4.0]), np.asarray(0.0)
        >>> for u in (0.3, 0.4):
        ...     state, a = metropolis_hastings(
        ...         x, y, np.asarray(np.log(3.0)), zero, zero, zero, np.asarray(u))
        ...     print(state.tolist(), round(float(a), 4))
        [5.0, 4.0] 0.3333
        [1.0, 2.0] 0.3333

        Four chains at once, with proposals that are not symmetric, by the ratio
        :math:`p_y q_{yx} / (p_x q_{xy})` of 0.24, 1.5, 4/3 and 0.7, the last beside
        :math:`u = 0.75`:

        >>> p_x, p_y = np.asarray([0.5, 0.2, 0.3, 0.4]), np.asarray([0.2, 0.3, 0.6, 0.7])
        >>> q_xy, q_yx = np.asarray([0.5, 0.7, 0.6, 0.5]), np.asarray([0.3, 0.7, 0.4, 0.2])
        >>> x, y, u = np.zeros((4, 1)), np.ones((4, 1)), np.asarray([0.2, 0.9, 0.99, 0.75])
        >>> state, a = metropolis_hastings(x, y, *map(np.log, (p_x, p_y, q_xy, q_yx)), u)
        >>> state[:, 0].tolist(), a.round(4).tolist()
        ([1.0, 1.0, 1.0, 0.0], [0.24, 1.0, 1.0, 0.7])

        Detailed balance, on three states with weights that do not sum to 1: with the acceptance
        probabilities of all pairs the chain has the target for its fixed point:

        >>> p = np.asarray([2.0, 5.0, 1.0])
        >>> q = np.asarray([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [0.4, 0.4, 0.2]])
        >>> i, j = np.indices((3, 3))
        >>> a = metropolis_hastings(
        ...     i[..., None] * 1.0, j[..., None] * 1.0, np.log(p[i]), np.log(p[j]), np.log(q[i, j]),
        ...     np.log(q[j, i]), np.zeros((3, 3)))[1]
        >>> move = q * a * (i != j)
        >>> transition = move + np.diag(1 - move.sum(axis=1))
        >>> (p @ transition).round(4).tolist()
        [2.0, 5.0, 1.0]

        Two thousand chains of 60 steps, started far off, reach a Gaussian with mean 1 and standard
        deviation 0.5, of which only the exponent was given:

        >>> rng = np.random.default_rng(0)
        >>> log_p = lambda x: -2 * (x[:, 0] - 1) ** 2
        >>> x, zero = np.full((2000, 1), 4.0), np.zeros(2000)
        >>> for _ in range(60):
        ...     y = x + rng.normal(size=x.shape)
        ...     x, a = metropolis_hastings(
        ...         x, y, log_p(x), log_p(y), zero, zero, rng.random(2000))
        >>> round(float(x.mean()), 2), round(float(x.std()), 2), round(float(a.mean()), 2)
        (1.01, 0.49, 0.51)

        The slope of the acceptance in :math:`\log p_y` is the acceptance itself below 1, and 0
        above; the next state has the slope of the one that was taken:

        >>> import torch
        >>> x, y = (torch.tensor(v, requires_grad=True) for v in ([[1.0], [2.0]], [[3.0], [4.0]]))
        >>> log_p_y, zero = torch.tensor([-0.5, 0.5], requires_grad=True), torch.zeros(2)
        >>> state, a = metropolis_hastings(x, y, zero, log_p_y, zero, zero, zero + 0.9)
        >>> (state.sum() + a.sum()).backward()
        >>> x.grad.flatten(), y.grad.flatten(), log_p_y.grad
        (tensor([1., 0.]), tensor([0., 1.]), tensor([0.6065, 0.0000]))

        Outside of the support nothing is accepted, even with :math:`u = 0`; densities that
        underflow do no harm:

        >>> one, none = torch.zeros(1), torch.tensor(-torch.inf)
        >>> low, u = torch.tensor(-2000.0), torch.tensor(0.0)
        >>> metropolis_hastings(one, one + 1, low, none, low, low, u)
        (tensor([0.]), tensor(0.))
        >>> metropolis_hastings(one, one + 1, low, low - 1, low, low, u)
        (tensor([1.]), tensor(0.3679))
    """
    xp = array_namespace(x, y, log_p_x, log_p_y, log_q_xy, log_q_yx, u)
    log_ratio = (log_p_y - log_p_x) + (log_q_yx - log_q_xy)
    a = xp.exp(xp.where(log_ratio < 0, log_ratio, xp.zeros_like(log_ratio)))
    return xp.where((u < a)[..., None], y, x), a
