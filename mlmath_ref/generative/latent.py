r"""Latent Gaussians: an encoder that answers with a distribution, and how to train it.

The encoder of a variational autoencoder maps an input to the mean and the variance of a Gaussian
over codes. Training has to draw a code and still send gradients back to the encoder. The
reparameterization trick moves the randomness into a noise that nobody trains, after which the draw
is an ordinary function of mean and variance.

The evidence lower bound then has two parts: how well a drawn code lets the decoder restore the
input, and how far the encoder's Gaussian is from the standard one, a divergence with a closed form.
The negative bound, reconstruction plus divergence, is a code length in nats. Image and video
generators keep this construction as their first stage, with a very small weight on the divergence:
there it bounds the scale of the codes rather than making them standard normal.

:map: 6.7 Generative models
"""

from array_api_compat import array_namespace

from mlmath_ref.arrays import Array, total
from mlmath_ref.sets import Nonneg, Real, checked


@checked
def gaussian_kl(
    mu: Real[Array, "*batch d"], log_var: Real[Array, "*batch d"]
) -> Nonneg[Array, "*batch"]:
    r"""Gaussian KL term: how far a diagonal Gaussian is from the standard one.

    .. math::
        D_{\mathrm{KL}}(\mathcal{N}(\mu, \operatorname{diag}(\sigma^2)) \,\|\, \mathcal{N}(0, I))
            = \frac12 \sum_{i=1}^{d} (\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2)

    It is also :math:`-\frac12 \sum_i (1 + \log \sigma_i^2 - \mu_i^2 - \sigma_i^2)`, zero exactly
    when :math:`\mu = 0` and every :math:`\sigma_i^2 = 1`. The expectation is under the encoder's
    Gaussian, which stands first; :math:`\mathcal{N}(0, I)` has unit covariance :math:`I`. From
    :math:`\mathcal{N}(\mu, \sigma^2)` to :math:`\mathcal{N}(m, s^2)` on the line it is :math:`\log
    \frac{s}{\sigma} + \frac{\sigma^2 + (\mu - m)^2}{2 s^2} - \frac12`, from the first to the second
    of any two in :math:`d` dimensions :math:`\frac12 \left( \operatorname{tr}(\Sigma_2^{-1}
    \Sigma_1) + (\mu_2 - \mu_1)^\top \Sigma_2^{-1} (\mu_2 - \mu_1) - d + \log \frac{\det
    \Sigma_2}{\det \Sigma_1} \right)`.

    Args:
        mu: :math:`\mu`, the mean.
        log_var: :math:`\log \sigma_i^2`, the logarithm of the variances, which a network may leave
            unbounded.

    Returns:
        :math:`D_{\mathrm{KL}}(\mathcal{N}(\mu, \operatorname{diag}(\sigma^2)) \,\|\, \mathcal{N}(0, I))`, in nats, one number per batch element; :math:`\mathcal{N}` is the
        normal distribution.

    Also called:
        VAE KL loss, KL to standard normal, VAE latent loss.

    Asked as:
        KL regularizer; rate term; ELBO regularizer; kld; KL between Gaussians; posterior collapse;
        KL vanishing.

    Role in ML:
        - regularizer -- Open-Sora 1.2: its video autoencoder is trained with this divergence at a
          weight of 1e-6, beside reconstruction and perceptual losses
          :cite:p:`zheng2024opensora{code: hpcaitech/Open-Sora, v1.2.0, configs/vae/train/stage1.py,
          line 39; opensora/models/vae/losses.py, line 120}`.
        - regularizer -- Latent diffusion: keeps the codes of the first stage at a moderate scale,
          with a small weight :cite:p:`rombach2022high{sec. 3.1}`.
          Witness: ``diffusers.models.autoencoders.vae.DiagonalGaussianDistribution``.
        - regularizer -- Variational autoencoder: the part of the evidence lower bound that needs no
          sampling :cite:p:`kingma2014auto{eq. (10), appendix B}`.

    Numerics:
        :math:`\sigma^2 - 1 - \log \sigma^2` is computed by its power series if
        :math:`|\log \sigma^2| < \tfrac12`, where the difference cancels, so that small divergences
        have full relative precision; the result is never negative. The gradient is :math:`\mu_i` in
        the mean and :math:`(\sigma_i^2 - 1) / 2` in the log-variance: bounded where the variance is
        tiny, exponential where it is large. The sum runs over the last axis, the mean over a batch
        is the caller's; which of the two a library averages changes the weight of the term.

    Checked against:
        ``torch.distributions.kl_divergence(torch.distributions.Normal(mu, torch.exp(log_var / 2)),
        torch.distributions.Normal(0 * mu, 1 + 0 * mu)).sum(-1)``

    Examples:
        By hand, unit variances: half the squared length of the mean, :math:`(1 + 4) / 2`.

        >>> import numpy as np
        >>> float(gaussian_kl(np.asarray([1.0, -2.0]), np.zeros(2)))
        2.5

        Variances 4 and 1/2 add :math:`\tfrac12 (3 - \log 4)` and
        :math:`\tfrac12 (-\tfrac12 + \log 2)`; the gradients are :math:`\mu` and
        :math:`(\sigma^2 - 1) / 2`:

        >>> import torch
        >>> mu = torch.tensor([0.5, -1.5], requires_grad=True)
        >>> log_var = torch.tensor([4.0, 0.5]).log().requires_grad_()
        >>> divergence = gaussian_kl(mu, log_var)
        >>> divergence.detach()
        tensor(2.1534)
        >>> divergence.backward()
        >>> mu.grad.tolist(), log_var.grad.tolist()
        ([0.5, -1.5], [1.5, -0.25])

        The standard normal itself is at zero, a shift of it by :math:`(1, -2, 3)` at 7, and a tiny
        offset :math:`v` of the log-variance costs :math:`v^2 / 4`:

        >>> gaussian_kl(np.asarray([[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]]), np.zeros((2, 3))).tolist()
        [0.0, 7.0]
        >>> f"{gaussian_kl(np.zeros(1), np.full(1, 1e-7)):.4g}"
        '2.5e-15'
    """
    return total(mu**2 / 2 + _exp_remainder(log_var) / 2)


def _exp_remainder(x: Array) -> Array:
    """exp(x) - 1 - x to full precision: near 0 by its series, as the difference cancels there."""
    xp = array_namespace(x)
    near = xp.abs(x) < 0.5
    small, series = xp.where(near, x, 0.0), 1.0
    for n in range(16, 2, -1):
        series = 1.0 + series * small / n
    return xp.where(near, small**2 / 2 * series, xp.expm1(x) - x)


@checked
def reparameterize(
    mu: Real[Array, "*batch d"],
    log_var: Real[Array, "*batch d"],
    noise: Real[Array, "*batch d"],
) -> Real[Array, "*batch d"]:
    r"""Reparameterization trick: a random Gaussian sample that gradients pass through.

    .. math:: z_i = \mu_i + \exp\left( \tfrac12 \log \sigma_i^2 \right) \epsilon_i

    In vectors it is :math:`z = \mu + \sigma \odot \epsilon`. With
    :math:`\epsilon \sim \mathcal{N}(0, I)` the result is distributed as
    :math:`\mathcal{N}(\mu, \operatorname{diag}(\sigma^2))`, and its gradients in :math:`\mu` and
    :math:`\sigma` exist because the noise does not depend on them: :math:`\nabla_\mu \,
    \mathbb{E}_{z}[f(z)] = \mathbb{E}_{\epsilon}[\nabla_\mu f(\mu + \sigma \odot \epsilon)]`, so
    that one can backpropagate (backprop) through random sampling.

    Args:
        mu: :math:`\mu`, the mean.
        log_var: :math:`\log \sigma_i^2`, the logarithm of the variances.
        noise: :math:`\epsilon`, a standard normal draw; zeros give the mean.

    Returns:
        :math:`z`, the draw.

    Also called:
        reparametrization trick, reparameterisation, rsample.

    Asked as:
        pathwise gradient; Gaussian sampling; stochastic backpropagation; reparameterization gradient;
        backpropagate through sampling.

    Role in ML:
        - sampling -- FLUX.1: the two halves of the image encoder's output, mean and log-variance,
          become a latent this way
          :cite:p:`labs2025kontext{code: black-forest-labs/flux, src/flux/modules/autoencoder.py,
          line 277}`.
          Witness: ``diffusers.models.autoencoders.vae.DiagonalGaussianDistribution``.
        - sampling -- MAR: each training step draws fresh latents from the posterior of a pretrained
          autoencoder
          :cite:p:`li2024autoregressive{code: LTH14/mar, models/vae.py, line 413; engine_mar.py,
          line 65}`.
        - estimator -- Variational autoencoder: lets the gradient of an expectation under the
          encoder be estimated from a single draw :cite:p:`kingma2014auto{sec. 2.4}`.

    Numerics:
        Halving the logarithm gives the standard deviation without a square root, whose slope has no
        bound at zero variance. A log-variance above about 177 overflows in float32; released
        encoders clamp it, to -30..20 in MAR. ``torch.distributions.Normal.rsample`` draws in this
        way.

    Checked against:
        ``mu + np.linalg.cholesky(np.diag(np.exp(log_var))) @ noise``

    Examples:
        By hand, standard deviations 3 and 0.5: :math:`1 + 3 \cdot 2` and :math:`-1 - 0.5 \cdot 4`.

        >>> import numpy as np
        >>> mu, log_var = np.asarray([1.0, -1.0]), np.log(np.asarray([9.0, 0.25]))
        >>> reparameterize(mu, log_var, np.asarray([2.0, -4.0])).round(4).tolist()
        [7.0, -3.0]

        The gradient in :math:`\mu` is 1, in the log-variance :math:`\sigma_i \epsilon_i / 2`:

        >>> import torch
        >>> mu = torch.zeros(2, requires_grad=True)
        >>> log_var = torch.tensor([9.0, 0.25]).log().requires_grad_()
        >>> reparameterize(mu, log_var, torch.tensor([2.0, -4.0])).sum().backward()
        >>> mu.grad.tolist(), log_var.grad.tolist()
        ([1.0, 1.0], [3.0, -1.0])

        Without noise the mean comes back:

        >>> reparameterize(np.asarray([0.3, 0.7]), np.asarray([5.0, -5.0]), np.zeros(2)).tolist()
        [0.3, 0.7]
    """
    xp = array_namespace(mu, log_var, noise)
    return mu + xp.exp(log_var / 2) * noise


@checked
def elbo(
    log_px: Real[Array, "*batch s"], mu: Real[Array, "*batch d"], log_var: Real[Array, "*batch d"]
) -> Real[Array, "*batch"]:
    r"""Evidence lower bound: how well drawn codes explain the data, less what the codes cost.

    .. math::
        \mathcal{J} = \frac{1}{s} \sum_{l=1}^{s} \log p_l
            - \frac12 \sum_{i=1}^{d} (\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2)

    It estimates :math:`\mathbb{E}_{q(z \mid x)}[\log p(x \mid z)] - D_{\mathrm{KL}}(q(z \mid x)
    \,\|\, p(z)) = \mathbb{E}_{q(z \mid x)}[\log p(x, z) - \log q(z \mid x)]`, reconstruction less
    divergence. Its mean over the draws is at most :math:`\log p(x)`, and less by
    :math:`D_{\mathrm{KL}}(q(z \mid x) \,\|\, p(z \mid x))`: it is tight exactly when the encoder
    gives the true posterior. Maximizing it in the decoder raises the likelihood or tightens the
    bound; the prior is :math:`\mathcal{N}(0, I)`, with unit covariance :math:`I`.

    Args:
        log_px: :math:`\log p_l`, the logarithm of :math:`p(x \mid z_l)`, the decoder's density of
            the data, for each of :math:`s` codes drawn from the encoder.
        mu: :math:`\mu`, the mean of the encoder's Gaussian :math:`q(z \mid x)`.
        log_var: :math:`\log \sigma_i^2`, the logarithm of its variances.

    Returns:
        :math:`\mathcal{J}`, in nats, one number per batch element.

    Also called:
        ELBO, variational lower bound, VAE objective, SGVB estimator.

    Asked as:
        VAE loss; NELBO; negative ELBO; variational free energy; evidence; variational autoencoder;
        variational inference; reconstruction plus KL.

    Role in ML:
        - objective -- LeRobot: the ACT policy is trained as a conditional variational autoencoder
          on chunks of actions; an L1 error stands for the negative log-likelihood, and the
          divergence has the weight 10
          :cite:p:`cadene2024lerobot{code: src/lerobot/policies/act/modeling_act.py, lines 147-162;
          configuration_act.py, line 123}`.
        - objective -- Variational autoencoder: encoder and decoder are trained together to
          maximize it, with the divergence in closed form and the rest by one draw
          :cite:p:`kingma2014auto{eq. (3), eq. (10)}`.

    Numerics:
        A density may be above 1, and so may the bound lie above 0. A single estimate can exceed
        :math:`\log p(x)`; only its mean is a bound. A log-likelihood that is averaged over pixels
        while the divergence is summed makes the divergence as many times heavier.

    Checked against:
        ``log_px.mean(-1) - torch.distributions.kl_divergence(torch.distributions.Normal(mu,
        torch.exp(log_var / 2)), torch.distributions.Normal(0 * mu, 1 + 0 * mu)).sum(-1)``

    Examples:
        By hand, three draws for each of two inputs, and unit variances:
        :math:`-4 - (1 + 4) / 2` and :math:`-1 - 0.25 / 2`.

        >>> import numpy as np
        >>> log_px = np.asarray([[-3.0, -5.0, -4.0], [-1.0, 0.0, -2.0]])
        >>> elbo(log_px, np.asarray([[1.0, -2.0], [0.0, 0.5]]), np.zeros((2, 2))).tolist()
        [-6.5, -1.125]

        A model with a known evidence: :math:`z \sim \mathcal{N}(0, 1)`,
        :math:`x \mid z \sim \mathcal{N}(2 z, \tfrac12)`, hence
        :math:`x \sim \mathcal{N}(0, 4.5)`. The noises -1 and 1 have the mean and the variance of
        the normal law, which is all that a quadratic needs. At the true posterior, with mean
        :math:`4 x / 9` and variance 1/9, the bound is the evidence; at another Gaussian the gap is
        the divergence to the posterior:

        >>> from scipy import stats
        >>> x, noise = 1.3, np.asarray([[-1.0], [1.0]])
        >>> def bound(mean, variance):
        ...     mu, log_var = np.asarray([mean]), np.log(np.asarray([variance]))
        ...     z = reparameterize(np.tile(mu, (2, 1)), np.tile(log_var, (2, 1)), noise)[:, 0]
        ...     return float(elbo(stats.norm.logpdf(x, 2 * z, 0.5**0.5), mu, log_var))
        >>> evidence = float(stats.norm.logpdf(x, 0, 4.5**0.5))
        >>> round(evidence, 4), round(bound(4 * x / 9, 1 / 9), 4)
        (-1.8588, -1.8588)
        >>> scaled = gaussian_kl(np.asarray([(0.2 - 4 * x / 9) * 3]), np.log(np.asarray([2.7])))
        >>> round(evidence - bound(0.2, 0.3), 4), round(float(scaled), 4)
        (0.9956, 0.9956)

        The gradient: each draw counts :math:`1 / s`, and the code pays :math:`-\mu` and
        :math:`(1 - \sigma^2) / 2`:

        >>> import torch
        >>> log_px = torch.tensor([-1.5, 0.5, -2.0, -1.0], requires_grad=True)
        >>> mu = torch.tensor([0.5, -1.5], requires_grad=True)
        >>> log_var = torch.tensor([4.0, 0.5]).log().requires_grad_()
        >>> value = elbo(log_px, mu, log_var)
        >>> value.backward()
        >>> round(value.item(), 4), log_px.grad.tolist()
        (-3.1534, [0.25, 0.25, 0.25, 0.25])
        >>> mu.grad.tolist(), log_var.grad.tolist()
        ([-0.5, 1.5], [-1.5, 0.25])

        A decoder that is sure and right has a density above 1, and the bound is positive:

        >>> log_px = np.asarray([stats.norm.logpdf(0.0, 0.0, 0.01)])
        >>> round(float(elbo(log_px, np.zeros(1), np.zeros(1))), 4)
        3.6862
    """
    return total(log_px / log_px.shape[-1]) - gaussian_kl(mu, log_var)
